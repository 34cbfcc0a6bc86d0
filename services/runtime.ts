import { BacklogMonitor } from '../shared/engine/backlog-monitor.ts'
import type { Configuration } from '../shared/config.ts'
import { createLog, type Logger } from '../shared/log.ts'
import { Metrics } from '../shared/metrics.ts'
import { InProcessQueue } from '../shared/queue/in-process.ts'
import type { Queue } from '../shared/queue/queue.ts'
import { RedisQueue } from '../shared/queue/redis-queue.ts'
import type { LedgerStore } from '../shared/store/ledger-store.ts'
import { ConditionWatch } from '../shared/store/condition-watch.ts'
import { openStore } from '../shared/store/open.ts'
import type { Tracing } from '../shared/trace/tracing.ts'
import { reportStore, showCondition } from './report.ts'
import type { WebhookRules } from '../shared/webhooks/webhook-rules.ts'
import { webhookRules } from './webhook-rules.ts'

/** What both services stand on: the store, the queue, the log and the metrics. */
export interface Runtime {
  readonly log: Logger
  readonly store: LedgerStore
  readonly queue: Queue
  readonly monitor: BacklogMonitor
  readonly metrics: Metrics
  readonly tracing: Tracing | undefined
  readonly webhooks: WebhookRules
  readonly conditionWatch: ConditionWatch
  close(): Promise<void>
}

/** What every key in Redis begins with. */
const namespace = 'ledgerflow'

/** Opens all that the configuration names. Rejects with a sentence for the operator. */
export async function openRuntime(
  configuration: Configuration,
  service: 'ledgerflow-api' | 'ledgerflow-worker' = 'ledgerflow-api',
): Promise<Runtime> {
  const log = createLog(configuration.LOG_LEVEL)
  const metrics = new Metrics()
  const storeWatch = reportStore(metrics, log, configuration.SLOW_STATEMENT_MS)
  const { store, migrations } = await openStore(configuration.DATABASE_URL, storeWatch)
  for (const name of migrations.applied) log.info({ migration: name }, 'migration applied')
  if (store.advice !== undefined) log.warn(store.advice)

  const { REDIS_URL: redis, QUEUES: queues } = configuration
  const queue =
    redis === undefined ? new InProcessQueue() : new RedisQueue(redis, { queues, namespace })
  const monitor = new BacklogMonitor(store, configuration.QUEUE_BACKLOG_MAX)
  await monitor.start()
  metrics.showConnections(() => store.connections())
  metrics.showBacklog(() => monitor.reading)
  metrics.show('ledgerflow_queue_backlog_max', () => configuration.QUEUE_BACKLOG_MAX)
  metrics.show('ledgerflow_queue_connected', () => (queue.isConnected() ? 1 : 0))
  const conditionWatch = new ConditionWatch(() => store.condition())
  conditionWatch.start()
  showCondition(metrics, conditionWatch)
  const tracing = await openTracing(configuration, service)
  return {
    log,
    store,
    queue,
    monitor,
    metrics,
    tracing,
    webhooks: webhookRules(configuration),
    conditionWatch,
    close: async () => {
      await conditionWatch.stop()
      await monitor.stop()
      await queue.close()
      await store.close()
      await tracing?.close()
    },
  }
}

/** Traces when there is somewhere to send them to. What that takes is not even loaded otherwise. */
async function openTracing(
  configuration: Configuration,
  service: string,
): Promise<Tracing | undefined> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT: endpoint, OTEL_TRACES_SAMPLER_ARG: share } = configuration
  if (endpoint === undefined) return undefined
  const { exportTraces } = await import('../shared/trace/open-telemetry.ts')
  return exportTraces(endpoint, { service, share })
}

/** Ends the process with a sentence instead of a stack: what keeps it from starting is the operator's to mend. */
export function cannotStart(error: unknown): never {
  const reason = error instanceof Error ? error.message : String(error)
  process.stderr.write(`LedgerFlow cannot start: ${reason}\n`)
  process.exit(1)
}
