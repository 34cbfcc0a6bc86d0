import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { payment } from '../support/people.ts'
import { findingsAfter } from './harness/findings.ts'
import { openCast, send, startLoad } from './harness/load.ts'
import { readTransaction } from './harness/probe.ts'
import type { Stopped } from './harness/service-process.ts'
import { until } from './harness/until.ts'
import {
  startServers,
  startWorld,
  stopPostgresImmediately,
  type Servers,
  type World,
} from './harness/world.ts'

/** P13: SIGTERM answers every request in hand and exits in 25 s. */
const stopMsMax = 25_000

describe('SIGTERM', () => {
  let servers: Servers
  let world: World
  beforeAll(async () => {
    servers = await startServers()
    world = await startWorld(servers, { apis: 2, workers: 1 })
  })
  afterAll(async () => {
    await world?.close()
    await servers?.stop()
  })

  afterEach(async () => {
    await world?.heal()
  })

  it('answers every request in hand, also those that wait', async () => {
    const cast = await openCast(world)
    const [api] = world.apis
    const held = await withClient(world.databaseUrl, async (client) => {
      await client.query('begin')
      await client.query('select 1 from accounts where id = $1 for update', [cast.hub])
      const body = payment({ debit: cast.wallets[0] ?? '', credit: cast.hub, amount: '1.00' })
      const accepted = await send(world, 0, { mode: 'async', body })
      const waiting = readTransaction(world, accepted.id ?? '', { wait: 30 })
      const inHand = Array.from({ length: 40 }, () => send(world, 0, { mode: 'sync', body }))
      await until('the batch waits for the lock', 10_000, async () => {
        const [row] = await world.sql<{ waiting: string }>(
          `select count(*) as waiting from pg_stat_activity
            where wait_event_type = 'Lock' and query like '%for no key update%'`,
        )
        return Number(row?.waiting) >= 2
      })
      const stopped = api?.process.terminate()
      await waiting
      await client.query('rollback')
      return { answers: await Promise.all(inHand), waiting: await waiting, stopped: await stopped }
    })
    expect(held.waiting.status).toBe('queued')
    // Those that a batch had taken are posted; who waited longer than a second for one is told to come back. Nobody hears nothing.
    const told = held.answers.map(({ status, code }) => (status === 201 ? 'posted' : code))
    expect(told).toContain('posted')
    expect(told.filter((each) => each !== 'posted' && each !== 'overloaded')).toEqual([])
    expectStopped([held.stopped])
  })

  it('lets go who begins to wait once the stop has begun', async () => {
    const cast = await openCast(world)
    const [api] = world.apis
    const { address } = api?.process ?? {}
    api?.toPostgres.blackhole()
    const body = payment({ debit: cast.wallets[0] ?? '', credit: cast.hub, amount: '1.00' })
    for (const { process } of world.workers) process.pause()
    const answer = fetch(`${address}/api/v1/transactions?mode=async`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', prefer: 'wait=30' },
      body: JSON.stringify(body),
    })
    // The request is in hand once the API answers a later one.
    await fetch(`${address}/health`)
    const stopped = api?.process.terminate()
    api?.toPostgres.pass()
    expect((await answer).status).toBe(202)
    const end = await stopped
    expectStopped([end])
    expect(end?.ms).toBeLessThan(10_000)
  })

  const outages: Record<string, () => Promise<void>> = {
    'Redis is gone': () => servers.redis.kill('SIGKILL'),
    'Redis does not answer': () => servers.redis.kill('SIGSTOP'),
    'Postgres is gone': () => stopPostgresImmediately(servers),
    'Postgres does not answer': () => servers.postgres.kill('SIGSTOP'),
    'nothing answers': async () => {
      await servers.redis.kill('SIGSTOP')
      await servers.postgres.kill('SIGSTOP')
    },
  }
  it.each(Object.keys(outages))('ends every process within 25 s while %s', async (name) => {
    const load = await startLoad(world)
    await load.acknowledged(100, 30_000)
    await outages[name]?.()
    const stopped = await Promise.all(world.members.map(({ process }) => process.terminate()))
    console.log(
      name,
      stopped.map(({ code, ms }) => `${code} after ${ms} ms`),
    )
    expectStopped(stopped)
    expect(await findingsAfter(world, load, undefined)).toEqual([])
  })
})

function expectStopped(stopped: readonly (Stopped | undefined)[]): void {
  for (const each of stopped) {
    expect(each).toMatchObject({ code: 0, signal: null })
    expect(each?.ms).toBeLessThan(stopMsMax)
  }
}
