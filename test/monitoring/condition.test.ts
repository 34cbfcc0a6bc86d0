import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import type { ServerCondition } from '../../shared/store/condition.ts'
import { ConditionWatch } from '../../shared/store/condition-watch.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { grantRole } from '../../shared/store/postgres/grant-role.ts'
import { SnapshotAges } from '../../shared/store/postgres/snapshot-ages.ts'
import { openAccount } from '../support/commands.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { until } from '../support/until.ts'

describe('the state of a Postgres, as the role of the service sees it', () => {
  const role = `ledgerflow_test_watcher_${randomBytes(6).toString('hex')}`
  const password = 'only-for-this-test'
  let owner: string
  let store: LedgerStore
  let somebody: Client
  beforeAll(async () => {
    owner = await createPostgresDatabase()
    await grantRole(owner, { name: role, purpose: 'service', password })
    const url = Object.assign(new URL(owner), { username: role, password })
    store = (await openStore({ dialect: 'postgres', url: url.href })).store
    somebody = new Client({ connectionString: owner })
    await somebody.connect()
  })
  afterAll(async () => {
    await somebody.end()
    await store.close()
    await withClient(owner, async (client) => {
      await client.query(`drop owned by ${role}`)
      await client.query(`drop role ${role}`)
    })
  })

  const condition = async (): Promise<ServerCondition> => {
    const { server } = await store.condition()
    if (server === undefined) throw new Error('a server has no files to tell of')
    return server
  }
  const oldest = async () =>
    (await condition()).snapshots.find(({ holder }) => holder === 'session')
  const others = (count: number) =>
    withClient(owner, async (client) => {
      for (let time = 0; time < count; time += 1) await client.query('select txid_current()')
    })
  const accounts = async () =>
    (await condition()).tables.find(({ table }) => table === 'accounts')

  it('tells how old the oldest snapshot is, also that of somebody whom the role may not look at', async () => {
    await condition()
    await somebody.query('begin isolation level repeatable read; select 1')
    await others(5)
    const early = await until('five have begun since', async () => {
      const found = await oldest()
      return found !== undefined && found.transactions >= 5 && found
    })
    const late = await until('it has grown older', async () => {
      const found = await oldest()
      return found !== undefined && found.seconds > early.seconds + 0.05 && found
    })
    await somebody.query('commit')
    await others(1)

    expect(late.seconds).toBeLessThan(60)
    const now = await oldest()
    expect(now?.transactions).toBeLessThan(5)
    expect(now?.seconds).toBeLessThan(late.seconds)
  })

  it('tells of a database transaction that holds no snapshot and has written', async () => {
    await condition()
    await somebody.query('begin; select txid_current()')
    await others(3)

    const found = await oldest()
    const { eventsHeldBackSeconds } = await until('it is seen to last', async () => {
      const seen = await condition()
      return seen.eventsHeldBackSeconds > 0.05 && seen
    })
    await somebody.query('rollback')
    expect(found?.transactions).toBeGreaterThanOrEqual(3)
    expect(eventsHeldBackSeconds).toBeLessThan(60)
  })

  it('counts what is dead in the hot tables, what was updated in which way, and when it was vacuumed', async () => {
    await openAccount(store, 'liability')
    // A session that ends says at once what it has done; others now and then.
    await withClient(owner, async (client) => {
      await client.query(`update accounts set version = version`)
      await client.query(`update accounts set name = 'renamed'`)
    })
    const dirty = await until('the server has counted', async () => {
      const found = await accounts()
      return found !== undefined && found.updates >= 2 && found
    })
    await withClient(owner, (client) => client.query('vacuum accounts'))
    const clean = await until('it is vacuumed', async () => {
      const found = await accounts()
      return found?.vacuumedSeconds !== undefined && found
    })

    expect(dirty).toMatchObject({ deadRows: 2, vacuumedSeconds: undefined })
    expect(dirty.hotUpdates).toBeLessThanOrEqual(dirty.updates)
    expect(clean).toMatchObject({ deadRows: 0, liveRows: 1 })
    expect(clean.bytes).toBeGreaterThan(0)
  })

  it('counts sessions against those that there may be, and transaction ids', async () => {
    const { sessions, sessionsMax, transactionIdAge } = await condition()

    expect(sessions).toBeGreaterThan(1)
    expect(sessions).toBeLessThan(sessionsMax)
    expect(transactionIdAge).toBeGreaterThan(0)
  })

  it('holds no snapshot of its own, and waits for nobody who locks the tables', async () => {
    await somebody.query('begin; lock table accounts, transactions in row exclusive mode')
    // Did it wait, it would for ever: the lock is given back only after it.
    const { sessions } = await condition()
    await somebody.query('rollback')

    expect(sessions).toBeGreaterThan(1)
  })
})

describe('the age of a transaction id', () => {
  it('is the time since it was the next one for the last time', () => {
    const ages = new SnapshotAges()
    ages.read(100n, 0)
    ages.read(100n, 10_000)
    ages.read(150n, 20_000)
    ages.read(200n, 30_000)

    expect(ages.secondsSince(200n, 31_000)).toBe(1)
    expect(ages.secondsSince(199n, 31_000)).toBe(11)
    expect(ages.secondsSince(100n, 31_000)).toBe(21)
  })

  it('is what the process has seen of it, of one that is older than the process', () => {
    const ages = new SnapshotAges()
    ages.read(100n, 5000)

    expect(ages.secondsSince(7n, 65_000)).toBe(60)
  })

  it('is not known further back than a day, and keeps no more than that', () => {
    const ages = new SnapshotAges()
    for (let reading = 0; reading < 6000; reading += 1) ages.read(BigInt(reading), reading * 15_000)

    expect(ages.secondsSince(0n, 6000 * 15_000)).toBe(5760 * 15)
  })
})

describe('who watches a store', () => {
  it('keeps what was seen, and asks by itself', async () => {
    const files = [{ file: 'wal', bytes: 1 }] as const
    let looks = 0
    const watch = new ConditionWatch(() => {
      looks += 1
      return Promise.resolve({ files })
    })
    expect(watch.condition).toBeUndefined()

    watch.start()
    await until('it has looked', () => watch.condition !== undefined)
    await watch.stop()

    expect([watch.condition, looks]).toEqual([{ files }, 1])
  })

  it('knows nothing while the store does not answer, and does not mind', async () => {
    let looks = 0
    const watch = new ConditionWatch(() => {
      looks += 1
      return Promise.reject(new Error('away'))
    })
    watch.start()
    await until('it has looked', () => looks > 0)
    await watch.stop()

    expect(watch.condition).toBeUndefined()
  })
})
