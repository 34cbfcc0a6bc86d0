import { createHash } from 'node:crypto'
import { orderingKeyOf } from './accept.ts'
import type { BatchAcceptance, NewBatch } from './batch-acceptance.ts'
import type { CommandBatch } from './command-batch.ts'
import { decideBatchAcceptance } from './decide-batch-acceptance.ts'
import { GroupCommit } from './group-commit.ts'
import { newId } from './new-id.ts'
import type { QueueStore } from './queue-store.ts'
import { settleBatch, type BatchObserver } from './settle-batch.ts'
import { slotOf, type LedgerSlot } from './slot.ts'

/** Batches that are accepted at once, each in a database transaction of its own. */
const batchesMax = 2

/** Accepts batches for later, each in one database transaction: whole, or not at all. */
export class BatchIntoQueue {
  readonly #store: QueueStore
  readonly #observer: BatchObserver
  readonly #accepted: (slots: readonly LedgerSlot[]) => void
  readonly #lanes = new Map<number, GroupCommit<NewBatch, BatchAcceptance>>()

  constructor(
    store: QueueStore,
    observer: BatchObserver,
    accepted: (slots: readonly LedgerSlot[]) => void,
  ) {
    this.#store = store
    this.#observer = observer
    this.#accepted = accepted
  }

  /** Accepts one batch and resolves when it is durable. Rejects with `Unavailable` when the database could not answer. */
  accept(batch: CommandBatch): Promise<BatchAcceptance> {
    let lane = this.#lanes.get(batch.ledgerId)
    if (lane === undefined) {
      lane = new GroupCommit({
        flush: (batches) =>
          settleBatch(batches, (members, again) => this.#tryOne(members, again), this.#observer),
        batchSizeMax: 1,
        batchesMax,
        turnsBefore: 1,
      })
      this.#lanes.set(batch.ledgerId, lane)
    }
    const fingerprint = batchFingerprint(batch)
    return lane.submit({ ...batch, batchId: newId(), fingerprint })
  }

  async #tryOne(
    [batch]: readonly NewBatch[],
    mayHaveHappened: boolean,
  ): Promise<readonly BatchAcceptance[]> {
    if (batch === undefined) return []
    const { ledgerId, batchId, fingerprint, commands } = batch
    let acceptance: BatchAcceptance | undefined
    await this.#store.acceptBatch(
      {
        ledgerId,
        batchId: mayHaveHappened ? batchId : null,
        fingerprint,
        idempotencyKeys: [...new Set(commands.flatMap((command) => command.idempotencyKey ?? []))],
        transactionIds: [],
        count: commands.length,
      },
      (state) => {
        const decision = decideBatchAcceptance(batch, state)
        acceptance = decision.acceptance
        return decision.writes
      },
    )
    if (acceptance === undefined) throw new Error('a batch was accepted without a decision')
    if (acceptance.kind !== 'refused') this.#accepted(slotsOf(batch))
    return [acceptance]
  }
}

/** The hash of a batch's mode, keys and contents; null when it has a member without a key. */
export function batchFingerprint({ mode, commands }: CommandBatch): string | null {
  const hash = createHash('sha256').update(mode)
  for (const { idempotencyKey, fingerprint } of commands) {
    if (idempotencyKey === null || fingerprint === null) return null
    hash.update(JSON.stringify([idempotencyKey, fingerprint]))
  }
  return hash.digest('hex')
}

function slotsOf({ ledgerId, commands }: NewBatch): LedgerSlot[] {
  const slots = new Set(commands.map((command) => slotOf(orderingKeyOf(command))))
  return [...slots].map((slot) => ({ ledgerId, slot }))
}
