import type { LockedAccount } from '../ledger/account.ts'
import type { PostedEntry } from '../ledger/decide.ts'
import type { MinorUnits } from '../ledger/money.ts'
import type { Metadata } from './transaction-record.ts'

/** An account as it is stored. Times are ms since 1970, money is minor units. */
export interface AccountRecord extends LockedAccount {
  readonly ledgerId: number
  readonly code: string | null
  readonly name: string
  readonly metadata: Metadata
  readonly createdAt: number
}

/** An entry as its account lists it. */
export interface AccountEntry extends PostedEntry {
  readonly transactionId: string
  readonly position: number
  readonly postedAt: number
}

/** An entry with the time at which it takes effect: its own, or that of its posting. */
export interface ListedEntry extends AccountEntry {
  readonly effectiveAt: number
}

/** An account's totals at some time, and the version they are of. */
export interface BalanceAt {
  readonly version: number
  readonly balance: MinorUnits
  readonly debits: MinorUnits
}
