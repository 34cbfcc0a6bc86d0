import type { Row } from './rows.ts'
import type { Parameter, Statement } from './reader.ts'

/** One statement of a small database transaction. It must touch a row, or the whole is rolled back. */
export interface Step {
  readonly statement: Statement
  readonly parameters: readonly Parameter[]
}

/** Runs small database transactions that need no decision in between. */
export interface Writer {
  /**
   * Runs the steps in order as one database transaction, and commits if each touched at least one row; gives the rows that
   * the last one returned, or undefined when nothing was done. Rejects with `StoreFailure`.
   */
  apply(steps: readonly Step[]): Promise<readonly Row[] | undefined>
}
