import type { BatchReads, BatchState, BatchWrites } from '../../engine/posting-store.ts'
import { commitWith } from './commit.ts'
import { findStanding, standingOf } from './find-standing.ts'
import { lockAccounts, lockedAccountsOf } from './lock-accounts.ts'
import { lockClosingOn } from './lock-closing.ts'
import { lockTargetsOn } from './lock-targets.ts'
import type { PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'
import { writeOf } from './write-of.ts'

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
  await commitWith(connection, writeOf(reads.ledgerId, writes, state.targets), writes.records)
}

async function lockAndLookUp(
  connection: PostingConnection,
  reads: BatchReads,
): Promise<BatchState> {
  const [begun, closed, targets, locked, found] = connection.together(() => [
    connection.send('begin'),
    lockClosingOn(connection, reads.ledgerId, reads.closing),
    lockTargetsOn(connection, reads.ledgerId, reads.targetIds),
    connection.sendPrepared(lockAccounts, [reads.ledgerId, arrayOf(reads.accountIds)]),
    connection.sendPrepared(findStanding, [
      reads.ledgerId,
      reads.idempotencyKeys,
      arrayOf(reads.transactionIds),
    ]),
  ])
  // Wait for all of the pipeline: the first error, in the order sent, is the one that caused the others.
  await Promise.allSettled([begun, closed, targets, locked, found])
  await begun
  return {
    ...standingOf((await found).rows),
    accounts: lockedAccountsOf((await locked).rows),
    targets: await targets,
    booksClosedUntil: await closed,
  }
}

function arrayOf(ids: readonly string[]): string {
  return `{${ids.join(',')}}`
}
