import { setTimeout as sleep } from 'node:timers/promises'
import type pg from 'pg'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'

const drainMsMax = 600_000
const pollMs = 20

/** What the books say, recomputed from their entries. */
export interface Books {
  readonly posted: number
  readonly queued: number
  /** What is not as the ledger promises; empty when the books are clean. */
  readonly differences: readonly string[]
}

/** Waits until nothing is queued. Throws after ten minutes. */
export async function untilDrained(database: pg.Client): Promise<void> {
  const deadline = performance.now() + drainMsMax
  while ((await queuedCount(database)) > 0) {
    if (performance.now() > deadline) throw new Error('the queue was not drained in ten minutes')
    await sleep(pollMs)
  }
}

/** Transactions that are queued now. Counts the rows. */
export async function queuedCount(database: pg.Client): Promise<number> {
  const { rows } = await database.query<{ count: string }>(
    'select count(*) from queued_transactions',
  )
  return Number(rows[0]?.count)
}

/** Verifies the books as `npm run verify` does, at full speed. Nothing may post meanwhile when the counts are to be compared. */
export async function readBooks(url: string): Promise<Books> {
  const report = await verifyStore({ dialect: 'postgres', url })
  const sum = (count: (ledger: (typeof report.ledgers)[number]) => number) =>
    report.ledgers.reduce((total, ledger) => total + count(ledger), 0)
  return {
    posted: sum(({ transactions }) => transactions.posted),
    queued: sum(({ transactions }) => transactions.queued),
    differences: report.differences.map(({ subject, detail }) => `${subject}: ${detail}`),
  }
}

/**
 * What is wrong with books in which so many transactions should be, each accepted once; empty when nothing is. Not `exact`: some
 * more may be there, whose answer nobody waited for.
 */
export function faultsIn(books: Books, accepted: number, { exact }: { exact: boolean }): string[] {
  const faults = [...books.differences]
  if (books.queued > 0) faults.push(`${books.queued} transactions are still queued`)
  if (exact ? books.posted !== accepted : books.posted < accepted) {
    faults.push(`${accepted} were accepted, ${books.posted} are in the books`)
  }
  return faults
}
