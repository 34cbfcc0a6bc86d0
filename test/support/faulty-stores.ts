import type { BatchReads, BatchWrites, PostingStore } from '../../shared/engine/posting-store.ts'
import { StoreFailure, type StoreFailureKind } from '../../shared/engine/store-failure.ts'

/** A store before a real one, with a fault of its own. */
function before(store: PostingStore, post: PostingStore['post']): PostingStore {
  return { batchesMax: store.batchesMax, turnsBefore: store.turnsBefore, post }
}

/** The reference of a transaction that `corrupting` makes wrong. */
export const poison = 'poison'

/**
 * Makes the first entry of each transaction with the reference `poison` a cent larger just before it is written, as a
 * defect of ours might. The real guards of the real database refuse it, and with it the whole batch.
 */
export function corrupting(store: PostingStore): PostingStore {
  return before(store, (reads, decide) => store.post(reads, (state) => corrupted(decide(state))))
}

function corrupted(writes: BatchWrites): BatchWrites {
  return {
    ...writes,
    transactions: writes.transactions.map((transaction) => ({
      ...transaction,
      entries: transaction.entries.map((entry, position) =>
        transaction.reference === poison && position === 0
          ? { ...entry, amount: (entry.amount + 1n) as typeof entry.amount }
          : entry,
      ),
    })),
  }
}

/** Fails `times` times and only then lets the real store do its work. */
export function failingBefore(
  store: PostingStore,
  kind: StoreFailureKind,
  times: number,
): PostingStore {
  let left = times
  return before(store, async (reads, decide) => {
    if (left > 0) {
      left -= 1
      throw new StoreFailure(kind, new Error('on purpose'))
    }
    await store.post(reads, decide)
  })
}

/** Lets the real store do its work and loses the answer, `times` times. */
export function losingAnswers(store: PostingStore, times: number): PostingStore {
  let left = times
  return before(store, async (reads, decide) => {
    await store.post(reads, decide)
    if (left > 0) {
      left -= 1
      throw new StoreFailure('unknown', new Error('on purpose'))
    }
  })
}

/** Never looks for what an earlier try may have written: the guarantee of `BatchReads.transactionIds`, taken away. */
export function forgetful(store: PostingStore): PostingStore {
  return before(store, (reads: BatchReads, decide) =>
    store.post({ ...reads, transactionIds: [] }, decide),
  )
}
