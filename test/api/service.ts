import Database from 'better-sqlite3'
import { Client } from 'pg'
import { pino } from 'pino'
import type { GateRules } from '../../services/api/access/gate.ts'
import { startApi } from '../../services/api/api-service.ts'
import { usualTimeouts, type Timeouts } from '../../services/api/http-server.ts'
import { BacklogMonitor } from '../../shared/engine/backlog-monitor.ts'
import { Metrics } from '../../shared/metrics.ts'
import { InProcessQueue } from '../../shared/queue/in-process.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { createPostgresDatabase, createSqlitePath } from '../support/databases.ts'

/** A service that listens on a port of its own, with its log in memory. */
export interface ListeningService {
  readonly port: number
  readonly store: LedgerStore
  /** Everything that was logged so far, at level trace. */
  logged(): string
  close(): Promise<void>
}

/** Starts a service over a store, put together as `services/main.ts` does. Its queue is not drained. */
export async function startService(
  location: StoreLocation,
  timeouts: Timeouts = usualTimeouts,
  access: GateRules = { asking: 'when_configured' },
): Promise<ListeningService> {
  const lines: string[] = []
  const log = pino({ level: 'trace' }, { write: (line: string) => lines.push(line) })
  const { store } = await openStore(location)
  const monitor = new BacklogMonitor(store, 1_000_000)
  await monitor.start()
  const queue = new InProcessQueue()
  const api = await startApi(
    { store, queue, monitor, metrics: new Metrics(), log },
    {
      host: '127.0.0.1',
      port: 0,
      defaultMode: 'sync',
      queues: 8,
      location,
      border: { timeouts },
      access,
    },
  )
  return {
    port: Number(new URL(api.address).port),
    store,
    logged: () => lines.join(''),
    close: async () => {
      await api.stop()
      await monitor.stop()
      await queue.close()
      await store.close()
    },
  }
}

/** Looks at a service's database past the service. */
export interface Witness {
  /** Every row of every table that a request could write, as text: equal texts mean that nothing was written. */
  rows(): Promise<string>
  close(): Promise<void>
}

/** A new database of one kind, with a witness. */
export async function createStore(
  dialect: StoreLocation['dialect'],
): Promise<{ location: StoreLocation; witness: () => Promise<Witness> }> {
  if (dialect === 'sqlite') {
    const path = createSqlitePath()
    return { location: { dialect, path }, witness: async () => sqliteWitness(path) }
  }
  const url = await createPostgresDatabase()
  return { location: { dialect, url }, witness: () => postgresWitness(url) }
}

const tables = {
  accounts: 'select * from accounts order by id',
  currencies: 'select * from currencies order by code',
  transactions: 'select count(*) as count from transactions',
  entries: 'select count(*) as count from entries',
  'changes of holds': 'select count(*) as count from hold_changes',
  queued: 'select count(*) as count from queued_transactions',
} as const

function sqliteWitness(path: string): Witness {
  const database = new Database(path, { readonly: true })
  const read = Object.values(tables).map((sql) => database.prepare(sql))
  return {
    rows: async () => JSON.stringify(read.map((statement) => statement.all())),
    close: async () => {
      database.close()
    },
  }
}

async function postgresWitness(url: string): Promise<Witness> {
  const client = new Client({ connectionString: url })
  await client.connect()
  return {
    rows: async () => {
      const read: unknown[] = []
      for (const sql of Object.values(tables)) read.push((await client.query(sql)).rows)
      return JSON.stringify(read)
    },
    close: () => client.end(),
  }
}
