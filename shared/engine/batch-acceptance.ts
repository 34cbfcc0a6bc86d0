import type { BatchRecord } from './batch-record.ts'
import type { BatchOutcome, CommandBatch } from './command-batch.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** How the acceptance of a batch ended. */
export type BatchAcceptance =
  /** New: its transactions are queued, or refused by themselves. `places` is how many places in the queue it took. */
  | {
      readonly kind: 'accepted'
      readonly batch: BatchRecord
      readonly transactions: readonly TransactionRecord[]
      readonly places: number
    }
  /** The same keys and contents came before, or an earlier try of ours got through. */
  | { readonly kind: 'standing'; readonly batchId: string; readonly replayed: boolean }
  /** An atomic one with a member that is refused at once: nothing of it was accepted. */
  | { readonly kind: 'refused'; readonly outcome: BatchOutcome }

/** A batch on its way into the queue, under the id that it keeps through all tries. */
export interface NewBatch extends CommandBatch {
  readonly batchId: string
  readonly fingerprint: string | null
}
