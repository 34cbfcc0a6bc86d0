import { availableOf, balanceOf, normalSides, type LockedAccount } from './account.ts'
import type { Priced, PricedEntry } from './command.ts'
import { firstConditionFailed } from './conditions.ts'
import type { Currency } from './currency.ts'
import { formatMinorUnits, minorUnitsMax, type MinorUnits } from './money.ts'
import { refuse, type Refusal } from './refusal.ts'
import type { Condition, LimitsOverride } from './special-wish.ts'

/** The accounts a batch works on, as they stand after the members decided so far. */
export type RunningAccounts = Map<string, LockedAccount>

/** One entry as it will be written: numbered, with the totals it leaves behind. */
export interface PostedEntry extends PricedEntry {
  /** 1, 2, 3 … within its account, without gaps. */
  readonly accountVersion: number
  /** The account's balance after this entry, positive on its normal side. */
  readonly balanceAfter: MinorUnits
  /** The account's running total of debits after this entry; with the balance it gives the credits too. */
  readonly debitsAfter: MinorUnits
}

export type Decision =
  | {
      readonly outcome: 'posted'
      readonly entries: readonly PostedEntry[]
      /** The currency of each entry by position; null when all are in the transaction's. */
      readonly currencies: readonly Currency[] | null
    }
  | { readonly outcome: 'refused'; readonly refusal: Refusal }

/**
 * Decides one transaction against accounts the caller has locked. No clock, no I/O: the same accounts and the same
 * entries give the same decision on every store and in every mode.
 *
 * When the transaction is posted, `accounts` is moved forward so that the next member of the batch sees it; when it
 * is refused, `accounts` is left as it was. The order of the checks is public (`refusalCodes`), and each is made
 * on all entries before the next one. `priced` has passed `price`: balanced, positive, at least two entries. An `override` leaves
 * out the last one, the limits, and nothing else.
 */
export function decide(
  priced: Priced,
  accounts: RunningAccounts,
  require: readonly Condition[] = [],
  override?: LimitsOverride,
): Decision {
  const { entries } = priced
  const refusal = firstAccountFault(priced, accounts, require)
  if (refusal !== undefined) return { outcome: 'refused', refusal }

  const after = accountsAfter(entries, accounts, withEntry)
  const breach = firstOverflow(after) ?? firstLimitBreach(after, accounts, override)
  if (breach !== undefined) return { outcome: 'refused', refusal: breach }

  // Past this line the transaction is posted: nothing below may refuse it.
  return {
    outcome: 'posted',
    entries: applyEntries(entries, accounts),
    currencies: priced.currencies,
  }
}

/** The first rule that the accounts break as they stand, their limits left aside. */
export function firstAccountFault(
  priced: Priced,
  accounts: RunningAccounts,
  require: readonly Condition[],
): Refusal | undefined {
  const { entries } = priced
  return (
    firstMissing(entries, accounts) ??
    firstMissing(require, accounts) ??
    firstInactive(entries, accounts) ??
    firstOfOtherCurrency(priced, accounts) ??
    (require.length === 0 ? undefined : firstConditionFailed(require, accounts))
  )
}

function firstMissing(
  named: readonly { readonly accountId: string }[],
  accounts: RunningAccounts,
): Refusal | undefined {
  for (const { accountId } of named) {
    if (!accounts.has(accountId)) return refuse('account_not_found', { account_id: accountId })
  }
  return undefined
}

/** The first entry whose account is frozen or closed. */
export function firstInactive(
  entries: readonly PricedEntry[],
  accounts: RunningAccounts,
): Refusal | undefined {
  for (const entry of entries) {
    const account = lockedAccount(accounts, entry.accountId)
    if (account.status !== 'active') {
      return refuse('account_not_active', {
        account_id: account.id,
        account_status: account.status,
      })
    }
  }
  return undefined
}

function firstOfOtherCurrency(
  { currency, currencies, entries }: Priced,
  accounts: RunningAccounts,
): Refusal | undefined {
  let position = 0
  for (const entry of entries) {
    const account = lockedAccount(accounts, entry.accountId)
    if (account.currency !== (currencies?.[position] ?? currency).code) {
      return refuse('currency_mismatch', { account_id: account.id, currency: account.currency })
    }
    position += 1
  }
  return undefined
}

/** Each touched account as it would be afterwards, in the order of the entries that touch it first. */
export function accountsAfter(
  entries: readonly PricedEntry[],
  accounts: RunningAccounts,
  apply: (account: LockedAccount, entry: PricedEntry) => LockedAccount,
): ReadonlyMap<string, LockedAccount> {
  const after = new Map<string, LockedAccount>()
  for (const entry of entries) {
    const account = after.get(entry.accountId) ?? lockedAccount(accounts, entry.accountId)
    after.set(entry.accountId, apply(account, entry))
  }
  return after
}

/** The first total that would not fit; what is held counts, so that a capture always fits. */
export function firstOverflow(after: ReadonlyMap<string, LockedAccount>): Refusal | undefined {
  for (const account of after.values()) {
    const debits = account.postedDebits + account.heldDebits
    const credits = account.postedCredits + account.heldCredits
    if (debits > minorUnitsMax || credits > minorUnitsMax) {
      return refuse('amount_too_large', { account_id: account.id })
    }
  }
  return undefined
}

/**
 * Finds the first account that the transaction as a whole would take below its floor. Money that comes in is
 * never refused for the floor, not even when it leaves the account below it; nor is anything that overrides the limits.
 */
export function firstLimitBreach(
  after: ReadonlyMap<string, LockedAccount>,
  accounts: RunningAccounts,
  override: LimitsOverride | undefined,
): Refusal | undefined {
  if (override !== undefined) return undefined
  for (const changed of after.values()) {
    if (changed.minAvailable === null) continue
    const account = lockedAccount(accounts, changed.id)
    const available = availableOf(account.accountType, account)
    const availableAfter = availableOf(changed.accountType, changed)
    if (availableAfter >= changed.minAvailable || availableAfter >= available) continue
    const decimal = (units: bigint) => formatMinorUnits(units as MinorUnits, account.exponent)
    return refuse('insufficient_funds', {
      account_id: account.id,
      available: decimal(available),
      required: decimal(available - availableAfter),
      shortfall: decimal(changed.minAvailable - availableAfter),
      version: account.version,
    })
  }
  return undefined
}

/** Moves the accounts by entries that nothing may refuse any more, and numbers these. */
export function applyEntries(
  entries: readonly PricedEntry[],
  accounts: RunningAccounts,
): readonly PostedEntry[] {
  return entries.map((entry) => {
    const account = withEntry(lockedAccount(accounts, entry.accountId), entry)
    accounts.set(account.id, account)
    return {
      accountId: entry.accountId,
      direction: entry.direction,
      amount: entry.amount,
      accountVersion: account.version,
      balanceAfter: balanceOf(account.accountType, account),
      debitsAfter: account.postedDebits,
    }
  })
}

function withEntry(account: LockedAccount, entry: PricedEntry): LockedAccount {
  const debited = entry.direction === 'debit' ? entry.amount : 0n
  const credited = entry.direction === 'debit' ? 0n : entry.amount
  return {
    id: account.id,
    accountType: account.accountType,
    currency: account.currency,
    exponent: account.exponent,
    status: account.status,
    minAvailable: account.minAvailable,
    postedDebits: (account.postedDebits + debited) as MinorUnits,
    postedCredits: (account.postedCredits + credited) as MinorUnits,
    heldDebits: account.heldDebits,
    heldCredits: account.heldCredits,
    version: account.version + 1,
    lastPostedAt: account.lastPostedAt,
  }
}

/** An account that must be locked. */
export function lockedAccount(accounts: RunningAccounts, id: string): LockedAccount {
  const account = accounts.get(id)
  if (account === undefined) throw new Error('an entry names an account that nobody locked')
  return account
}

/** The credits that follow from a balance and the debits: what an entry need not store. */
export function creditsAfter(
  accountType: LockedAccount['accountType'],
  balanceAfter: MinorUnits,
  debitsAfter: MinorUnits,
): MinorUnits {
  return (
    normalSides[accountType] === 'debit' ? debitsAfter - balanceAfter : debitsAfter + balanceAfter
  ) as MinorUnits
}
