import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { firstSequenceOf, takeSequence } from '../../shared/store/postgres/accept.ts'
import { DrainFloors } from '../../shared/store/postgres/drain-floors.ts'
import { PostingPool } from '../../shared/store/postgres/posting-pool.ts'
import { readSequenceOn } from '../../shared/store/postgres/sequence-reading.ts'
import { createPostgresDatabase } from '../support/databases.ts'

const ledgerId = 1
const slot = 7
const oldestSeen = 1_000_000_000

describe('the floor of a slot', () => {
  let url: string
  let pool: PostingPool
  let floors: DrainFloors
  let clients: Client[]
  beforeEach(async () => {
    url = await createPostgresDatabase()
    pool = new PostingPool(url, 1)
    floors = new DrainFloors()
    floors.seen(ledgerId, slot, oldestSeen)
    clients = []
  })
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.end()))
    await pool.close(1000)
  })

  async function connect(): Promise<Client> {
    const client = new Client({ connectionString: url })
    await client.connect()
    clients.push(client)
    return client
  }

  /** Begins an acceptance, as far as its number. */
  async function takeNumber(client: Client): Promise<number> {
    await client.query('begin')
    const { rows } = await client.query<unknown[]>({ text: takeSequence.text, rowMode: 'array' })
    return firstSequenceOf(rows)
  }

  async function read(at: number): Promise<void> {
    floors.read(await pool.lend((connection) => readSequenceOn(connection, at)))
  }

  const floor = () => floors.floorOf(ledgerId, slot)

  /** Reads until the floor has risen so far, within the minute: tests beside this one write on the same server. */
  async function risen(expected: number, from: number): Promise<number> {
    for (let at = from; at < from + 10_000 && floor() !== expected; at += 20) {
      await read(at)
      if (floor() !== expected) await sleep(20)
    }
    return floor()
  }

  it('stays below a number that was taken and is not committed, and passes it a reading later', async () => {
    const [slow, quick] = [await connect(), await connect()]
    const taken = await takeNumber(slow)
    const later = await takeNumber(quick)
    await quick.query('commit')
    for (const at of [1000, 2000, 3000]) await read(at)
    expect(floor()).toBeLessThan(taken)

    await slow.query('commit')
    await expect(risen(later, 4000)).resolves.toBe(later)
  })

  it('stays below it also when its database transaction is younger than all that ended', async () => {
    const [before, slow] = [await connect(), await connect()]
    await before.query('begin; select pg_current_xact_id()')
    const taken = await takeNumber(slow)
    await read(1000)
    await before.query('commit')
    for (const at of [2000, 3000]) await read(at)
    expect(floor()).toBeLessThan(taken)
  })

  it('rises beside a snapshot that somebody keeps open', async () => {
    const [backup, quick] = [await connect(), await connect()]
    await backup.query('begin isolation level repeatable read; select count(*) from accounts')
    const taken = await takeNumber(quick)
    await quick.query('commit')
    await expect(risen(taken, 1000)).resolves.toBe(taken)
  })

  it('waits a minute for a database transaction of somebody else that writes', async () => {
    const [somebody, quick] = [await connect(), await connect()]
    await somebody.query('begin; select pg_current_xact_id()')
    const taken = await takeNumber(quick)
    await quick.query('commit')
    await read(0)
    await read(59_999)
    expect(floor()).toBe(0)
    await read(60_000)
    expect(floor()).toBe(taken)
  })

  it('never passes the oldest row seen, and is the very head where none was seen', async () => {
    floors.seen(ledgerId, slot, 5)
    const quick = await connect()
    await takeNumber(quick)
    await quick.query('commit')
    await expect(risen(4, 1000)).resolves.toBe(4)
    expect(floors.floorOf(ledgerId, slot + 1)).toBe(0)
  })
})
