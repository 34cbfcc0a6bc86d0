import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter } from './harness/findings.ts'
import { startLoad, type Load } from './harness/load.ts'
import { countedByWorkers, lagOf, probe, quantile } from './harness/probe.ts'
import { until } from './harness/until.ts'
import { startServers, startWorld, type Servers, type World } from './harness/world.ts'

/** The doorbells resume within this time of Redis' return. */
const ringsAgainMsMax = 2000

/** A lost ring is made up for by the sweep within this time, as somebody sees it who waits for the end. */
const sweptMsMax = 2000

describe('Redis fails', () => {
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

  it('killed, down for 20 s and restarted empty: 202s go on, the sweep drains, the bells ring again', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(200, 30_000)
    const usual = acceptedWithin(load, 0)
    const sent = load.journal.intents.length

    await servers.redis.kill('SIGKILL')
    await sleep(3000)
    const lags = [await lagOf(world, load.cast, 0), await lagOf(world, load.cast, 1)]
    await sleep(14_000)
    const meanwhile = acceptedWithin(load, sent)
    await servers.redis.restart({ empty: true })
    const rung = await countedByWorkers(world, 'ledgerflow_rings_total')
    const ringsAgainMs = await until('the bells ring again', 30_000, async () => {
      return (await countedByWorkers(world, 'ledgerflow_rings_total')) > rung
    })

    console.log({ usual, meanwhile, lags, ringsAgainMs })
    expect(await findingsAfter(world, load, reader)).toEqual([])
    expect(Math.max(...lags)).toBeLessThan(sweptMsMax)
    expect(ringsAgainMs).toBeLessThan(ringsAgainMsMax)
    expectUnchanged(meanwhile, usual)
  })

  it('flushed every half second under load', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    const usual = acceptedWithin(load, 0)
    const sent = load.journal.intents.length
    for (let flush = 0; flush < 16; flush += 1) {
      await world.redis('flushall')
      await sleep(500)
    }
    const meanwhile = acceptedWithin(load, sent)
    console.log({ usual, meanwhile })
    expect(await findingsAfter(world, load, reader)).toEqual([])
    expectUnchanged(meanwhile, usual)
  })

  it('stopped for 10 s with its connections open', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    const usual = acceptedWithin(load, 0)
    const sent = load.journal.intents.length
    await servers.redis.kill('SIGSTOP')
    await sleep(2000)
    const lag = await lagOf(world, load.cast)
    await sleep(8000)
    const meanwhile = acceptedWithin(load, sent)
    await servers.redis.kill('SIGCONT')
    const rung = await countedByWorkers(world, 'ledgerflow_rings_total')
    const ringsAgainMs = await until('the bells ring again', 30_000, async () => {
      return (await countedByWorkers(world, 'ledgerflow_rings_total')) > rung
    })
    console.log({ usual, meanwhile, lag, ringsAgainMs })
    expect(await findingsAfter(world, load, reader)).toEqual([])
    expect(lag).toBeLessThan(sweptMsMax)
    expect(ringsAgainMs).toBeLessThan(ringsAgainMsMax)
    expectUnchanged(meanwhile, usual)
  })

  it('out of memory: it refuses every write', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    const usual = acceptedWithin(load, 0)
    const sent = load.journal.intents.length
    await world.redis('config', 'set', 'maxmemory', '1')
    await expect(world.redis('set', 'anything', '1')).rejects.toThrow('OOM')
    await sleep(2000)
    const lag = await lagOf(world, load.cast)
    await sleep(4000)
    const meanwhile = acceptedWithin(load, sent)
    await world.redis('config', 'set', 'maxmemory', '0')
    const rung = await countedByWorkers(world, 'ledgerflow_rings_total')
    const ringsAgainMs = await until('the bells ring again', 30_000, async () => {
      return (await countedByWorkers(world, 'ledgerflow_rings_total')) > rung
    })
    console.log({ usual, meanwhile, lag, ringsAgainMs })
    expect(await findingsAfter(world, load, reader)).toEqual([])
    expect(lag).toBeLessThan(sweptMsMax)
    expect(ringsAgainMs).toBeLessThan(ringsAgainMsMax)
    expectUnchanged(meanwhile, usual)
  })

  it('down when the processes start: they start, accept and drain, and the bells ring once it is there', async () => {
    await servers.redis.kill('SIGKILL')
    await Promise.all(world.members.map(({ process }) => process.kill()))
    await Promise.all(world.members.map(({ process }) => process.start()))
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    expect((await probe(world, load.cast, { mode: 'async' })).status).toBe(202)
    const lag = await lagOf(world, load.cast)
    await servers.redis.restart({ empty: true })
    const ringsAgainMs = await until('the bells ring', 30_000, async () => {
      return (await countedByWorkers(world, 'ledgerflow_rings_total')) > 0
    })
    console.log({ lag, ringsAgainMs })
    expect(await findingsAfter(world, load, reader)).toEqual([])
    expect(lag).toBeLessThan(sweptMsMax)
    expect(ringsAgainMs).toBeLessThan(ringsAgainMsMax)
  })
})

/** How long the 202s took that were sent after the first `from`, in ms. */
function acceptedWithin(
  load: Load,
  from: number,
): { half: number; most: number; count: number; sync: number } {
  const times = load.journal.timesOf('accepted', from)
  return {
    half: quantile(times, 0.5),
    most: quantile(times, 0.98),
    count: times.length,
    sync: quantile(load.journal.timesOf('posted', from), 0.98),
  }
}

/** An acknowledgement does not wait for Redis: a command of ours to it times out after a second. */
function expectUnchanged(
  meanwhile: { half: number; most: number; count: number },
  usual: { half: number },
): void {
  expect(meanwhile.count).toBeGreaterThan(100)
  expect(meanwhile.half).toBeLessThan(usual.half * 3 + 50)
  expect(meanwhile.most).toBeLessThan(900)
}
