import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter } from './harness/findings.ts'
import { startLoad, type ApiAnswer } from './harness/load.ts'
import { attack } from './harness/nemesis.ts'
import { lagOf, probe } from './harness/probe.ts'
import { seedOfRun } from './harness/random.ts'
import {
  startServers,
  startWorld,
  stopPostgresImmediately,
  type Servers,
  type World,
} from './harness/world.ts'

/** P13: ten seconds after any fault ends, throughput is back without help. */
const backMsMax = 10_000

describe('Postgres fails', () => {
  let servers: Servers
  let world: World
  beforeAll(async () => {
    servers = await startServers()
    world = await startWorld(servers)
  })
  afterAll(async () => {
    await world?.close()
    await servers?.stop()
  })
  afterEach(async () => {
    await world?.heal()
  })

  it('stopped at once and started again after 5 s: 503 meanwhile, all heals', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    await stopPostgresImmediately(servers)
    const meanwhile = await Promise.all([
      probe(world, load.cast, { mode: 'sync' }),
      probe(world, load.cast, { mode: 'async', api: 1 }),
    ])
    await sleep(5000)
    await servers.postgres.restart()
    await load.acknowledged(50, backMsMax)
    for (const answer of meanwhile) expectUnavailable(answer, 4000)
    expect(await lagOf(world, load.cast)).toBeLessThan(5000)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('restarted fast, three times', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    for (let round = 0; round < 3; round += 1) {
      await load.acknowledged(50, 30_000)
      await servers.postgres.restart()
      await load.acknowledged(50, backMsMax)
    }
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('stopped for 10 s with its connections open: 503 meanwhile, all heals', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    await servers.postgres.kill('SIGSTOP')
    const meanwhile = Promise.all([
      probe(world, load.cast, { mode: 'sync' }),
      probe(world, load.cast, { mode: 'async', api: 1 }),
    ])
    await sleep(10_000)
    await servers.postgres.kill('SIGCONT')
    await load.acknowledged(50, backMsMax)
    for (const answer of await meanwhile) expectUnavailable(answer, 9000)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('loses its packets to every process for 8 s', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    for (const { toPostgres } of world.members) toPostgres.blackhole()
    await sleep(8000)
    for (const { toPostgres } of world.members) toPostgres.pass()
    await load.acknowledged(50, backMsMax)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it('ends backends at random', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await attack(world, {
      seed: seedOfRun(),
      durationMs: 12_000,
      pauseMs: 300,
      faults: ['terminate backends'],
    })
    await load.acknowledged(50, backMsMax)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })

  it.each(['before_commit', 'after_commit'] as const)(
    'connections cut at every COMMIT for a while (%s)',
    async (cut) => {
      const load = await startLoad(world)
      const reader = startBankReader(world)
      await load.acknowledged(50, 30_000)
      const before = world.members.map(({ toPostgres }) => toPostgres.cuts)
      for (let round = 0; round < 10; round += 1) {
        for (const { toPostgres } of world.members) toPostgres.cutAtCommit(cut, 3)
        await sleep(500)
      }
      world.members.forEach(({ toPostgres }, index) => {
        toPostgres.pass()
        expect(toPostgres.cuts, `cuts of member ${index}`).toBeGreaterThan(before[index] ?? 0)
      })
      await load.acknowledged(50, backMsMax)
      expect(await findingsAfter(world, load, reader)).toEqual([])
    },
  )

  it('all of it together', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await attack(world, {
      seed: seedOfRun(),
      durationMs: 30_000,
      pauseMs: 2500,
      faults: [
        'stop Postgres at once',
        'restart Postgres fast',
        'terminate backends',
        'cut connections',
        'cut before COMMIT',
        'cut after COMMIT',
        'slow the network down',
        'lose Postgres’ packets',
        'restart Redis empty',
        'stop Redis for a while',
        'kill a worker',
        'kill an API',
        'pause a worker',
      ],
    })
    await load.acknowledged(50, backMsMax)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })
})

/** 503 with the word when to come back, before the sender gives up. */
function expectUnavailable(answer: ApiAnswer, msMax: number): void {
  expect([answer.status, answer.code]).toEqual([
    503,
    expect.stringMatching(/^(?:store_unavailable|outcome_unknown|overloaded)$/),
  ])
  expect(Number(answer.retryAfter)).toBeGreaterThanOrEqual(1)
  expect(answer.ms).toBeLessThan(msMax)
}
