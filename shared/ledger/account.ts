import type { MinorUnits } from './money.ts'

/** The two sides of the books. Sides are words here, never signs. */
export const directions = ['debit', 'credit'] as const
export type Direction = (typeof directions)[number]

/** The five kinds of account of double-entry bookkeeping. */
export const accountTypes = ['asset', 'liability', 'equity', 'revenue', 'expense'] as const
export type AccountType = (typeof accountTypes)[number]

/** Only an active account takes entries; frozen may become active again, closed is for good. */
export const accountStatuses = ['active', 'frozen', 'closed'] as const
export type AccountStatus = (typeof accountStatuses)[number]

/** The side on which each kind of account grows. */
export const normalSides = {
  asset: 'debit',
  expense: 'debit',
  liability: 'credit',
  equity: 'credit',
  revenue: 'credit',
} satisfies Record<AccountType, Direction>

/** The running figures of an account, as the decision reads and moves them. */
export interface AccountTotals {
  readonly postedDebits: MinorUnits
  readonly postedCredits: MinorUnits
  readonly heldDebits: MinorUnits
  readonly heldCredits: MinorUnits
  /** The number of entries so far; the next entry gets the next number, without gaps. */
  readonly version: number
}

/** What the decision needs to know of an account that its caller has locked. */
export interface LockedAccount extends AccountTotals {
  readonly id: string
  readonly accountType: AccountType
  readonly currency: string
  readonly exponent: number
  readonly status: AccountStatus
  /** The floor that `available` may not pass, in minor units; null is no floor. */
  readonly minAvailable: MinorUnits | null
  /** Milliseconds since 1970 of the newest entry; an account's entries never go back in time. */
  readonly lastPostedAt: number | null
}

/** The balance, positive on the account's normal side. */
export function balanceOf(accountType: AccountType, totals: AccountTotals): MinorUnits {
  const debitsLessCredits = totals.postedDebits - totals.postedCredits
  return (
    normalSides[accountType] === 'debit' ? debitsLessCredits : -debitsLessCredits
  ) as MinorUnits
}

/** The balance less what outgoing holds have set aside; incoming holds do not count. */
export function availableOf(accountType: AccountType, totals: AccountTotals): MinorUnits {
  const outgoing = normalSides[accountType] === 'debit' ? totals.heldCredits : totals.heldDebits
  return (balanceOf(accountType, totals) - outgoing) as MinorUnits
}
