import type { AccountType } from '../ledger/account.ts'
import type { MinorUnits } from '../ledger/money.ts'

/** What all accounts of one type and currency have together. Minor units, beyond 38 digits too. */
export interface TrialBalanceRow {
  readonly currency: string
  readonly exponent: number
  readonly accountType: AccountType
  readonly debits: MinorUnits
  readonly credits: MinorUnits
}

/** A trial balance, and the time that it is of. */
export interface TrialBalance {
  readonly asOf: number
  readonly rows: readonly TrialBalanceRow[]
}
