import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter } from './harness/findings.ts'
import { startLoad } from './harness/load.ts'
import { countedByWorkers, lagOf, quantile } from './harness/probe.ts'
import { startRedisCluster, type RedisCluster } from './harness/redis-cluster.ts'
import { until } from './harness/until.ts'
import { startServers, startWorld, type Servers, type World } from './harness/world.ts'

const queues = 8

/** Who waits is told at once by the news; without it only by looking, each half second. */
const newsMsMax = 400
const sweptMsMax = 2000

/** What the nodes need until they agree again that all are there, and the clients until they know. */
const wholeAgainMsMax = 15_000

describe('on a Redis Cluster of three nodes', () => {
  let servers: Servers
  let cluster: RedisCluster
  let world: World
  beforeAll(async () => {
    cluster = await startRedisCluster()
    servers = await startServers()
    const environment = { REDIS_URL: cluster.url, QUEUES: String(queues) }
    world = await startWorld(servers, { environment })
  })
  afterAll(async () => {
    await world?.close()
    await cluster?.stop()
    await servers?.stop()
  })

  const rings = () => countedByWorkers(world, 'ledgerflow_rings_total')
  const lags = async () => {
    const measured: number[] = []
    for (let n = 0; n < 9; n += 1) measured.push(await lagOf(world, cast(), n))
    return measured.toSorted((a, b) => a - b)
  }
  let load: Awaited<ReturnType<typeof startLoad>>
  const cast = () => load.cast

  it('bells ring, news arrives, and the board shows queues that lie on all nodes', async () => {
    load = await startLoad(world, { pauseMs: 20 })
    await load.acknowledged(200, 30_000)
    expect(await rings()).toBeGreaterThan(20)
    expect(Math.min(...(await cluster.keys()))).toBeGreaterThan(0)
    const measured = await lags()
    console.log({ lags: measured.map(Math.round) })
    expect(quantile(measured, 0.5)).toBeLessThan(newsMsMax)

    const address = world.apis[0]?.process.address
    const page = await fetch(`${address}/admin/queues`)
    expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('LedgerFlow')])
    const board = await fetch(`${address}/admin/queues/api/queues`)
    const shown = (await board.json()) as { queues: { name: string; counts: object }[] }
    expect(shown.queues.map(({ name }) => name).toSorted()).toEqual(
      Array.from({ length: queues }, (_, group) => `posting-${group}`),
    )
    await load.end()
    expect(await findingsAfter(world, load, undefined)).toEqual([])
  })

  it('work goes on by sweeping while a node is dead, and by bells once it is back', async () => {
    load = await startLoad(world, { pauseMs: 20 })
    const reader = startBankReader(world)
    await load.acknowledged(50, 30_000)
    await cluster.nodes[1]?.kill('SIGKILL')
    // Until the others say so too, and the whole cluster refuses.
    await sleep(4000)
    const meanwhile = await lags()
    await load.acknowledged(100, 30_000)
    await cluster.nodes[1]?.restart()
    await cluster.isWhole()
    const rung = await rings()
    const backMs = await until('bells ring and news arrives', wholeAgainMsMax, async () => {
      const again = await lags()
      return quantile(again, 0.5) < newsMsMax && (await rings()) > rung + 9
    })
    console.log({ meanwhile: meanwhile.map(Math.round), backMs })
    expect(meanwhile.at(-1)).toBeLessThan(sweptMsMax)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })
})
