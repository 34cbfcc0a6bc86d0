import type { BatchReads, BatchState, BatchWrites } from '../../engine/posting-store.ts'
import { commitWith } from './commit.ts'
import { findStanding, standingOf } from './find-standing.ts'
import { lockAccounts, lockedAccountsOf } from './lock-accounts.ts'
import type { PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'
import { writeBatch, writeBatchParameters } from './write-batch.ts'

/**
 * Runs one batch as one database transaction, in two round trips: begin, lock and look up leave together; after the
 * decision, the write and the commit do. Rejects with `StoreFailure`; the connection is useless then.
 */
export async function postOn(
  connection: PostingConnection,
  reads: BatchReads,
  decide: (state: BatchState) => BatchWrites,
): Promise<void> {
  const state = await lockAndLookUp(connection, reads).catch((error: unknown) => {
    throw storeFailureOf(error, 'before_commit')
  })
  const writes = decide(state)
  await commitWith(
    connection,
    writes.transactions.length === 0
      ? undefined
      : { statement: writeBatch, parameters: writeBatchParameters(reads.ledgerId, writes) },
  )
}

async function lockAndLookUp(
  connection: PostingConnection,
  reads: BatchReads,
): Promise<BatchState> {
  const [begun, locked, found] = connection.together(() => [
    connection.send('begin'),
    connection.sendPrepared(lockAccounts, [reads.ledgerId, arrayOf(reads.accountIds)]),
    connection.sendPrepared(findStanding, [
      reads.ledgerId,
      reads.idempotencyKeys,
      arrayOf(reads.transactionIds),
    ]),
  ])
  // Wait for all of the pipeline: the first error, in the order sent, is the one that caused the others.
  await Promise.allSettled([begun, locked, found])
  await begun
  return {
    ...standingOf((await found).rows),
    accounts: lockedAccountsOf((await locked).rows),
  }
}

function arrayOf(ids: readonly string[]): string {
  return `{${ids.join(',')}}`
}
