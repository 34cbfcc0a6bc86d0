import type { BatchObserver } from '../shared/engine/settle-batch.ts'
import { SparingLog } from '../shared/log-sparingly.ts'
import type { Logger } from '../shared/log.ts'
import type { Metrics } from '../shared/metrics.ts'
import type { ConditionWatch } from '../shared/store/condition-watch.ts'
import type { StoreWatch } from '../shared/store/store-watch.ts'
import type { Tracing } from '../shared/trace/tracing.ts'

/** Counts and logs what a store does slowly. */
export function reportStore(metrics: Metrics, log: Logger, slowMs: number): StoreWatch {
  const sparing = new SparingLog(log)
  return {
    slowMs,
    slow: ({ statement, ms, rows }) => {
      metrics.slowStatement(statement)
      sparing.warn({ statement, ms: Math.round(ms), rows }, 'slow statement')
    },
    waited: (pool, ms) => metrics.waitedForConnection(pool, ms),
    postedAhead: (agreed) => metrics.postedAhead(agreed),
  }
}

/** Counts batches, logs those that are tried again, and traces them. */
export function reportBatches(
  work: 'post' | 'accept',
  { metrics, log, tracing }: { metrics: Metrics; log: Logger; tracing?: Tracing | undefined },
): BatchObserver {
  const sparing = new SparingLog(log)
  const observer = work === 'post' ? metrics.posting : metrics.accepting
  return {
    ...observer,
    batchDone: (size, tookMs, members) => {
      observer.batchDone(size, tookMs, members)
      tracing?.batch(work, members, tookMs)
    },
    retried: (failure, about) => {
      observer.retried(failure, about)
      const { kind, code } = failure
      const { attempts, size, tookMs } = about
      const figures = { attempts, size, ms: Math.round(tookMs) }
      sparing.warn({ work, kind, code, ...figures }, 'a batch is tried again')
    },
  }
}

/** Shows among the metrics how the store does, as far as it was seen. */
export function showCondition(metrics: Metrics, watch: ConditionWatch): void {
  const server = () => watch.condition?.server
  const ofTables = <Key extends 'deadRows' | 'liveRows' | 'bytes' | 'vacuumedSeconds'>(key: Key) =>
    server()?.tables.flatMap(({ table, [key]: value }) =>
      value === undefined ? [] : { labels: { table }, value },
    )
  const ofHolders = (key: 'seconds' | 'transactions') =>
    server()?.snapshots.map(({ holder, [key]: value }) => ({ labels: { holder }, value }))

  metrics.show('ledgerflow_database_oldest_snapshot_seconds', () => ofHolders('seconds'))
  metrics.show('ledgerflow_database_oldest_snapshot_transactions', () => ofHolders('transactions'))
  metrics.show(
    'ledgerflow_database_idle_in_transaction_seconds',
    () => server()?.idleInTransactionSeconds,
  )
  metrics.show('ledgerflow_events_held_back_seconds', () => server()?.eventsHeldBackSeconds)
  metrics.show('ledgerflow_database_sessions', () => server()?.sessions)
  metrics.show('ledgerflow_database_sessions_max', () => server()?.sessionsMax)
  metrics.show('ledgerflow_database_transaction_id_age', () => server()?.transactionIdAge)
  metrics.show('ledgerflow_table_dead_rows', () => ofTables('deadRows'))
  metrics.show('ledgerflow_table_live_rows', () => ofTables('liveRows'))
  metrics.show('ledgerflow_table_vacuumed_seconds', () => ofTables('vacuumedSeconds'))
  metrics.show('ledgerflow_table_bytes', () => ofTables('bytes'))
  metrics.show('ledgerflow_table_updates_total', () =>
    server()?.tables.flatMap(({ table, updates, hotUpdates }) => [
      { labels: { table, hot: 'yes' }, value: hotUpdates },
      { labels: { table, hot: 'no' }, value: updates - hotUpdates },
    ]),
  )
  metrics.show('ledgerflow_sqlite_file_bytes', () =>
    watch.condition?.files?.map(({ file, bytes }) => ({ labels: { file }, value: bytes })),
  )
}
