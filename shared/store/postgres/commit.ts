import { DatabaseError } from 'pg'
import type { AuditRecord } from '../../engine/audit-record.ts'
import { recordingSteps } from '../audit-log.ts'
import type { Prepared, PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'

/** The one statement by which a database transaction writes. */
export interface Write {
  readonly statement: Prepared
  readonly parameters: unknown[]
}

/**
 * Sends a write, the records of who asked for it and their COMMIT together and waits for all. The first error is the telling one: a
 * COMMIT that follows it only rolls back. Rejects with `StoreFailure`.
 */
export async function commitWith(
  connection: PostingConnection,
  write: Write | undefined,
  records: readonly AuditRecord[] = [],
  recordsStatement?: Prepared,
): Promise<void> {
  const writes: Write[] = write === undefined ? [] : [write]
  if (records.length > 0) writes.push(...recordingSteps(records, recordsStatement))
  const settled = await Promise.allSettled(
    connection.together(() => [
      ...writes.map(({ statement, parameters }) => connection.sendPrepared(statement, parameters)),
      connection.send('commit'),
    ]),
  )
  const committed = settled.pop()
  const written = settled.find(({ status }) => status === 'rejected')
  if (written?.status === 'rejected') {
    const refused = written.reason instanceof DatabaseError
    throw storeFailureOf(written.reason, refused ? 'before_commit' : 'commit_sent')
  }
  if (committed?.status === 'rejected') throw storeFailureOf(committed.reason, 'commit_sent')
}
