import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter } from './harness/findings.ts'
import { startLoad } from './harness/load.ts'
import { probe } from './harness/probe.ts'
import { mountSmallDisk } from './harness/small-disk.ts'
import { until } from './harness/until.ts'
import { startServers, startWorld, type Servers, type World } from './harness/world.ts'

/** Room for the tables, their indexes and a few seconds of load. */
const diskBytes = 64 * 1024 * 1024
const leftBytes = 512 * 1024

const disk = await mountSmallDisk(diskBytes)

// Only root may mount one; elsewhere this row of the table is not covered.
describe.runIf(disk !== undefined)('the disk of the data is full', () => {
  let servers: Servers
  let world: World
  beforeAll(async () => {
    servers = await startServers()
    await withClient(servers.postgres.url(), (client) =>
      client.query(`create tablespace small location '${disk?.folder}'`),
    )
    world = await startWorld(servers, { tablespace: 'small' })
  })
  afterAll(async () => {
    await world?.close()
    await servers?.stop()
    await disk?.unmount()
  })

  it('503 while it is, reads go on, and all that was acknowledged is there afterwards', async () => {
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)
    await disk?.fill(leftBytes)

    for (const mode of ['sync', 'async'] as const) {
      await until(`no room (${mode})`, 60_000, async () => {
        const answer = await probe(world, load.cast, { mode })
        if (answer.status === 503) expect(Number(answer.retryAfter)).toBeGreaterThanOrEqual(1)
        return answer.status === 503
      })
    }
    const address = world.apis[0]?.process.address
    const read = await fetch(`${address}/api/v1/accounts/${load.cast.hub}/balance`)
    expect(read.status).toBe(200)

    await disk?.empty()
    await load.acknowledged(50, 10_000)
    expect(await findingsAfter(world, load, reader)).toEqual([])
  })
})
