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
 * write and commit leave together. Resolves with whether all was as taken to be; nothing was written unless it was. Rejects with
 * `StoreFailure`. Tells the database's time, in ms since 1970 with parts of them, as soon as it is there. Other batches may be under way on the connection.
 */
export async function postDecidedOn(
  connection: PostingConnection,
  reads: BatchReads,
  { accounts, now }: BatchState,
  writes: BatchWrites,
  hear: (now: number) => void,
): Promise<boolean> {
  const compared = comparisonParameters(reads.ledgerId, [...accounts.values()])
  const write = writeIfAgreedOf(reads.ledgerId, writes)
  const [begun, locked, judged, committed] = connection.together(() => [
    connection.send('begin'),
    connection.sendPrepared(lockAndCompare, compared),
    connection.sendPrepared(agree, agreementParameters(reads, now)),
    commitWith(connection, write, writes.records, recordIfAgreed),
  ])
  const agreed = judged.then(({ rows }) => {
    const word = wordOf(rows)
    hear(word.now)
    return word.agreed
  })
  const ends = await Promise.allSettled([begun, locked, agreed, committed])
  // The first error is the telling one. COMMIT has left with all of them; behind an answer that one of them failed, it only rolls back.
  for (const end of ends) {
    if (end.status === 'fulfilled') continue
    const refused = end.reason instanceof DatabaseError
    throw storeFailureOf(end.reason, refused ? 'before_commit' : 'commit_sent')
  }
  return agreed
}
