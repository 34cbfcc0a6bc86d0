import type { Row } from './rows.ts'

/** A SQL statement that both stores run as it stands: its name, and its text with `$1`, `$2` … as parameters. */
export interface Statement {
  readonly name: string
  readonly text: string
}

/** Values that both drivers take as parameters. */
export type Parameter = string | number | Uint8Array | null

/** A column of a key, and the parameter or expression that it is compared with. */
export type KeyPart = readonly [column: string, value: string]

/** Runs one reading statement outside any database transaction and returns its rows. One round trip. */
export interface Reader {
  rows(statement: Statement, parameters: readonly Parameter[]): Promise<readonly Row[]>
  /** How this store writes a time as a parameter. */
  timeParameter(ms: number): Parameter
  /** The SQL that sums money (a column, or an expression) exactly, beyond 38 digits too, as a text. */
  exactSum(column: string): string
  /**
   * The SQL that looks up one row of a table for each row before it, through a key that `condition` names in full, or up to `most` rows
   * of a range. As a plain join it was planned, on tables that were never analysed, as a pass over the whole ledger for each row.
   */
  probe(table: string, alias: string, condition: string, most?: number): string
  /** The SQL of a table `wanted (id)` whose rows are the ids that the parameters from the `first` on are. */
  idRows(first: number, count: number): string
  /**
   * The SQL that bounds the rows of one owner by the columns that follow it in a key. It names the owner twice where that keeps the
   * planner on the owner's own key: by the other columns alone it looked, at times, among the rows of all owners.
   */
  keyRange(owner: KeyPart, operator: '<' | '<=' | '>' | '>=', columns: readonly KeyPart[]): string
}

/** Compares the columns of a key as one value. */
export function comparison(operator: string, columns: readonly KeyPart[]): string {
  const names = columns.map(([column]) => column).join(', ')
  const values = columns.map(([, value]) => value).join(', ')
  return `(${names}) ${operator} (${values})`
}

/** The names of so many parameters, from the `first` on. */
export function places(first: number, count: number): readonly string[] {
  return Array.from({ length: count }, (_, index) => `$${first + index}`)
}
