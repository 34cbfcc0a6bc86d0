import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeAll, afterAll, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { payment } from '../support/people.ts'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter, queued, queueIsEmpty } from './harness/findings.ts'
import { Journal } from './harness/journal.ts'
import { deliver, openCast, send, startLoad, type Cast } from './harness/load.ts'
import { lagOf, operate, probe, readTransaction } from './harness/probe.ts'
import { randomOf, seedOfRun } from './harness/random.ts'
import { until } from './harness/until.ts'
import { startServers, startWorld, type Servers, type World } from './harness/world.ts'

let servers: Servers
let world: World
beforeAll(async () => {
  servers = await startServers()
})
afterEach(async () => {
  await world?.close()
})
afterAll(async () => {
  await servers?.stop()
})

/** Refuses the entries of every transaction whose reference is `poison`, as a defect of ours would be refused. */
const poisonTrigger = `
  create function refuse_poison() returns trigger language plpgsql as $$
  begin
    if new.reference like 'poison%' and new.status = 'posted' then
      raise exception 'poison' using errcode = 'LF001';
    end if;
    return new;
  end $$;
  create trigger refuse_poison before update on transactions
    for each row execute function refuse_poison()`

describe('a row that always fails', () => {
  it('is parked; its own key waits, all else goes on, and it is resumed or refused', async () => {
    world = await startWorld(servers, { sql: [poisonTrigger] })
    const load = await startLoad(world)
    const { cast } = load
    const reader = startBankReader(world)
    await load.acknowledged(50, 30_000)
    const sendOrdered = async (key: string, reference: string) => {
      const body = { ...wish(cast), ordering_key: key, reference }
      const { id } = await send(world, 0, { mode: 'async', body })
      return id ?? ''
    }
    const first = await sendOrdered('stuck', 'before')
    const poison = await sendOrdered('stuck', 'poison 1')
    const behind = await sendOrdered('stuck', 'behind')
    const otherPoison = await sendOrdered('stuck too', 'poison 2')
    const otherBehind = await sendOrdered('stuck too', 'behind')
    for (const id of [poison, otherPoison]) {
      await until('it is parked', 20_000, async () => {
        const { queue } = await readTransaction(world, id)
        return queue?.parked !== undefined && queue.parked !== null
      })
    }
    await load.acknowledged(100, 30_000)
    expect((await readTransaction(world, first, { wait: 10 })).status).toBe('posted')
    expect((await readTransaction(world, behind)).status).toBe('queued')

    expect(await operate(world, otherPoison, 'refuse', { reason: 'poison' })).toBe(200)
    expect((await readTransaction(world, otherBehind, { wait: 20 })).status).toBe('posted')
    await world.sql('drop trigger refuse_poison on transactions')
    expect(await operate(world, poison, 'resume')).toBe(200)
    expect((await readTransaction(world, behind, { wait: 20 })).status).toBe('posted')
    expect((await readTransaction(world, poison)).status).toBe('posted')
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('does not let those behind it pass while several workers halve the same batch', async () => {
    world = await startWorld(servers, { workers: 2, sql: [poisonTrigger] })
    const cast = await openCast(world)
    for (const { process } of world.workers) process.pause()
    const keys = Array.from({ length: 12 }, (_, index) => `key ${index}`)
    for (let round = 0; round < 8; round += 1) {
      for (const [index, key] of keys.entries()) {
        const reference = round === 3 && index % 3 === 0 ? 'poison' : `round ${round}`
        const body = { ...wish(cast), ordering_key: key, reference }
        expect((await send(world, index, { mode: 'async', body })).status).toBe(202)
      }
    }
    const reader = startBankReader(world)
    for (const { process } of world.workers) process.resume()
    // What may end has ended: three before each poison, all of the other keys.
    const ended = 8 * 8 + 4 * 3
    await until('all that may end has ended', 60_000, async () => {
      const [row] = await world.sql<{ posted: string }>(
        `select count(*) as posted from transactions where status = 'posted' and sequence is not null`,
      )
      return Number(row?.posted) === ended
    })
    expect(await queued(world)).toBe(4 * 5)
    await reader.end()
    expect(reader.findings).toEqual([])
  })
})

describe('a queued row that somebody changes while a drain takes it', () => {
  it('keeps its place before those behind it', async () => {
    world = await startWorld(servers, { apis: 1, workers: 1 })
    const cast = await openCast(world)
    const [worker] = world.workers
    worker?.process.pause()
    const ids: string[] = []
    for (const reference of ['first', 'second', 'third']) {
      const body = { ...wish(cast), ordering_key: 'one', reference }
      ids.push((await send(world, 0, { mode: 'async', body })).id ?? '')
    }
    await withClient(world.databaseUrl, async (client) => {
      // As `noteAttempt` of a worker does whose drain has failed.
      await client.query('begin')
      await client.query(
        'update queued_transactions set attempts = attempts + 1 where transaction_id = $1',
        [ids[0]],
      )
      worker?.process.resume()
      await until('the drain waits for the row', 10_000, async () => {
        const [row] = await world.sql<{ waiting: string }>(
          `select count(*) as waiting from pg_stat_activity
            where wait_event_type = 'Lock' and application_name = 'ledgerflow-posting'`,
        )
        return Number(row?.waiting) > 0
      })
      await client.query('commit')
    })
    await queueIsEmpty(world)
    const rows = await world.sql<{ reference: string }>(
      `select t.reference from transactions t join entries e on e.transaction_id = t.id
        where t.id = any($1) and e.account_id = $2 order by e.account_version`,
      [ids, cast.hub],
    )
    expect(rows.map(({ reference }) => reference)).toEqual(['first', 'second', 'third'])
  })
})

describe('the number of queues', () => {
  it('may change while work waits, to fewer and to more', async () => {
    world = await startWorld(servers)
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(50, 30_000)
    for (const queues of [3, 16]) {
      for (const { process } of world.workers) await process.kill()
      // Rung in queues that nobody hears any more.
      await load.acknowledged(100, 30_000)
      expect(await queued(world)).toBeGreaterThan(10)
      const changed = { QUEUES: String(queues) }
      for (const { process } of world.apis) {
        await process.terminate()
        await process.start(changed)
      }
      for (const { process } of world.workers) await process.start(changed)
      await load.acknowledged(100, 30_000)
      expect(await lagOf(world, load.cast)).toBeLessThan(2000)
    }
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })
})

describe('sixteen clients with many entries over twenty accounts', () => {
  it('never see a deadlock, sync and async together', async () => {
    world = await startWorld(servers)
    const cast = await openCast(world, 20)
    const journal = new Journal('many')
    const seed = seedOfRun()
    console.log(`FAULTS_SEED=${seed}`)
    const random = randomOf(seed)
    const end = performance.now() + 12_000
    const client = async (number: number) => {
      for (let round = 0; performance.now() < end; round += 1) {
        const entries = Array.from({ length: 6 }, () => ({
          debit: random.pick(cast.ordered),
          credit: random.pick(cast.ordered),
        }))
        const body = {
          currency: 'USD',
          entries: entries.flatMap(({ debit, credit }) => [
            { account_id: debit, direction: 'debit' as const, amount: '1.00' },
            { account_id: credit, direction: 'credit' as const, amount: '1.00' },
          ]),
        }
        const mode = (number + round) % 2 === 0 ? 'sync' : 'async'
        const intent = journal.intend({ key: (reference) => `key-${reference}`, mode, body })
        await deliver(world, journal, intent, number, () => true)
      }
    }
    await Promise.all(Array.from({ length: 16 }, (_, number) => client(number)))
    const load = { journal, cast, sequences: [], acknowledged: async () => {}, end: async () => {} }
    expect(await findingsAfter(world, load, undefined)).toEqual([])
    expect(journal.intents.length).toBeGreaterThan(100)
    expect(journal.intents.every(({ attempts }) => attempts === 1)).toBe(true)
    const [row] = await world.sql<{ deadlocks: string }>(
      'select deadlocks from pg_stat_database where datname = current_database()',
    )
    expect(Number(row?.deadlocks)).toBe(0)
  })
})

describe('a backlog over the limit', () => {
  it('gives 503 queue_full within a second, answers known keys, and recovers by itself', async () => {
    const limit = 300
    world = await startWorld(servers, {
      workers: 1,
      environment: { QUEUE_BACKLOG_MAX: String(limit) },
    })
    const cast = await openCast(world)
    await world.workers[0]?.process.kill()
    const known = await probe(world, cast, { mode: 'async', key: 'known' })
    expect(known.status).toBe(202)
    let accepted = 1
    let full = await probe(world, cast, { mode: 'async' })
    while (full.status === 202 && accepted < limit * 3) {
      accepted += 1
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, api) => probe(world, cast, { mode: 'async', api })),
      )
      accepted += answers.filter(({ status }) => status === 202).length
      full = answers.find(({ status }) => status !== 202) ?? full
    }
    // Each API counts the other's rows once a second.
    expect(accepted).toBeGreaterThanOrEqual(limit - 20)
    await sleep(1500)
    for (const api of [0, 1]) {
      const refused = await probe(world, cast, { mode: 'async', api })
      expect([refused.status, refused.code]).toEqual([503, 'queue_full'])
      expect(Number(refused.retryAfter)).toBeGreaterThanOrEqual(1)
      expect(Number(refused.retryAfter)).toBeLessThanOrEqual(60)
      expect(refused.ms).toBeLessThan(1000)
      const replay = await probe(world, cast, { mode: 'async', api, key: 'known' })
      expect([replay.status, replay.id]).toEqual([202, known.id])
      expect((await probe(world, cast, { mode: 'sync', api })).status).toBe(201)
    }
    await world.workers[0]?.process.start()
    await until('the queue takes more', 20_000, async () => {
      const answers = await Promise.all(
        [0, 1].map((api) => probe(world, cast, { mode: 'async', api })),
      )
      return answers.every(({ status }) => status === 202)
    })
    await queueIsEmpty(world)
  })
})

function wish(cast: Cast): ReturnType<typeof payment> {
  return payment({ debit: cast.wallets[0] ?? '', credit: cast.hub, amount: '1.00' })
}
