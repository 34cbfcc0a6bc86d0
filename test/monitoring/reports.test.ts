import { pino } from 'pino'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest'
import { reportBatches, reportStore } from '../../services/report.ts'
import { Posting } from '../../shared/engine/post.ts'
import { SparingLog } from '../../shared/log-sparingly.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { PostingPool } from '../../shared/store/postgres/posting-pool.ts'
import { commandOf, openAccount } from '../support/commands.ts'
import { failingBefore } from '../support/faulty-stores.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { until } from '../support/until.ts'

const canary = 'kanarienvogel'

/** A log that keeps its lines. */
function keptLog() {
  const lines: Record<string, unknown>[] = []
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>)
  return { lines, log: pino({ level: 'warn' }, { write }) }
}

/** A store of which everything that takes `slowMs` is reported. */
async function reportedStore(location: StoreLocation, slowMs: number) {
  const { lines, log } = keptLog()
  const metrics = new Metrics()
  const told: { statement: string; ms: number; rows: number | undefined }[] = []
  const report = reportStore(metrics, log, slowMs)
  const watch = {
    ...report,
    slow: (one: (typeof told)[number]) => {
      told.push(one)
      report.slow(one)
    },
  }
  const { store } = await openStore(location, watch)
  return { store, lines, log, metrics, told }
}

describe.each([
  ['sqlite', () => Promise.resolve(sqlite()), ['post', 'account_by_id']],
  [
    'postgres',
    postgres,
    ['begin', 'lock_accounts', 'find_standing', 'write_batch', 'commit', 'accounts_by_id'],
  ],
] as const)('statements of %s', (_, locate, names) => {
  let reported: Awaited<ReturnType<typeof reportedStore>>
  let store: LedgerStore
  beforeAll(async () => {
    reported = await reportedStore(await locate(), 0)
    store = reported.store
    const alice = await openAccount(store, 'liability')
    const bob = await openAccount(store, 'liability')
    const posting = new Posting(store, reported.metrics.posting)
    await posting.post(
      commandOf(payment({ debit: alice, credit: bob, amount: '1.00', reference: canary })),
    )
    await store.findAccount(1, alice)
  })
  afterAll(() => store.close())

  it('are told by their names, with their time and rows', () => {
    expect(reported.told.map(({ statement }) => statement)).toEqual(expect.arrayContaining([...names]))
    for (const { ms } of reported.told) expect(ms).toBeGreaterThanOrEqual(0)
    expect(reported.lines[0]).toMatchObject({ level: 40, msg: 'slow statement' })
    expect(typeof reported.lines[0]?.['ms']).toBe('number')
  })

  it('are counted, and neither the count nor the log says what was in them', async () => {
    const text = await reported.metrics.registry.metrics()

    for (const name of names) expect(text).toContain(`total{statement="${name}"}`)
    expect(text + JSON.stringify(reported.lines)).not.toContain(canary)
  })
})

test('a statement that waits for a lock is slow by itself, and not what was sent behind it', async () => {
  const location = await postgres()
  const { store, told, lines } = await reportedStore(location, 150)
  const alice = await openAccount(store, 'liability')
  const bob = await openAccount(store, 'liability')
  const client = new Client({ connectionString: (location as { url: string }).url })
  await client.connect()
  const posting = new Posting(store, new Metrics().posting)
  const pay = () =>
    posting.post(commandOf(payment({ debit: alice, credit: bob, amount: '1.00' })))
  await pay()
  await client.query(`begin; select 1 from accounts where id = '${alice}' for update`)
  const paid = pay()
  await client.query('select pg_sleep(0.4)')
  await client.query('commit')
  await paid
  await client.end()
  await store.close()

  expect(told).toMatchObject([{ statement: 'lock_accounts', rows: 2 }])
  expect(told[0]?.ms).toBeGreaterThan(150)
  expect(lines).toMatchObject([{ statement: 'lock_accounts', rows: 2 }])
})

test('a batch that is tried again is a line with its numbers', async () => {
  const { store, lines, log, metrics } = await reportedStore(sqlite(), 60_000)
  const alice = await openAccount(store, 'liability')
  const bob = await openAccount(store, 'liability')
  const observer = reportBatches('post', { metrics, log })
  const posting = new Posting(failingBefore(store, 'not_done', 2), observer)
  await posting.post(commandOf(payment({ debit: alice, credit: bob, amount: '1.00' })))
  await store.close()

  const line = { work: 'post', kind: 'not_done', size: 1, msg: 'a batch is tried again' }
  expect(lines).toMatchObject([
    { ...line, attempts: 1 },
    { ...line, attempts: 2 },
  ])
  expect(await metrics.registry.metrics()).toContain(
    'ledgerflow_posting_retries_total{kind="not_done"} 2',
  )
})

test('waiting for a connection is timed, by pool', async () => {
  const metrics = new Metrics()
  const watch = reportStore(metrics, keptLog().log, 60_000)
  const { url } = (await postgres()) as { url: string }
  const pool = new PostingPool(url, 1, { name: 'changes', watch })
  let letGo = () => {}
  const released = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const held = pool.lend(() => released)
  const waiting = pool.lend((connection) => connection.send('select 1'))
  letGo()
  await Promise.all([held, waiting])
  await pool.close(1000)

  expect(await metrics.registry.metrics()).toContain(
    'ledgerflow_connection_wait_seconds_count{pool="changes"} 1\n',
  )
})

test('of lines that come by the hundred five are written, and the first of the next second says how many were not', async () => {
  const { lines, log } = keptLog()
  const windowMs = 100
  const sparing = new SparingLog(log, windowMs)
  const begun = performance.now()
  for (let time = 0; time < 100; time += 1) sparing.warn({ time }, 'again')
  expect(lines.map(({ time }) => time)).toEqual([0, 1, 2, 3, 4])

  await until('their second is over', () => performance.now() - begun > windowMs)
  sparing.warn({ what: 'later' }, 'again')

  expect(lines.at(-1)).toMatchObject({ what: 'later', leftOut: 95 })
})
