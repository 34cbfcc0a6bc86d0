import { lockedAccount, type RunningAccounts } from './decide.ts'
import type { MinorUnits } from './money.ts'
import { expiryOf, withHeld } from './place-hold.ts'
import { refuse, type Refusal } from './refusal.ts'
import type { HoldTerms } from './special-wish.ts'
import { remainingOf, type RunningTargets, type Target } from './target.ts'

/** What a batch works on: its accounts and targets as they stand after the members decided so far, and the time. */
export interface Books {
  readonly accounts: RunningAccounts
  readonly targets: RunningTargets
  /** The database's clock after the locks were granted, in ms since 1970. */
  readonly now: number
}

/** How a change of a hold was decided; `unchanged`: there was nothing to do any more. */
export type HoldChangeDecision =
  | { readonly outcome: 'changed'; readonly hold: Target }
  | { readonly outcome: 'unchanged' }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }

/**
 * The hold under an id if it can still be captured, voided or extended; otherwise why not. A hold whose time is over has ended,
 * whether somebody has noticed or not. What is not there is a transaction that has not been posted yet.
 */
export function openHold(id: string, { targets, now }: Books): Target | Refusal {
  const target = targets.get(id)
  switch (target?.status) {
    case 'held':
      return isOver(target, now) ? refuse('hold_expired') : target
    case 'captured':
      return refuse('hold_already_captured')
    case 'voided':
      return refuse('hold_already_voided')
    case 'expired':
      return refuse('hold_expired')
    case 'posted':
    case 'failed':
    case 'canceled':
    case 'queued':
    case undefined:
      return refuse('not_a_hold', { target_status: target?.status ?? 'queued' })
  }
}

/** Gives a hold up: all that remains of it is free again. Pure, as `decide`. */
export function voidHold(id: string, books: Books): HoldChangeDecision {
  const hold = openHold(id, books)
  if ('code' in hold) return { outcome: 'refused', refusal: hold }
  return { outcome: 'changed', hold: endedAs('voided', hold, books) }
}

/** Ends a hold whose time is over. One that has ended otherwise, or was extended, is left alone. Pure, as `decide`. */
export function expireHold(id: string, books: Books): HoldChangeDecision {
  const target = books.targets.get(id)
  if (target?.status !== 'held' || !isOver(target, books.now)) return { outcome: 'unchanged' }
  return { outcome: 'changed', hold: endedAs('expired', target, books) }
}

/** Gives a hold another end, later or earlier, counted from now. Pure, as `decide`. */
export function extendHold(id: string, terms: HoldTerms, books: Books): HoldChangeDecision {
  const hold = openHold(id, books)
  if ('code' in hold) return { outcome: 'refused', refusal: hold }
  const expiresAt = expiryOf(terms, books.now)
  if (expiresAt === undefined) {
    return { outcome: 'refused', refusal: refuse('expiry_out_of_range') }
  }
  const extended = { ...hold, expiresAt }
  books.targets.set(id, extended)
  return { outcome: 'changed', hold: extended }
}

/** Ends a hold: what remains of it is no longer set aside. */
export function endedAs(
  status: 'captured' | 'voided' | 'expired',
  hold: Target,
  books: Books,
): Target {
  release(hold, remainingOf(hold), books.accounts)
  const ended = { ...hold, status }
  books.targets.set(hold.id, ended)
  return ended
}

/** Frees so much of each entry of a hold, by position. */
export function release(
  hold: Target,
  amounts: readonly MinorUnits[],
  accounts: RunningAccounts,
): void {
  for (const [position, entry] of hold.entries.entries()) {
    const amount = -(amounts[position] ?? 0n) as MinorUnits
    if (amount === 0n) continue
    const account = withHeld(lockedAccount(accounts, entry.accountId), { ...entry, amount })
    if (account.heldDebits < 0n || account.heldCredits < 0n) {
      throw new Error('more is released than was held')
    }
    accounts.set(account.id, account)
  }
}

function isOver(hold: Target, now: number): boolean {
  if (hold.expiresAt === null) throw new Error('a hold has no end')
  return hold.expiresAt <= now
}
