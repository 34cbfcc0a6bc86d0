import type { BatchAcceptance } from '../../shared/engine/batch-acceptance.ts'
import { batchFingerprint } from '../../shared/engine/batch-into-queue.ts'
import type { BatchRecord } from '../../shared/engine/batch-record.ts'
import type { CommandBatch } from '../../shared/engine/command-batch.ts'
import type { TransactionRecord } from '../../shared/engine/transaction-record.ts'
import { Problem } from '../../shared/wire/problems.ts'
import type { ApiContext } from './context.ts'

/** A batch that was accepted, with its transactions as they stand. */
export interface StandingBatch {
  readonly batch: BatchRecord
  readonly transactions: ReadonlyMap<string, TransactionRecord>
}

/** Takes batches in for later, reads them back, and waits for them. */
export class BatchIntake {
  readonly #context: ApiContext

  constructor(context: ApiContext) {
    this.#context = context
  }

  /** Accepts a batch. A full queue takes nothing new, but a batch that stands is answered from the record all the same. */
  async accept(batch: CommandBatch): Promise<BatchAcceptance> {
    const { monitor, intoQueue, store } = this.#context
    if (monitor.isFull()) {
      const fingerprint = batchFingerprint(batch)
      const batchId =
        fingerprint === null
          ? undefined
          : await store.findBatchByFingerprint(batch.ledgerId, fingerprint)
      if (batchId !== undefined) return { kind: 'standing', batchId, replayed: true }
      throw new Problem('queue_full', { retryAfterS: monitor.retryAfterS })
    }
    const acceptance = await intoQueue.accept(batch)
    if (acceptance.kind === 'accepted') {
      for (const transaction of onePerPlace(acceptance.transactions)) monitor.accepted(transaction)
    }
    return acceptance
  }

  /** Reads a batch with its transactions; throws the problem that there is none. */
  async read(ledgerId: number, id: string): Promise<StandingBatch> {
    const batch = await this.#context.store.findBatch(ledgerId, id)
    if (batch === undefined) throw new Problem('not_found')
    return this.withTransactions(batch)
  }

  /** A batch with its transactions, of which some may be in hand. */
  async withTransactions(
    batch: BatchRecord,
    inHand: readonly TransactionRecord[] = [],
  ): Promise<StandingBatch> {
    const transactions = new Map(inHand.map((transaction) => [transaction.id, transaction]))
    const missing = new Set<string>()
    for (const { transactionId } of batch.members) {
      if (transactionId !== null && !transactions.has(transactionId)) missing.add(transactionId)
    }
    const { store } = this.#context
    const read = await store.findTransactions(batch.ledgerId, [...missing])
    return { batch, transactions: new Map([...transactions, ...read]) }
  }

  /** Waits until nothing of a batch is queued any more, or the time is over; gives it as it stands then. */
  async wait(standing: StandingBatch, waitMs: number): Promise<StandingBatch> {
    const { store, waiting } = this.#context
    const { batch } = standing
    const deadline = performance.now() + waitMs
    let queued = queuedIn(standing)
    while (queued.length > 0 && performance.now() < deadline) {
      const [first = ''] = queued
      const turn = waiting.begin(batch.ledgerId, first, deadline - performance.now())
      try {
        const asked = queued.map((id) => ({ ledgerId: batch.ledgerId, id }))
        const ended = new Set(await store.endedAmong(asked))
        // When it wakes, the others are asked about anew: those of an atomic batch have all ended.
        if (!ended.has(first)) await turn.ended
        queued = queued.filter((id) => id !== first && !ended.has(id))
      } finally {
        turn.done()
      }
    }
    return waitMs > 0 ? this.withTransactions(batch) : standing
  }
}

/** The transactions of a batch that are queued. */
export function queuedIn({ transactions }: StandingBatch): string[] {
  return [...transactions.values()].flatMap(({ id, status }) => (status === 'queued' ? id : []))
}

/** Those that stand for a place in the queue: of an atomic batch, which has one for all, the first. */
function onePerPlace(transactions: readonly TransactionRecord[]): TransactionRecord[] {
  const seen = new Set<number>()
  return transactions.filter(({ status, place }) => {
    if (status !== 'queued' || place === null || seen.has(place.sequence)) return false
    seen.add(place.sequence)
    return true
  })
}
