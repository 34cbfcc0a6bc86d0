import type { StoredProblem } from '../../engine/batch-record.ts'
import type { BatchMode } from '../../engine/command-batch.ts'
import type { ColumnKinds } from '../dialect.ts'
import { schema } from './entity-schema.ts'

/** A place in the durable queue: narrow, and gone once its transaction has ended. */
export interface QueuedTransactionRow {
  ledgerId: number
  slot: number
  sequence: number
  transactionId: string
  /** How many entries it will have: what bounds a drain. */
  entryCount: number
  orderingKey: string
  enqueuedAt: number
  attempts: number
  deaths: number
  lastError: string | null
  parkedAt: number | null
  parkedReason: string | null
  /** The atomic batch that the place stands for; null when it stands for its one transaction. */
  batchId: string | null
  /** The trace by which it came; null when that is not recorded. */
  traceparent: string | null
}

/** A batch that was accepted for later; never changed, never removed. */
export interface BatchRow {
  ledgerId: number
  id: string
  mode: BatchMode
  /** The hash of its keys and contents in hex; null when a member has no key. */
  fingerprint: string | null
  createdAt: number
}

/** A member of such a batch; never changed, never removed. */
export interface BatchMemberRow {
  ledgerId: number
  batchId: string
  position: number
  transactionId: string | null
  problem: StoredProblem | null
  /** 1 when its transaction is not its own, but stood under its key. */
  replayed: number
}

/** The tables of the durable queue, and of the batches in it. */
export function queueEntities(kinds: ColumnKinds) {
  const text = { type: 'text' } as const
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  return {
    queuedTransactions: schema<QueuedTransactionRow>({
      name: 'queued_transactions',
      columns: {
        ledgerId,
        slot: { ...kinds.small, primary: true },
        sequence: { ...kinds.count, primary: true },
        transactionId: { ...kinds.id, name: 'transaction_id' },
        entryCount: { ...kinds.small, name: 'entry_count' },
        orderingKey: { ...text, name: 'ordering_key' },
        enqueuedAt: { ...kinds.time, name: 'enqueued_at' },
        attempts: { type: 'integer', default: 0 },
        lastError: { ...text, name: 'last_error', nullable: true },
        parkedAt: { ...kinds.time, name: 'parked_at', nullable: true },
        parkedReason: { ...text, name: 'parked_reason', nullable: true },
        deaths: { ...kinds.small, default: 0 },
        batchId: { ...kinds.id, name: 'batch_id', nullable: true },
        traceparent: { ...text, nullable: true },
      },
      indices: [
        {
          name: 'queued_parked',
          columns: ['ledgerId', 'slot', 'orderingKey'],
          where: `"parked_at" IS NOT NULL`,
        },
      ],
    }),
    batches: schema<BatchRow>({
      name: 'batches',
      columns: {
        ledgerId,
        id: { ...kinds.id, primary: true },
        mode: text,
        fingerprint: { ...text, nullable: true },
        createdAt: { ...kinds.time, name: 'created_at' },
      },
      indices: [
        {
          name: 'batches_fingerprint',
          columns: ['ledgerId', 'fingerprint'],
          unique: true,
          where: `"fingerprint" IS NOT NULL`,
        },
      ],
    }),
    batchMembers: schema<BatchMemberRow>({
      name: 'batch_members',
      columns: {
        ledgerId,
        batchId: { ...kinds.id, name: 'batch_id', primary: true },
        position: { ...kinds.small, primary: true },
        transactionId: { ...kinds.id, name: 'transaction_id', nullable: true },
        problem: { ...kinds.jsonText, nullable: true },
        replayed: kinds.small,
      },
    }),
  }
}
