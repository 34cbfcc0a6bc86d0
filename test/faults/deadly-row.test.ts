import { mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { deathsMax } from '../../shared/engine/choose-carefully.ts'
import { payment } from '../support/people.ts'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter } from './harness/findings.ts'
import { openCast, send, startLoad, type Cast, type Target } from './harness/load.ts'
import { operate, readTransaction } from './harness/probe.ts'
import { ServiceProcess } from './harness/service-process.ts'
import { until } from './harness/until.ts'
import { startServers, startWorld, type Servers, type World } from './harness/world.ts'
import { deadlyCause, deadlyRow } from './mutants/deadly-row.ts'
import { mutatedSources } from './mutants/mutated-sources.ts'

/** Starts processes again when they have died, as an orchestrator does, until it is ended; gives how many have died. */
function supervise(processes: readonly ServiceProcess[]): { end(): Promise<number> } {
  let ended = false
  let deaths = 0
  const watching = processes.map(async (process) => {
    while (!ended) {
      if (process.running) {
        await sleep(20)
        continue
      }
      deaths += 1
      // It may die again while it starts.
      await process.start().catch(() => undefined)
    }
  })
  return {
    end: async () => {
      ended = true
      await Promise.all(watching)
      return deaths
    },
  }
}

let sources: string
beforeEach(async () => {
  sources = await mutatedSources(deadlyRow)
  await writeFile(join(sources, deadlyCause), '')
})
afterEach(() => rm(sources, { recursive: true, force: true }))

const parkedReason = async (target: Target, id: string) => {
  const read = await readTransaction(target, id).catch(() => undefined)
  return read?.queue?.parked?.reason
}
const whenParked = (target: Target, id: string) =>
  until('it is parked', 90_000, async () => (await parkedReason(target, id)) !== undefined)
const queue = async (target: Target, { wallets, hub }: Cast, rest: object) => {
  const body = payment({ debit: wallets[0] ?? '', credit: hub, amount: '1.00', ...rest })
  for (let api = 0; ; api += 1) {
    const { id } = await send(target, api, { mode: 'async', body })
    if (id !== undefined) return id
    await sleep(50)
  }
}

describe('a row that ends every worker that takes it', () => {
  let servers: Servers
  let world: World
  beforeAll(async () => {
    servers = await startServers()
  })
  afterEach(() => world?.close())
  afterAll(() => servers?.stop())

  it('is parked after a few deaths; its key waits, all else goes on, and it is resumed or refused', async () => {
    world = await startWorld(servers, { sources })
    const workers = world.workers.map(({ process }) => process)
    const load = await startLoad(world)
    const reader = startBankReader(world)
    await load.acknowledged(100, 30_000)

    const supervision = supervise(workers)
    const key = { ordering_key: 'stuck' }
    const before = await queue(world, load.cast, key)
    const deadly = await queue(world, load.cast, { ...key, reference: 'deadly' })
    const behind = await queue(world, load.cast, key)
    await whenParked(world, deadly)
    expect(await parkedReason(world, deadly)).toBe(
      `the process ended ${deathsMax} times while it was posting this transaction`,
    )
    await load.acknowledged(100, 30_000)
    const other = await queue(world, load.cast, { ordering_key: 'other' })
    expect((await readTransaction(world, other, { wait: 20 })).status).toBe('posted')
    expect((await readTransaction(world, before)).status).toBe('posted')
    expect((await readTransaction(world, behind)).status).toBe('queued')

    // Resumed too early it costs two deaths more, not one of each worker again.
    expect(await operate(world, deadly, 'resume')).toBe(200)
    await until(
      'it is tried',
      30_000,
      async () => (await parkedReason(world, deadly)) === undefined,
    )
    await whenParked(world, deadly)
    const deaths = await supervision.end()
    console.log({ deaths })
    // A worker that has drained the slot before notes nothing when it dies; each does so once at the most.
    expect(deaths).toBeGreaterThanOrEqual(deathsMax + 2)
    expect(deaths).toBeLessThanOrEqual(deathsMax + 2 + workers.length)

    await rm(join(sources, deadlyCause))
    expect(await operate(world, deadly, 'resume')).toBe(200)
    expect((await readTransaction(world, behind, { wait: 20 })).status).toBe('posted')
    expect((await readTransaction(world, deadly)).status).toBe('posted')
    expect(await findingsBut(world, load, reader)).toEqual([])
  })
})

describe('a row that ends every embedded service that takes it', () => {
  let folder: string
  let service: ServiceProcess
  beforeEach(async () => {
    folder = await mkdtemp(join(await realpath(tmpdir()), 'ledgerflow-deadly-'))
    service = new ServiceProcess({
      name: 'embedded',
      entry: 'services/main.ts',
      folder: sources,
      environment: { PORT: '0', DATABASE_URL: `sqlite:${join(folder, 'ledger.db')}` },
    })
  })
  afterEach(async () => {
    await service.kill()
    await rm(folder, { recursive: true, force: true })
  })

  it('is parked after a few starts, and what was queued with it is posted', async () => {
    await service.start()
    const world = { apis: [{ process: service }] }
    const cast = await openCast(world)
    const supervision = supervise([service])
    const deadly = await queue(world, cast, { ordering_key: 'stuck', reference: 'deadly' })
    const behind = await queue(world, cast, { ordering_key: 'stuck' })
    const others: string[] = []
    for (let n = 0; n < 10; n += 1) others.push(await queue(world, cast, { ordering_key: `k${n}` }))
    await whenParked(world, deadly)
    const deaths = await supervision.end()
    console.log({ deaths })
    expect(deaths).toBeGreaterThanOrEqual(deathsMax)
    expect(deaths).toBeLessThanOrEqual(deathsMax + 1)
    for (const id of others) {
      expect((await readTransaction(world, id, { wait: 20 })).status).toBe('posted')
    }
    expect((await readTransaction(world, behind)).status).toBe('queued')
    expect(await operate(world, deadly, 'refuse', { reason: 'deadly' })).toBe(200)
    expect((await readTransaction(world, behind, { wait: 20 })).status).toBe('posted')
  })
})

/** All findings but the deaths that the row has caused. */
async function findingsBut(...[world, load, reader]: Parameters<typeof findingsAfter>) {
  const found = await findingsAfter(world, load, reader)
  return found.filter((finding) => !/^worker \d ended by itself with SIGKILL/.test(finding))
}
