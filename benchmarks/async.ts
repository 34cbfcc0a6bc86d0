/**
 * Measures the queued path on a fresh Postgres (fsync on, default settings) and a fresh Redis: acceptance alone, draining a
 * backlog with one worker, both at once, and the time from acceptance to posting at a tenth of that load; over a
 * thousand accounts and with one account in every payment. Ends with a check of the books.
 *
 * npm run bench:async [-- backlog seconds]
 */
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { provisionPostgres } from '../scripts/provision/postgres.ts'
import { provisionRedis } from '../scripts/provision/redis.ts'
import { verifyStore } from '../shared/store/verify/verify-store.ts'
import { openAccounts } from './lab/accounts.ts'
import { circumstances, writeResult } from './lab/results.ts'
import { startService, startWorker } from './lab/service.ts'
import { payAtRate } from './load/at-rate.ts'
import { loadWithWrk } from './load/wrk.ts'

const backlog = Number(process.argv[2] ?? 100_000)
const seconds = Number(process.argv[3] ?? 20)
const connections = 50

const postgres = await provisionPostgres({ durable: true, ownServer: true })
const redis = await provisionRedis({ ownServer: true })
const url = await postgres.createDatabase('bench')
const api = await startService(url, redis.url())
const accounts = await openAccounts(api.address, 1000)
const database = new pg.Client(url)
await database.connect()

const rows: Record<string, string | number>[] = []
for (const hot of [false, true]) {
  const load = { address: api.address, accounts, connections, mode: 'async', hot } as const
  const what = hot ? 'one account in every payment' : '1,000 accounts'
  await loadWithWrk({ ...load, seconds: 3 })

  const acceptance = await loadWithWrk({ ...load, seconds })
  row(what, 'acceptance alone', acceptance.ratePerS, acceptance.p50Ms, acceptance.p99Ms)
  while ((await queued()) < backlog) await loadWithWrk({ ...load, seconds: 2 })

  const waiting = await queued()
  const begun = performance.now()
  const worker = await startWorker(url, redis.url())
  await untilDrained()
  const drainS = (performance.now() - begun) / 1000
  row(what, `draining ${waiting}, the worker's start included`, Math.round(waiting / drainS))

  const both = performance.now()
  const accepted = await loadWithWrk({ ...load, seconds })
  await untilDrained()
  const bothS = (performance.now() - both) / 1000
  const total = accepted.ratePerS * seconds
  row(what, 'both at once: accepted', accepted.ratePerS, accepted.p50Ms, accepted.p99Ms)
  row(what, 'both at once: posted', Math.round(total / bothS))

  const tenth = Math.round(total / bothS / 10)
  const since = new Date()
  await payAtRate({ address: api.address, accounts, ratePerS: tenth, seconds, hot })
  await untilDrained()
  const { p50, p99 } = await timeToPosted(since)
  row(what, `from accepted to posted at ${tenth} a second`, tenth, p50, p99)
  await worker.stop()
}
const redisMemory = await redisPeak()
await database.end()
await api.stop()
const report = await verifyStore({ dialect: 'postgres', url })
await postgres.stop()
await redis.stop()

writeResult(
  'async',
  circumstances({
    postgres: postgres.how,
    redis: `${redis.how}, at most ${redisMemory} in use`,
    generator: 'wrk, closed loop, 50 connections, one thread; latency at a fixed rate',
    books: report.differences.length === 0 ? 'clean' : `${report.differences.length} differences`,
  }),
  rows,
)

function row(accountsOf: string, what: string, rate: number, p50?: number, p99?: number): void {
  rows.push({
    accounts: accountsOf,
    what,
    'rate a second': rate,
    'p50 ms': p50 ?? '',
    'p99 ms': p99 ?? '',
  })
  console.log(rows.at(-1))
}

async function queued(): Promise<number> {
  const { rows: found } = await database.query<{ count: string }>(
    'select count(*) from queued_transactions',
  )
  return Number(found[0]?.count)
}

async function untilDrained(): Promise<void> {
  while ((await queued()) > 0) await sleep(50)
}

/** By the database's clock: from the acceptance's to the posting's time. */
async function timeToPosted(since: Date): Promise<{ p50: number; p99: number }> {
  const { rows: found } = await database.query<{ p50: number; p99: number }>(
    `select percentile_cont(0.5) within group (order by ms) as p50,
            percentile_cont(0.99) within group (order by ms) as p99
       from (select extract(epoch from posted_at - created_at)::float8 * 1000 as ms
               from transactions where created_at >= $1 and slot is not null) t`,
    [since],
  )
  const round = (value: number | undefined) => Math.round((value ?? Number.NaN) * 10) / 10
  return { p50: round(found[0]?.p50), p99: round(found[0]?.p99) }
}

async function redisPeak(): Promise<string> {
  const { Redis } = await import('ioredis')
  const client = new Redis(redis.url())
  const info = await client.info('memory')
  client.disconnect()
  return /used_memory_peak_human:(\S+)/.exec(info)?.[1] ?? 'unknown'
}
