import type { SequenceReading } from './drain-floors.ts'
import type { Prepared, PostingConnection } from './posting-connection.ts'

/** The newest number that an acceptance has taken. */
const lastSequence: Prepared = {
  name: 'last_sequence',
  text: `select last_value from accept_sequence`,
}

/**
 * A number of a database transaction, greater than any that was given before, and the oldest that is still open. Not
 * `pg_snapshot_xmax`: that is one above the newest that has ended, and others above it may be open.
 */
const openTransactions: Prepared = {
  name: 'open_transactions',
  text: `select pg_current_xact_id()::text, pg_snapshot_xmin(pg_current_snapshot())::text`,
}

/**
 * Reads how far the numbers of the queue have come, in one round trip. `at`: ms of a steady clock. The number first: whoever
 * takes one afterwards takes a later one.
 */
export async function readSequenceOn(
  connection: PostingConnection,
  at: number,
): Promise<SequenceReading> {
  const [numbers, open] = await Promise.all(
    connection.together(() => [
      connection.sendPrepared(lastSequence, []),
      connection.sendPrepared(openTransactions, []),
    ]),
  )
  const [sequence] = numbers?.rows[0] ?? []
  const [newest, oldestOpen] = (open?.rows[0] ?? []) as [string, string]
  return { at, sequence: Number(sequence), oldestOpen: BigInt(oldestOpen), newest: BigInt(newest) }
}
