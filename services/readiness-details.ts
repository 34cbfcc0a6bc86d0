import { z } from 'zod'
import type { BacklogMonitor } from '../shared/engine/backlog-monitor.ts'
import type { Queue } from '../shared/queue/queue.ts'
import type { ConditionWatch } from '../shared/store/condition-watch.ts'
import { snapshotHolders, type ServerCondition } from '../shared/store/condition.ts'
import type { LedgerStore } from '../shared/store/ledger-store.ts'

const count = z.int().min(0)
const seconds = z.number().min(0)

const databaseSchema = z.strictObject({
  snapshots: z.array(
    z.strictObject({ holder: z.enum(snapshotHolders), seconds, transactions: count }),
  ),
  idle_in_transaction_seconds: seconds,
  events_held_back_seconds: seconds,
  sessions: count,
  sessions_max: count,
  transaction_id_age: count,
  tables: z.array(
    z.strictObject({
      table: z.string(),
      dead_rows: count,
      live_rows: count,
      vacuumed_seconds: seconds.nullable().meta({ description: 'Null: never.' }),
      bytes: count,
    }),
  ),
})

/** How a process does, in full. */
export const readinessDetailsSchema = z
  .strictObject({
    ready: z.boolean(),
    stopping: z.boolean(),
    store: z.strictObject({
      description: z.string(),
      fault: z.string().nullable().meta({ description: 'Why it cannot be used; null: it can.' }),
      advice: z.string().nullable(),
      connections: z.strictObject({ open: count, busy: count }),
    }),
    queue: z.strictObject({
      description: z.string(),
      connected: z.boolean(),
      backlog: count,
      parked: count,
      oldest_age_ms: count,
      drain_rate: z.number(),
    }),
    database: databaseSchema.nullable().meta({
      description:
        'The server’s state, a minute old at the most; null on SQLite, or when it did not answer.',
    }),
    files: z
      .array(z.strictObject({ file: z.enum(['database', 'wal']), bytes: count }))
      .nullable()
      .meta({ description: 'The files of SQLite; null on Postgres.' }),
    process: z.strictObject({ uptime_seconds: count, memory_bytes: count }),
  })
  .meta({
    id: 'ReadinessDetails',
    examples: [
      {
        ready: true,
        stopping: false,
        store: {
          description: 'Postgres 18.1 at postgres:5432/ledgerflow',
          fault: null,
          advice: null,
          connections: { open: 5, busy: 1 },
        },
        queue: {
          description: 'BullMQ on redis:6379',
          connected: true,
          backlog: 12,
          parked: 0,
          oldest_age_ms: 35,
          drain_rate: 480.5,
        },
        database: {
          snapshots: [{ holder: 'session', seconds: 0.4, transactions: 310 }],
          idle_in_transaction_seconds: 0,
          events_held_back_seconds: 0.4,
          sessions: 31,
          sessions_max: 200,
          transaction_id_age: 5200311,
          tables: [
            {
              table: 'accounts',
              dead_rows: 1830,
              live_rows: 100000,
              vacuumed_seconds: 41.5,
              bytes: 40132608,
            },
          ],
        },
        files: null,
        process: { uptime_seconds: 86400, memory_bytes: 178257920 },
      },
    ],
  })
export type ReadinessDetails = z.output<typeof readinessDetailsSchema>

/** What the details tell of. */
export interface DetailedParts {
  readonly store: Pick<LedgerStore, 'checkReady' | 'connections' | 'description' | 'advice'>
  readonly queue: Pick<Queue, 'description' | 'isConnected'>
  readonly monitor: Pick<BacklogMonitor, 'reading' | 'drainRate'>
  readonly conditionWatch?: Pick<ConditionWatch, 'condition'> | undefined
}

/** Tells how a process does, also where it cannot work. One round trip; never rejects. */
export async function readinessDetails(
  { store, queue, monitor, conditionWatch }: DetailedParts,
  stopping: boolean,
): Promise<ReadinessDetails> {
  const fault = await store.checkReady().then(
    () => null,
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  )
  const { queued, parked, oldestAt } = monitor.reading
  const condition = conditionWatch?.condition
  return {
    ready: fault === null && !stopping,
    stopping,
    store: {
      description: store.description,
      fault,
      advice: store.advice ?? null,
      connections: store.connections(),
    },
    queue: {
      description: queue.description,
      connected: queue.isConnected(),
      backlog: queued,
      parked,
      oldest_age_ms: oldestAt === null ? 0 : Math.max(0, Date.now() - oldestAt),
      drain_rate: monitor.drainRate,
    },
    database: condition?.server === undefined ? null : databaseJson(condition.server),
    files: condition?.files === undefined ? null : [...condition.files],
    process: {
      uptime_seconds: Math.floor(process.uptime()),
      memory_bytes: process.memoryUsage.rss(),
    },
  }
}

function databaseJson(server: ServerCondition): NonNullable<ReadinessDetails['database']> {
  return {
    snapshots: [...server.snapshots],
    idle_in_transaction_seconds: server.idleInTransactionSeconds,
    events_held_back_seconds: server.eventsHeldBackSeconds,
    sessions: server.sessions,
    sessions_max: server.sessionsMax,
    transaction_id_age: server.transactionIdAge,
    tables: server.tables.map(({ table, deadRows, liveRows, vacuumedSeconds, bytes }) => ({
      table,
      dead_rows: deadRows,
      live_rows: liveRows,
      vacuumed_seconds: vacuumedSeconds ?? null,
      bytes,
    })),
  }
}
