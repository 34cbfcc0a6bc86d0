import { Queue as BullQueue } from 'bullmq'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { slotOf } from '../../shared/engine/slot.ts'
import { keyPrefix, queueName } from '../../shared/queue/queue-group.ts'
import { payment } from '../support/people.ts'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter, queueIsEmpty } from './harness/findings.ts'
import { openCast, send, startLoad } from './harness/load.ts'
import { attack } from './harness/nemesis.ts'
import { lagOf } from './harness/probe.ts'
import { seedOfRun } from './harness/random.ts'
import { until } from './harness/until.ts'
import { startServers, startWorld, type Servers, type World } from './harness/world.ts'

describe('processes die', () => {
  let servers: Servers
  let world: World
  beforeAll(async () => {
    servers = await startServers()
    world = await startWorld(servers, { queuesOfOtherFleet: 5 })
  })
  afterAll(async () => {
    await world?.close()
    await servers?.stop()
  })

  afterEach(async () => {
    await world?.heal()
  })

  it('a worker killed in mid-batch, twenty times: another takes its slots', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    const lags: number[] = []
    for (let round = 0; round < 20; round += 1) {
      const { process } = world.workers[round % world.workers.length] ?? {}
      await process?.kill()
      const [lag] = await Promise.all([lagOf(world, load.cast, round), process?.start()])
      lags.push(Math.round(lag))
    }
    console.log({ lags })
    expect(await findingsAfter(world, load, reader)).toEqual([])
    lags.sort((a, b) => a - b)
    expect(lags.at(-1)).toBeLessThan(2000)
  })

  it('an API killed in mid-request, ten times: the same keys converge on one transaction', async () => {
    const load = await startLoad(world, { twins: 3 })
    const reader = startBankReader(world)
    for (let round = 0; round < 10; round += 1) {
      await load.acknowledged(20, 30_000)
      const api = world.apis[round % world.apis.length]
      // Half the time it dies with an answer on the way that nobody sees.
      if (round % 4 < 2) api?.toPostgres.cutAtCommit('after_commit')
      await api?.process.kill()
      await api?.process.start()
    }
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('rows whose ring was never sent are drained within two seconds', async () => {
    const cast = await openCast(world)
    const [api] = world.apis
    api?.toRedis.blackhole()
    const body = payment({ debit: cast.wallets[0] ?? '', credit: cast.hub, amount: '1.00' })
    const accepted = await send(world, 0, { mode: 'async', body })
    await api?.process.kill()
    expect(accepted.status).toBe(202)
    expect(await queueIsEmpty(world)).toBeLessThan(2000)
  })

  it('every bell rung ten times, to two fleets with other queues over the same slots', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    const queues = [8, 5].flatMap((count) =>
      Array.from({ length: count }, (_, group) => ({
        count,
        queue: new BullQueue(queueName(group), {
          connection: { url: servers.redis.url() },
          prefix: keyPrefix(group, 'ledgerflow'),
          skipVersionCheck: true,
        }).on('error', () => undefined),
      })),
    )
    for (let round = 0; round < 10; round += 1) {
      await Promise.all(
        queues.flatMap(({ queue, count }) =>
          Array.from({ length: 10 }, () => queue.add('again', { queues: count, slots: [0] })),
        ),
      )
    }
    await load.acknowledged(100, 30_000)
    await Promise.all(queues.map(({ queue }) => queue.close()))
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('a worker paused for 15 s in mid-transaction: the database ends it, its slots move on', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(50, 30_000)
    const [paused] = world.workers
    const body = payment({
      debit: load.cast.wallets[0] ?? '',
      credit: load.cast.hub,
      amount: '1.00',
      ordering_key: 'paused',
    })
    // The drains wait for the hub; so does the paused worker, in the midst of a transaction that holds slots.
    const waiting = await withClient(world.databaseUrl, async (client) => {
      await client.query('begin')
      await client.query('select 1 from accounts where id = $1 for update', [load.cast.hub])
      const accepted = await send(world, 0, { mode: 'async', body })
      await until('a drain waits for the lock', 10_000, async () => {
        const [row] = await world.sql<{ waiting: string }>(
          `select count(*) as waiting from pg_stat_activity
            where wait_event_type = 'Lock' and query like '%for no key update%'
              and exists (select 1 from pg_locks l where l.pid = pg_stat_activity.pid
                             and l.locktype = 'advisory' and l.granted)`,
        )
        return Number(row?.waiting) > 0
      })
      for (const { process } of world.workers) process.pause()
      await client.query('rollback')
      return accepted
    })
    world.workers[1]?.process.resume()
    const lag = await lagWithin(world, waiting.id ?? '')
    await sleep(15_000 - Math.min(lag, 14_000))
    expect(paused?.process.paused).toBe(true)
    paused?.process.resume()
    console.log({ lag, slot: slotOf('paused') })
    expect(await findingsAfter(world, load, reader)).toEqual([])
    // The database ends an idle transaction after 10 s; the next sweep takes the slot.
    expect(lag).toBeLessThan(14_500)
  })

  it('a random process ended in good order every three seconds', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await attack(world, {
      seed: seedOfRun(),
      durationMs: 24_000,
      pauseMs: 2000,
      faults: ['terminate a random process'],
    })
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })
})

async function lagWithin(world: World, id: string): Promise<number> {
  return until('it is posted', 30_000, async () => {
    const [row] = await world.sql<{ status: string }>(
      'select status from transactions where id = $1',
      [id],
    )
    return row?.status === 'posted'
  })
}
