import Database from 'better-sqlite3'
import { mkdtemp, realpath, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { fileURLToPath } from 'node:url'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { payment } from '../support/people.ts'
import { againstJournal, outOfOrder, type Booked, type BookedEntry } from './harness/findings.ts'
import { send, startLoad } from './harness/load.ts'
import { ServiceProcess } from './harness/service-process.ts'
import { mountSmallDisk } from './harness/small-disk.ts'
import { until } from './harness/until.ts'

const sources = fileURLToPath(new URL('../..', import.meta.url))

describe('the embedded service on a SQLite file', () => {
  let folder: string
  let path: string
  let service: ServiceProcess
  beforeEach(async () => {
    folder = await mkdtemp(join(await realpath(tmpdir()), 'ledgerflow-sqlite-'))
    path = join(folder, 'ledger.db')
    service = embedded('embedded', path)
  })
  afterEach(async () => {
    await service.kill()
    await rm(folder, { recursive: true, force: true })
  })

  it('loses nothing to kill -9, ten times, and goes on with the WAL it finds', async () => {
    await service.start()
    const load = await startLoad({ apis: [{ process: service }] })
    for (let round = 0; round < 10; round += 1) {
      await load.acknowledged(60, 30_000)
      await service.kill()
      // What was acknowledged is in the log beside the file, and nobody has moved it over.
      expect((await stat(`${path}-wal`)).size).toBeGreaterThan(0)
      await service.start()
    }
    await load.end()
    await queueIsEmpty(path)
    const booked = bookedOf(path)
    expect(load.journal.violations).toEqual([])
    expect(againstJournal(load.journal.intents, booked)).toEqual([])
    expect(load.sequences.flatMap((sequence) => outOfOrder(sequence, booked))).toEqual([])
    expect((await verifyStore({ dialect: 'sqlite', path })).differences).toEqual([])
    expect(service.unexpectedEnds).toEqual([])
  })

  it('refuses a second process with a sentence, and serves the file again once the first is dead', async () => {
    await service.start()
    const second = embedded('second', path)
    await expect(second.start()).rejects.toThrow(/in use by another LedgerFlow process/)
    await service.kill()
    await second.start()
    await second.kill()
  })

  it('stops in good order while load goes on, and leaves no WAL behind', async () => {
    await service.start()
    const load = await startLoad({ apis: [{ process: service }] })
    await load.acknowledged(100, 30_000)
    const stopped = await service.terminate()
    expect(stopped).toMatchObject({ code: 0, signal: null })
    expect(stopped.ms).toBeLessThan(25_000)
    await sleep(100)
    await expect(stat(`${path}-wal`)).rejects.toThrow('ENOENT')
    await service.start()
    await load.end()
    await queueIsEmpty(path)
    expect(againstJournal(load.journal.intents, bookedOf(path))).toEqual([])
  })
})

/** Room for the file, its log and a few seconds of load. */
const disk = await mountSmallDisk(64 * 1024 * 1024)
const leftBytes = 256 * 1024

// Only root may mount one; elsewhere this row of the table is not covered.
describe.runIf(disk !== undefined)('the disk of the SQLite file is full', () => {
  const path = join(disk?.folder ?? '', 'ledger.db')
  const service = embedded('embedded', path)
  afterAll(async () => {
    await service.kill()
    await disk?.unmount()
  })

  it('503 while it is, reads go on, and all that was acknowledged is there afterwards', async () => {
    await service.start()
    const world = { apis: [{ process: service }] }
    const load = await startLoad(world)
    await load.acknowledged(100, 30_000)
    await disk?.fill(leftBytes)
    const body = payment({
      debit: load.cast.wallets[0] ?? '',
      credit: load.cast.hub,
      amount: '1.00',
    })
    for (const mode of ['sync', 'async'] as const) {
      await until(`no room (${mode})`, 60_000, async () => {
        const { status, retryAfter } = await send(world, 0, { mode, body })
        if (status === 503) expect(Number(retryAfter)).toBeGreaterThanOrEqual(1)
        else expect(status).toBe(mode === 'sync' ? 201 : 202)
        return status === 503
      })
    }
    for (const read of [`accounts/${load.cast.hub}/balance`, 'accounts', 'transactions', 'queue']) {
      const { status } = await fetch(`${service.address}/api/v1/${read}`)
      expect([read, status]).toEqual([read, 200])
    }

    await disk?.empty()
    await load.acknowledged(50, 10_000)
    await load.end()
    await queueIsEmpty(path)
    expect(load.journal.violations).toEqual([])
    expect(againstJournal(load.journal.intents, bookedOf(path))).toEqual([])
    expect((await verifyStore({ dialect: 'sqlite', path })).differences).toEqual([])
    expect(service.unexpectedEnds).toEqual([])
  })

  it('a service that is killed while it is loses nothing, and starts again once there is room', async () => {
    const world = { apis: [{ process: service }] }
    const load = await startLoad(world)
    await load.acknowledged(50, 30_000)
    await disk?.fill(leftBytes)
    const body = payment({
      debit: load.cast.wallets[0] ?? '',
      credit: load.cast.hub,
      amount: '1.00',
    })
    await until('no room', 60_000, async () => {
      return (await send(world, 0, { mode: 'sync', body })).status === 503
    })
    await service.kill()
    await disk?.empty()
    await service.start()
    await load.acknowledged(50, 10_000)
    await load.end()
    await queueIsEmpty(path)
    expect(load.journal.violations).toEqual([])
    expect(againstJournal(load.journal.intents, bookedOf(path))).toEqual([])
    expect((await verifyStore({ dialect: 'sqlite', path })).differences).toEqual([])
  })
})

function embedded(name: string, path: string): ServiceProcess {
  return new ServiceProcess({
    name,
    entry: 'services/main.ts',
    folder: sources,
    environment: { PORT: '0', DATABASE_URL: `sqlite:${path}`, LOG_LEVEL: 'info' },
  })
}

async function queueIsEmpty(path: string): Promise<void> {
  const text = 'select count(*) as queued from queued_transactions'
  await until('nothing is queued', 30_000, () => {
    return read<{ queued: number }>(path, text)[0]?.queued === 0
  })
}

function read<Row>(path: string, text: string): Row[] {
  const database = new Database(path, { readonly: true })
  try {
    return database.prepare(text).all() as Row[]
  } finally {
    database.close()
  }
}

/** All transactions with a reference, as their rows say them. */
function bookedOf(path: string): Map<string, Booked[]> {
  const entries = new Map<string, BookedEntry[]>()
  const entryRows = read<BookedEntry & { transaction_id: string }>(
    path,
    `select transaction_id, account_id as account, account_version as version, direction, amount
       from entries order by transaction_id, position`,
  )
  for (const { transaction_id: id, ...entry } of entryRows) {
    entries.set(id, [...(entries.get(id) ?? []), entry])
  }
  const rows = read<Omit<Booked, 'entries'>>(
    path,
    `select id, reference, idempotency_key, status, sequence from transactions
      where reference is not null`,
  )
  const byReference = new Map<string, Booked[]>()
  for (const row of rows) {
    const known = byReference.get(row.reference) ?? []
    byReference.set(row.reference, [...known, { ...row, entries: entries.get(row.id) ?? [] }])
  }
  return byReference
}
