import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter } from './harness/findings.ts'
import { startLoad } from './harness/load.ts'
import { probe } from './harness/probe.ts'
import { until } from './harness/until.ts'
import { startServers, startWorld, type Servers, type World } from './harness/world.ts'

/** The promise is a second; the rest is what sending and reading take on two busy cores. */
const toldMsMax = 1500

/** P13: ten seconds after any fault ends, throughput is back without help. */
const backMsMax = 10_000

describe('connections run out', () => {
  let servers: Servers
  let world: World
  beforeAll(async () => {
    servers = await startServers()
    world = await startWorld(servers, { workers: 1 })
  })
  afterEach(() => world?.heal())
  afterAll(async () => {
    await world?.close()
    await servers?.stop()
  })

  it('of one API, which cancel: 503 within a second, and posting goes on beside them', async () => {
    const load = await startLoad(world, { ordered: 1, loose: 0, spenders: 0 })
    const reader = startBankReader(world)
    await load.acknowledged(50, 30_000)
    for (const { process } of world.workers) await process.kill()
    const queued = await Promise.all(
      Array.from({ length: 40 }, () => probe(world, load.cast, { mode: 'async' })),
    )
    await whileLocked('queued_transactions', async () => {
      // Each that has a connection holds it for as long as it waits for the lock: 2 s.
      const cancels = Promise.all(queued.map(({ id }) => ask(`transactions/${id}/cancel`, 'POST')))
      await until('cancels wait', 10_000, async () => (await waitingForLocks()) >= 2)
      const posted = await probe(world, load.cast, { mode: 'sync' })
      expect([posted.status, posted.ms < toldMsMax]).toEqual([201, true])
      const told = await cancels
      for (const { status, retryAfter } of told) {
        expect([status, Number(retryAfter) >= 1]).toEqual([503, true])
      }
      expect(told.filter(({ ms }) => ms < toldMsMax).length).toBeGreaterThan(30)
    })
    for (const { process } of world.workers) await process.start()
    await load.acknowledged(50, backMsMax)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('of one API, which post: 503 within a second for who has no place, and all heals', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(50, 30_000)
    await withClient(world.databaseUrl, async (client) => {
      await client.query('begin')
      await client.query('select 1 from accounts where id = $1 for update', [load.cast.hub])
      const post = () => probe(world, load.cast, { mode: 'sync' })
      await until('batches wait', 10_000, async () => (await waitingForLocks()) >= 2)
      // Whatever is under way, these make two batches of the API that wait for the lock; the others have no place.
      const before = Array.from({ length: 20 }, post)
      await until('two batches of the API wait', 10_000, async () => (await batchesOfApi()) >= 2)
      const posts = await Promise.all(Array.from({ length: 30 }, post))
      await client.query('rollback')
      await Promise.all(before)
      const told = posts.filter(({ status }) => status !== 201)
      for (const { status, retryAfter } of told) {
        expect([status, Number(retryAfter) >= 1]).toEqual([503, true])
      }
      const soon = told.filter(({ ms }) => ms < toldMsMax)
      expect(soon.length).toBeGreaterThan(20)
    })
    await load.acknowledged(50, backMsMax)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('of one API, which read: 503 within a second for who finds none, and all heals', async () => {
    const load = await startLoad(world)
    await load.acknowledged(50, 30_000)
    await whileLocked('accounts', async () => {
      const reads = await Promise.all(
        Array.from({ length: 24 }, () => ask(`accounts/${load.cast.hub}/balance`)),
      )
      for (const { status, retryAfter } of reads) {
        expect([status, Number(retryAfter) >= 1]).toEqual([503, true])
      }
      // Those that wait for the lock, and those that wait for these.
      expect(Math.max(...reads.map(({ ms }) => ms))).toBeLessThan(2 * toldMsMax)
      expect(reads.filter(({ ms }) => ms < toldMsMax).length).toBeGreaterThanOrEqual(20)
    })
    const read = () => ask(`accounts/${load.cast.hub}/balance`)
    await until('reads are answered', backMsMax, async () => (await read()).status === 200)
    await load.acknowledged(50, backMsMax)
    expect(await findingsAfter(world, load, undefined)).toEqual([])
  })

  it('of the server: 503 within a second, and all heals when others leave', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(50, 30_000)
    const strangers = await takeAllConnections()
    const answers = await Promise.all([
      probe(world, load.cast, { mode: 'sync' }),
      probe(world, load.cast, { mode: 'async', api: 1 }),
      ask(`accounts/${load.cast.hub}/balance`),
      ask('accounts'),
    ])
    await Promise.all(strangers.map((client) => client.end()))
    for (const { status, retryAfter, ms } of answers) {
      expect([status, Number(retryAfter) >= 1]).toEqual([503, true])
      expect(ms).toBeLessThan(toldMsMax)
    }
    await load.acknowledged(50, backMsMax)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  /** Asks the first API. */
  async function ask(path: string, method: 'GET' | 'POST' = 'GET') {
    const begun = performance.now()
    const response = await fetch(`${world.apis[0]?.process.address}/api/v1/${path}`, { method })
    await response.text()
    const retryAfter = response.headers.get('retry-after')
    return { status: response.status, retryAfter, ms: performance.now() - begun }
  }

  function whileLocked(table: string, work: () => Promise<void>): Promise<void> {
    return withClient(world.databaseUrl, async (client) => {
      await client.query('begin')
      await client.query(`lock table ${table} in access exclusive mode`)
      await work()
      await client.query('rollback')
    })
  }

  async function waitingForLocks(): Promise<number> {
    const [row] = await world.sql<{ waiting: string }>(
      `select count(*) as waiting from pg_stat_activity
        where wait_event_type = 'Lock' and application_name = 'ledgerflow-posting'
          and datname = current_database()`,
    )
    return Number(row?.waiting)
  }

  /** How many connections the first API is posting on. */
  async function batchesOfApi(): Promise<number> {
    const response = await fetch(`${world.apis[0]?.process.address}/metrics`)
    const busy = /^ledgerflow_posting_connections\{[^}]*state="busy"[^}]*\} (\d+)$/m
    return Number(busy.exec(await response.text())?.[1])
  }

  /** Ends what the service has and takes what becomes free, until the service has nothing. */
  async function takeAllConnections(): Promise<Client[]> {
    const taken: Client[] = []
    const take = async () => {
      const client = new Client({ connectionString: world.databaseUrl, application_name: 'other' })
      client.on('error', () => undefined)
      await client.connect()
      taken.push(client)
    }
    await take()
    await until('the service has no connection', 30_000, async () => {
      const [first] = taken
      // The reader of the bank may stay away for a while.
      const ended = await first?.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
          where datname is not null and application_name <> 'other' and pid <> pg_backend_pid()`,
      )
      for (let full = false; !full;)
        full = await take().then(
          () => false,
          () => true,
        )
      return ended?.rowCount === 0
    })
    return taken
  }
})
