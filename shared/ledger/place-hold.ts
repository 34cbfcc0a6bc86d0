import type { LockedAccount } from './account.ts'
import type { Priced, PricedEntry } from './command.ts'
import {
  accountsAfter,
  firstAccountFault,
  firstLimitBreach,
  firstOverflow,
  type RunningAccounts,
} from './decide.ts'
import type { MinorUnits } from './money.ts'
import { refuse, type Refusal } from './refusal.ts'
import { holdSMax, type HoldTerms, type HoldWish } from './special-wish.ts'

export type HoldDecision =
  | { readonly outcome: 'held'; readonly expiresAt: number }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }

/**
 * Decides whether money is set aside, by the same rules and in the same order as if it were moved at once. What is held counts
 * against the limits from now on, so that nothing can stand in the way of a capture later. Pure, as `decide`.
 */
export function placeHold(
  priced: Priced,
  { terms, require, override }: HoldWish,
  accounts: RunningAccounts,
  now: number,
): HoldDecision {
  const expiresAt = expiryOf(terms, now)
  const fault =
    expiresAt === undefined
      ? refuse('expiry_out_of_range')
      : firstAccountFault(priced, accounts, require)
  if (fault !== undefined || expiresAt === undefined) return refused(fault)

  const after = accountsAfter(priced.entries, accounts, withHeld)
  const breach = firstOverflow(after) ?? firstLimitBreach(after, accounts, override)
  if (breach !== undefined) return refused(breach)

  for (const account of after.values()) accounts.set(account.id, account)
  return { outcome: 'held', expiresAt }
}

/** The time at which a hold ends by itself; undefined when that is not in the future, or too far in it. */
export function expiryOf(terms: HoldTerms, now: number): number | undefined {
  const expiresAt = 'expiresAt' in terms ? terms.expiresAt : now + terms.expiresInS * 1000
  return expiresAt > now && expiresAt <= now + holdSMax * 1000 ? expiresAt : undefined
}

function refused(refusal: Refusal | undefined): HoldDecision {
  if (refusal === undefined) throw new Error('a hold is refused for nothing')
  return { outcome: 'refused', refusal }
}

/** An account with more set aside, or with less when the amount is negative. */
export function withHeld(
  account: LockedAccount,
  { direction, amount }: PricedEntry,
): LockedAccount {
  return direction === 'debit'
    ? { ...account, heldDebits: (account.heldDebits + amount) as MinorUnits }
    : { ...account, heldCredits: (account.heldCredits + amount) as MinorUnits }
}
