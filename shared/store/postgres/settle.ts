import { setTimeout as sleep } from 'node:timers/promises'
import { StoreFailure } from '../../engine/store-failure.ts'
import type { Reader, Statement } from '../reader.ts'
import { estimateAgeMsMax } from './agree.ts'

/** How long the database transactions under way may take to end. Those of ours are ended by the database before. */
const deadlineMs = 20_000

const pauseMs = 5

const clock: Statement = {
  name: 'clock',
  text: `select (extract(epoch from clock_timestamp()) * 1000)::bigint as now`,
}

/**
 * The database transactions that are writing accounts: each holds the table's lock from before it reads the clock until it has
 * ended. Any role may look at `pg_locks`.
 */
const writersOfAccounts: Statement = {
  name: 'writers_of_accounts',
  text: `select distinct virtualtransaction as writer from pg_locks
          where locktype = 'relation' and granted
            and mode in ('RowShareLock', 'RowExclusiveLock')
            and relation = 'accounts'::regclass
            and database = (select oid from pg_database where datname = current_database())`,
}

/** The database's clock, in ms since 1970. One round trip. */
export async function readClock(reader: Reader): Promise<number> {
  const [row] = await reader.rows(clock, [])
  return Number(row?.['now'])
}

/**
 * Resolves when no database transaction can post at or before `at` any more: the clock is past it by as much as an
 * estimate of it may be old, and those who were writing by then have ended. Whoever begins later posts at a later time. Keeps no snapshot and no lock:
 * it looks again until the last one is gone, mostly once. Rejects with `StoreFailure` at the deadline.
 */
export async function settle(reader: Reader, at: number): Promise<void> {
  const begun = performance.now()
  // Times are rounded to the millisecond, up or down.
  const past = at + estimateAgeMsMax + 2
  for (let now = await readClock(reader); now < past; now = await readClock(reader)) {
    await sleep(past - now)
  }
  let waitedFor: ReadonlySet<unknown> | undefined
  for (;;) {
    const rows = await reader.rows(writersOfAccounts, [])
    const writers = new Set(rows.map((row) => row['writer']))
    waitedFor = waitedFor === undefined ? writers : intersection(waitedFor, writers)
    if (waitedFor.size === 0) return
    if (performance.now() - begun > deadlineMs) {
      throw new StoreFailure('not_done', new Error('a database transaction does not end'))
    }
    await sleep(pauseMs)
  }
}

function intersection(a: ReadonlySet<unknown>, b: ReadonlySet<unknown>): ReadonlySet<unknown> {
  return new Set([...a].filter((one) => b.has(one)))
}
