import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provisionPostgres, type PostgresServer } from '../../scripts/provision/postgres.ts'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { accountIdsOf, type EventPosition, type LedgerEvent } from '../../shared/engine/event.ts'
import type { EventPage, EventReads } from '../../shared/engine/event-store.ts'
import { EventPruner } from '../../services/worker/event-pruner.ts'
import { createLog } from '../../shared/log.ts'
import { Posting } from '../../shared/engine/post.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { sqlite } from '../support/service.ts'
import { until } from '../support/until.ts'

const nobody = { batchDone: () => undefined, retried: () => undefined, split: () => undefined }
const day = 24 * 3600 * 1000

// A server of its own: an event is read once all who wrote before it on its server have ended, also in the databases of other tests.
let server: PostgresServer
let databases = 0
beforeAll(async () => {
  server = await provisionPostgres({ durable: false, ownServer: true })
})
afterAll(() => server.stop())

async function postgres() {
  databases += 1
  return { dialect: 'postgres', url: await server.createDatabase(`events_${databases}`) } as const
}

const stores: [string, () => StoreLocation | Promise<StoreLocation>][] = [
  ['sqlite', sqlite],
  ['postgres', postgres],
]

/** A ledger with two accounts, and a way to read its events. */
class Told {
  readonly store: LedgerStore
  readonly location: StoreLocation
  readonly alice: string
  readonly cash: string
  readonly posting: Posting

  private constructor(
    store: LedgerStore,
    location: StoreLocation,
    { alice, cash }: { alice: string; cash: string },
  ) {
    this.store = store
    this.location = location
    this.alice = alice
    this.cash = cash
    this.posting = new Posting(store, nobody)
  }

  static async open(location: StoreLocation): Promise<Told> {
    const { store } = await openStore(location)
    // Room before all others for what was told long ago.
    await runOn(location, `update event_numbering set base = 10000`)
    const alice = await openAccount(store, 'liability')
    return new Told(store, location, { alice, cash: await openAccount(store, 'asset') })
  }

  command() {
    const { cash: debit, alice: credit } = this
    return commandOf(payment({ debit, credit, amount: '1.00', idempotency_key: randomUUID() }))
  }

  /** Posts one payment and gives its id. */
  async post(): Promise<string> {
    const command = this.command()
    await this.posting.post(command)
    return command.transactionId
  }

  async read(reads: Partial<EventReads> = {}): Promise<EventPage> {
    const page = await this.store.readEvents({ ledgerId, after: undefined, size: 200, ...reads })
    if (typeof page === 'string') throw new Error(`the place is ${page}`)
    return page
  }

  /** The ids behind a position, all of them. */
  async idsBehind(after: EventPosition, size = 200): Promise<string[]> {
    const ids: string[] = []
    for (let page = await this.read({ after, size }); ;) {
      ids.push(...page.events.map(subjectOf))
      if (!page.more) return ids
      page = await this.read({ after: page.next, size })
    }
  }

  /** Tells events of some days ago, at the positions 1, 2, 3 …, before all others. */
  tellLongAgo(count: number, daysAgo: number): Promise<void> {
    const past = Date.now() - daysAgo * day
    const at = this.location.dialect === 'postgres' ? `to_timestamp(${past / 1000})` : past
    const details = `{"name":"alice","status":"active","minAvailable":null,"metadata":null}`
    const rows = Array.from(
      { length: count },
      (_, index) =>
        `(${ledgerId}, ${1 + index}, 'account.updated', '${this.alice}', ${at}, '${details}')`,
    )
    return this.run(
      `insert into events (ledger_id, position, type, subject_id, created_at, details)
       values ${rows.join(', ')}`,
    )
  }

  /** Runs SQL as whoever owns the database. */
  run(sql: string): Promise<void> {
    return runOn(this.location, sql)
  }
}

async function runOn(location: StoreLocation, sql: string): Promise<void> {
  if (location.dialect === 'postgres') {
    await withClient(location.url, (client) => client.query(sql))
    return
  }
  const database = new Database(location.path)
  database.exec(sql)
  database.close()
}

const subjectOf = (event: LedgerEvent) =>
  'account' in event ? event.account.id : event.transaction.id

describe.each(stores)('events on %s', (_, locate) => {
  let told: Told
  beforeAll(async () => {
    told = await Told.open(await locate())
  })
  afterAll(() => told.store.close())

  it('are told in the order in which a batch was decided, whatever their keys', async () => {
    const start = await told.store.latestPosition(ledgerId)
    const commands = Array.from({ length: 40 }, () => told.command())
    await told.posting.postBatch(commands)
    const { events } = await told.read({ after: start })
    expect(events.map(subjectOf)).toEqual(commands.map((command) => command.transactionId))
    expect(new Set(events.flatMap(accountIdsOf))).toEqual(new Set([told.alice, told.cash]))
    const versions = events.map((event) =>
      'transaction' in event ? event.transaction.entries[0]?.accountVersion : undefined,
    )
    expect(versions).toEqual(versions.toSorted((a, b) => (a ?? 0) - (b ?? 0)))
  })

  it('are each read once by whoever goes on behind the last, while posting goes on', async () => {
    const start = await told.store.latestPosition(ledgerId)
    const posted: string[] = []
    const read: string[] = []
    let going = true
    const writers = Array.from({ length: 8 }, async () => {
      for (let n = 0; n < 25; n += 1) posted.push(await told.post())
    })
    const reader = (async () => {
      for (let after = start; ;) {
        const last = !going
        const page = await told.read({ after, size: 7 })
        read.push(...page.events.map(subjectOf))
        after = page.next
        if (last && !page.more) return
        // On SQLite nothing of a read waits: without a turn nobody would ever post.
        await turn()
      }
    })()
    await Promise.all(writers)
    going = false
    await reader
    expect(read).toHaveLength(200)
    expect(new Set(read)).toEqual(new Set(posted))
  })

  it('are read in pages of any size, filtered by type and by account', async () => {
    const start = await told.store.latestPosition(ledgerId)
    const other = await openAccount(told.store, 'liability')
    const first = await told.post()
    const command = commandOf(payment({ debit: told.cash, credit: other, amount: '1.00' }))
    await told.posting.post(command)
    const third = await told.post()
    const all = [other, first, command.transactionId, third]
    expect(await told.idsBehind(start)).toEqual(all)
    expect(await told.idsBehind(start, 1)).toEqual(all)
    const ids = async (reads: Partial<EventReads>) =>
      (await told.read({ after: start, ...reads })).events.map(subjectOf)
    expect(await ids({ type: 'account.created' })).toEqual([other])
    expect(await ids({ type: 'transaction.posted', size: 2 })).toEqual(all.slice(1, 3))
    expect(await ids({ accountId: other })).toEqual([other, command.transactionId])
    expect(await ids({ accountId: told.alice })).toEqual([first, third])
  })

  it('begin now at the latest position: behind it is what comes, and nothing that was', async () => {
    await told.post()
    const now = await told.store.latestPosition(ledgerId)
    expect((await told.read({ after: now })).events).toEqual([])
    const id = await told.post()
    expect(await told.idsBehind(now)).toEqual([id])
  })

  it('are forgotten when they are old, and whoever stands among those hears of it', async () => {
    const own = await Told.open(await locate())
    try {
      await own.tellLongAgo(5, 40)
      const forget = (keepMs: number, size = 100) =>
        own.store.forgetEvents(ledgerId, Date.now() - keepMs, size)
      const reads = { ledgerId, size: 10 }
      expect(await forget(41 * day)).toBe(0)
      expect(await own.store.readEvents({ ...reads, after: 1n })).not.toBe('forgotten')
      expect(await forget(30 * day, 2)).toBe(2)
      expect(await forget(30 * day)).toBe(3)
      expect(await forget(30 * day)).toBe(0)
      expect((await own.read()).events.map(({ type }) => type)).toEqual([
        'account.created',
        'account.created',
      ])
      expect(await own.store.readEvents({ ...reads, after: 4n })).toBe('forgotten')
      expect(await own.store.readEvents({ ...reads, after: 5n })).not.toBe('forgotten')
      await expect(own.store.forgetEvents(ledgerId, Date.now() + day, 100)).rejects.toThrow(
        'the store failed',
      )
      expect((await own.read()).events).toHaveLength(2)
    } finally {
      await own.store.close()
    }
  })

  it('are forgotten by the worker when they are older than is kept', async () => {
    const own = await Told.open(await locate())
    const pruner = new EventPruner(own.store, { keepDays: 30, log: createLog('silent') })
    try {
      await own.tellLongAgo(2500, 31)
      expect((await own.read()).events).toHaveLength(200)
      pruner.start()
      await until('the old ones are gone', async () => (await own.read()).events.length === 2)
    } finally {
      await pruner.stop()
      await own.store.close()
    }
  })

  it('are not read behind a place that this database has not come to', async () => {
    const after = (await told.store.latestPosition(ledgerId)) + (1n << 40n)
    expect(await told.store.readEvents({ ledgerId, after, size: 1 })).toBe('unseen')
  })

  it('cannot be changed', async () => {
    await expect(told.run(`update events set type = 'transaction.failed'`)).rejects.toThrow(
      'refuses',
    )
    await expect(told.run(`delete from events`)).rejects.toThrow('refuses')
  })
})

describe('events on postgres, of database transactions that overlap', () => {
  let told: Told
  let url: string
  const slow: Client[] = []
  beforeAll(async () => {
    const location = await postgres()
    url = location.url
    told = await Told.open(location)
  })
  afterAll(async () => {
    await Promise.all(slow.map((client) => client.end()))
    await told.store.close()
  })

  /** Begins a database transaction that opens an account, and gives the way to commit it. */
  const openSlowly = async (id: string) => {
    const client = new Client({ connectionString: url })
    slow.push(client)
    await client.connect()
    await client.query('begin')
    await client.query(
      `insert into accounts (ledger_id, id, name, account_type, currency, exponent, created_at)
       values (1, $1, 'late', 'asset', 'USD', 2, now())`,
      [id],
    )
    return () => client.query('commit')
  }

  it('wait for one that took its number early and is committed late', async () => {
    const start = await told.store.latestPosition(ledgerId)
    const [early, middle] = [randomUUID(), randomUUID()]
    const commitEarly = await openSlowly(early)
    const commitMiddle = await openSlowly(middle)
    const late = await told.post()
    const seenAtOnce = await told.read({ after: start })
    expect(seenAtOnce.events).toEqual([])
    await commitMiddle()
    expect((await told.read({ after: seenAtOnce.next })).events).toEqual([])
    await commitEarly()
    expect(await told.idsBehind(seenAtOnce.next)).toEqual([early, middle, late])
  })

  it('would be missed by whoever only goes on behind the greatest number seen', async () => {
    const start = await told.store.latestPosition(ledgerId)
    const behind = (position: string) =>
      withClient(url, async (client) => {
        const found = await client.query<{ position: string; subject_id: string }>(
          `select position, subject_id from events
            where ledger_id = 1 and position > $1 order by position`,
          [position],
        )
        return found.rows
      })
    const early = randomUUID()
    const commitEarly = await openSlowly(early)
    const late = await told.post()
    const first = await behind(start.toString())
    expect(first.map((row) => row.subject_id)).toEqual([late])
    await commitEarly()
    expect(await behind(first.at(-1)?.position ?? '')).toEqual([])
    expect(await told.idsBehind(start)).toEqual([early, late])
  })

  it('go on growing in a cluster whose numbers begin anew', async () => {
    const before = await told.store.latestPosition(ledgerId)
    // As a dump from a cluster that had come further leaves them.
    const further = before + (1_000_000n << 20n)
    await told.run(
      `insert into events (ledger_id, position, type, subject_id, created_at)
       values (1, ${further}, 'transaction.posted', '${await told.post()}', now())`,
    )
    const unseen = { ledgerId, after: further, size: 10 }
    expect(await told.store.readEvents(unseen)).toBe('unseen')
    const restarted = await openStore(told.location)
    await openStore(told.location).then(({ store }) => store.close())
    try {
      const id = await told.post()
      expect(await told.idsBehind(further)).toEqual([id])
      const raised = await told.store.latestPosition(ledgerId)
      expect(raised - further).toBeLessThan(1_000n << 20n)
    } finally {
      await restarted.store.close()
    }
  })
})
