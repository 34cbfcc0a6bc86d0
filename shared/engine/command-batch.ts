import type { Witness } from './audit-record.ts'
import type { PostCommand, PostOutcome } from './post-command.ts'
import type { Traced } from './traced.ts'

/** Whether the members of a batch stand and fall together, or each by itself. */
export const batchModes = ['atomic', 'independent'] as const
export type BatchMode = (typeof batchModes)[number]

/** Transactions that were sent together, all of one ledger: later ones see the effect of earlier ones. */
export interface CommandBatch extends Traced {
  readonly ledgerId: number
  readonly mode: BatchMode
  readonly commands: readonly PostCommand[]
  /** Who is to record it, as one action. */
  readonly witness?: Witness | undefined
}

/** The answer to one member of a batch. */
export type MemberOutcome =
  | PostOutcome
  /** Not done, because the member at `culprit` was refused and the batch is atomic. Nothing was written. */
  | { readonly kind: 'aborted'; readonly culprit: number }
  /** The database refuses what we would write, which is a defect of ours. Nothing was written. */
  | { readonly kind: 'broken'; readonly error: unknown }

/** The answer to a batch, after it is durable; `members[i]` answers `commands[i]`. */
export interface BatchOutcome {
  /** False when nothing of an atomic batch was done. */
  readonly committed: boolean
  readonly members: readonly MemberOutcome[]
}
