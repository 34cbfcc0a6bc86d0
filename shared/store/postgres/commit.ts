import { DatabaseError } from 'pg'
import type { Prepared, PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'

/** The one statement by which a database transaction writes. */
export interface Write {
  readonly statement: Prepared
  readonly parameters: unknown[]
}

/**
 * Sends a write and its COMMIT together and waits for both. The write's own error is the telling one: a COMMIT that
 * follows it only rolls back. Rejects with `StoreFailure`.
 */
export async function commitWith(
  connection: PostingConnection,
  write: Write | undefined,
): Promise<void> {
  const [written, committed] = await Promise.allSettled(
    connection.together(() => [
      write === undefined
        ? Promise.resolve()
        : connection.sendPrepared(write.statement, write.parameters),
      connection.send('commit'),
    ]),
  )
  if (written?.status === 'rejected') {
    const refused = written.reason instanceof DatabaseError
    throw storeFailureOf(written.reason, refused ? 'before_commit' : 'commit_sent')
  }
  if (committed?.status === 'rejected') throw storeFailureOf(committed.reason, 'commit_sent')
}
