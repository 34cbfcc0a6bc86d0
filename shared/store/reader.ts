import type { Row } from './rows.ts'

/** A SQL statement that both stores run as it stands: its name, and its text with `$1`, `$2` … as parameters. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** Values that both drivers take as parameters. */
export type Parameter = string | number | null

/** Runs one reading statement outside any database transaction and returns its rows. One round trip. */
export interface Reader {
  rows(statement: Statement, parameters: readonly Parameter[]): Promise<readonly Row[]>
  /** How this store writes a time as a parameter. */
  timeParameter(ms: number): Parameter
  /** The SQL that sums money (a column, or an expression) exactly, beyond 38 digits too, as a text. */
  exactSum(column: string): string
}
