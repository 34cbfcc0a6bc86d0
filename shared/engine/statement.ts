import type { Axis } from '../ledger/axis.ts'
import type { MinorUnits } from '../ledger/money.ts'
import type { ListedEntry } from './account-record.ts'

/** A span of one axis: after one time (null: from the beginning) up to another, inclusive. Ms since 1970. */
export interface StatementSpan {
  readonly axis: Axis
  readonly after: number | null
  readonly until: number
}

/** One line of a statement. */
export interface StatementLine {
  readonly entry: ListedEntry
  readonly reference: string | null
  readonly description: string | null
  /** The balance after this line, in the order of the statement's axis. */
  readonly balance: MinorUnits
  /** Where the statement goes on after this line. */
  readonly place: StatementPlace
}

/** How far a statement has come: the entries behind it in the order of posting and, of dated ones, in that of effect. */
export interface StatementPlace {
  readonly version: number
  readonly dated: readonly [effectiveAt: number, version: number]
  readonly balance: MinorUnits
}

/** The two ends of a statement. */
export interface StatementFrame {
  readonly opening: StatementPlace
  readonly closing: MinorUnits
  /** The last version that may be in it by the time of posting. */
  readonly lastVersion: number
}
