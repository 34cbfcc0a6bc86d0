import type { Row } from './rows.ts'
import type { EventType } from '../engine/event.ts'
import type { Parameter, Statement } from './reader.ts'

/** One statement of a small database transaction. It must touch a row, or the whole is rolled back. */
export interface Step {
  readonly statement: Statement
  readonly parameters: readonly Parameter[]
}

/** What a step has done, for the event that tells of it. */
export interface Happening {
  readonly ledgerId: number
  readonly type: EventType
  readonly subjectId: string
  /** The time, as the store writes it. */
  readonly at: Parameter
}

/** Runs small database transactions that need no decision in between. */
export interface Writer {
  /**
   * Runs the steps in order as one database transaction, and commits if each touched at least one row; gives the rows that
   * the last one returned, or undefined when nothing was done. Rejects with `StoreFailure`.
   */
  apply(steps: readonly Step[]): Promise<readonly Row[] | undefined>

  /** The steps that tell what others of the same database transaction do, in this order; none where triggers tell it. */
  telling(happenings: readonly Happening[]): readonly Step[]
}
