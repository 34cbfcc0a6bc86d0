import { BatchInProgress } from './decide-batch.ts'
import type { BatchOutcome, CommandBatch, MemberOutcome } from './command-batch.ts'
import type { PostCommand, PostOutcome } from './post-command.ts'
import type { BatchState, BatchWrites } from './posting-store.ts'

/** What some batches of a client's are answered and what they write; `outcomes[i]` answers `batches[i]`. */
export interface CommandBatchesDecision {
  readonly outcomes: readonly BatchOutcome[]
  readonly writes: BatchWrites
}

/** Decides batches in their order, and the members of each in theirs. Pure. An atomic one that fails leaves no trace on the others. */
export function decideCommandBatches(
  batches: readonly CommandBatch[],
  state: BatchState,
): CommandBatchesDecision {
  const progress = new BatchInProgress(state)
  const outcomes = batches.map(({ mode, commands, witness }) => {
    const outcome =
      mode === 'atomic'
        ? decideTogether(commands, progress)
        : { committed: true, members: commands.map((command) => progress.decide(command)) }
    if (outcome.committed) progress.record(witness, outcome.members)
    return outcome
  })
  return { outcomes, writes: progress.writes() }
}

/** Decides members until one is refused: then none of them was decided, and those behind it are not looked at. */
function decideTogether(commands: readonly PostCommand[], progress: BatchInProgress): BatchOutcome {
  const before = progress.mark()
  const members: PostOutcome[] = []
  for (const command of commands) {
    const outcome = progress.decide(command)
    if (!stands(outcome, progress)) {
      const undone = progress.backTo(before)
      return { committed: false, members: abortedBy(outcome, { commands, members, undone }) }
    }
    members.push(outcome)
  }
  return { committed: true, members }
}

/** Whether a member is done or queued, or was: under its key, in another request. */
export function stands(outcome: PostOutcome, progress: Pick<BatchInProgress, 'statusOf'>): boolean {
  if (outcome.kind === 'written') return outcome.transaction.failure === null
  if (outcome.kind !== 'standing') return false
  const status = progress.statusOf(outcome.transactionId)
  return status !== 'failed' && status !== 'canceled'
}

/** The answers to the members of an atomic batch of which the one behind `members` is refused with `outcome`. */
export function abortedBy(
  outcome: PostOutcome,
  batch: {
    readonly commands: readonly PostCommand[]
    /** What was decided before the culprit came. */
    readonly members: readonly PostOutcome[]
    readonly undone: ReadonlySet<string>
  },
): MemberOutcome[] {
  const culprit = batch.members.length
  return batch.commands.map((_, index): MemberOutcome => {
    if (index === culprit) return unwritten(outcome)
    const decided = batch.members[index]
    const stood = decided?.kind === 'standing' && !batch.undone.has(decided.transactionId)
    return stood ? decided : { kind: 'aborted', culprit }
  })
}

/** A refusal that would have been stored under its key, had it not been part of an atomic batch. */
function unwritten(outcome: PostOutcome): PostOutcome {
  const failure = outcome.kind === 'written' ? outcome.transaction.failure : null
  return failure === null ? outcome : { kind: 'refused', refusal: failure }
}
