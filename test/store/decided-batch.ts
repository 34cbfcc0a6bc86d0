import { decideBatch } from '../../shared/engine/decide-batch.ts'
import { readsOf } from '../../shared/engine/post.ts'
import type { Command, PostOutcome } from '../../shared/engine/post-command.ts'
import type { BatchReads, BatchState, BatchWrites } from '../../shared/engine/posting-store.ts'
import { postDecidedOn } from '../../shared/store/postgres/post-decided.ts'
import { postOn } from '../../shared/store/postgres/post.ts'
import type { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'

/** A batch that was decided before anything of it was locked. */
export interface DecidedBatch {
  readonly reads: BatchReads
  readonly state: BatchState
  readonly writes: BatchWrites
  readonly outcomes: readonly PostOutcome[]
}

/** Reads how the accounts of a batch stand, as posting does, and lets go of them. */
export async function stateFor(
  connection: PostingConnection,
  commands: readonly Command[],
): Promise<BatchState> {
  let found: BatchState | undefined
  await postOn(connection, readsOf(commands, false), (state) => {
    found = state
    return decideBatch([], state).writes
  })
  if (found === undefined) throw new Error('nothing was found')
  return { ...found, standing: [] }
}

/** Decides a batch by some state. */
export function decidedBy(state: BatchState, commands: readonly Command[]): DecidedBatch {
  const { writes, outcomes } = decideBatch(commands, state)
  return { reads: readsOf(commands, false), state, writes, outcomes }
}

/** The state behind a batch, if it is written. */
export function behind({ state, writes }: DecidedBatch): BatchState {
  const accounts = new Map(state.accounts)
  for (const account of writes.accounts) accounts.set(account.id, account)
  return { ...state, accounts }
}

/** Sends a batch, and gives whether it was written. */
export function sendDecided(
  connection: PostingConnection,
  { reads, state, writes }: DecidedBatch,
): Promise<boolean> {
  return postDecidedOn(connection, reads, state, writes, () => undefined)
}
