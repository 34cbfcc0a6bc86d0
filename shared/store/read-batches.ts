import type { BatchMemberRecord, BatchRecord, StoredProblem } from '../engine/batch-record.ts'
import type { BatchMode } from '../engine/command-batch.ts'
import type { Reader, Statement } from './reader.ts'
import { json, time, type Row } from './rows.ts'

/** One batch by its id, through `batches_pkey`. No lock. */
const batchById: Statement = {
  name: 'batch_by_id',
  text: `select * from batches where ledger_id = $1 and id = $2`,
}

/** Its members in their order, through `batch_members_pkey`. They never change. No lock. */
const membersOfBatch: Statement = {
  name: 'members_of_batch',
  text: `select * from batch_members where ledger_id = $1 and batch_id = $2 order by position`,
}

/** The batch that says the same under the same keys, through `batches_fingerprint`. No lock. */
const batchByFingerprint: Statement = {
  name: 'batch_by_fingerprint',
  text: `select id from batches
          where ledger_id = $1 and fingerprint is not null and fingerprint = $2`,
}

/** Reads a batch with its members, or undefined. Two round trips. */
export async function findBatch(
  reader: Reader,
  ledgerId: number,
  id: string,
): Promise<BatchRecord | undefined> {
  const [row] = await reader.rows(batchById, [ledgerId, id])
  if (row === undefined) return undefined
  const members = await reader.rows(membersOfBatch, [ledgerId, id])
  return {
    id: row['id'] as string,
    ledgerId,
    mode: row['mode'] as BatchMode,
    fingerprint: row['fingerprint'] as string | null,
    createdAt: time(row['created_at']) ?? 0,
    members: members.map(memberOf),
  }
}

/** The id of the batch that says the same under the same keys, or undefined. One round trip. */
export async function findBatchByFingerprint(
  reader: Reader,
  ledgerId: number,
  wanted: string,
): Promise<string | undefined> {
  const [row] = await reader.rows(batchByFingerprint, [ledgerId, wanted])
  return row?.['id'] as string | undefined
}

function memberOf(row: Row): BatchMemberRecord {
  return {
    transactionId: row['transaction_id'] as string | null,
    problem: json<StoredProblem>(row['problem']),
    replayed: row['replayed'] === 1,
  }
}
