import { DatabaseError } from 'pg'
import type { Statement } from '../reader.ts'
import type { BatchReads, BatchState, BatchWrites } from '../../engine/posting-store.ts'
import {
  agree,
  agreementParameters,
  comparisonParameters,
  ifAgreed,
  lockAndCompare,
  wordOf,
} from './agree.ts'
import { commitWith } from './commit.ts'
import type { PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'
import { writeIfAgreedOf } from './write-of.ts'

const recordIfAgreed: Statement = {
  name: 'insert_audit_records_if_agreed',
  text: `insert into audit_log (ledger_id, id, records)
         select $1::integer, $2::uuid, $3::json ${ifAgreed} returning id`,
}

/**
 * Runs one batch that was decided by a state nobody has locked yet as one database transaction, in one round trip: begin, lock, compare,
 * write and commit leave together. Resolves with the word, and the database's time; nothing was written unless it agreed. Rejects with
 * `StoreFailure`. Other batches may be under way on the connection.
 */
export async function postDecidedOn(
  connection: PostingConnection,
  reads: BatchReads,
  { accounts, now }: BatchState,
  writes: BatchWrites,
): Promise<{ readonly agreed: boolean; readonly now: number }> {
  const compared = comparisonParameters(reads.ledgerId, [...accounts.values()])
  const write = writeIfAgreedOf(reads.ledgerId, writes)
  const [begun, locked, judged, committed] = connection.together(() => [
    connection.send('begin'),
    connection.sendPrepared(lockAndCompare, compared),
    connection.sendPrepared(agree, agreementParameters(reads, now)),
    commitWith(connection, write, writes.records, recordIfAgreed),
  ])
  const ends = await Promise.allSettled([begun, locked, judged, committed])
  // The first error is the telling one. COMMIT has left with all of them; behind an answer that one of them failed, it only rolls back.
  for (const end of ends) {
    if (end.status === 'fulfilled') continue
    const refused = end.reason instanceof DatabaseError
    throw storeFailureOf(end.reason, refused ? 'before_commit' : 'commit_sent')
  }
  return wordOf((await judged).rows)
}
