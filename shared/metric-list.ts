/** What a metric is, for whoever registers it and whoever draws it. */
export interface MetricDefinition {
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** What `/metrics` says of it, and the dashboard's panel. One sentence or two. */
  readonly help: string
  /** The panel's title. */
  readonly title: string
  readonly group: MetricGroup
  /** What its values are; of a counter, what it counts. */
  readonly unit: 'seconds' | 'bytes' | 'count'
  /** Only what is bounded by the code or the schema: routes, codes, kinds, tables; never an id, a key, a name or an amount. */
  readonly labels?: readonly string[]
  readonly buckets?: readonly number[]
  /** How a gauge of several processes is put together: all of them read the same database, or each tells of itself. */
  readonly across?: 'max' | 'sum'
}

/** The rows of the dashboard, in their order. */
export const metricGroups = [
  'Requests',
  'Posting',
  'Queue',
  'Webhooks',
  'Database',
  'Process',
] as const
export type MetricGroup = (typeof metricGroups)[number]

const sizes = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]
const batchSeconds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5]

/**
 * Every metric of ours. A process registers all of them, and the dashboard has a panel for each: what is not here is neither
 * counted nor drawn.
 */
export const metricList = {
  ledgerflow_http_request_duration_seconds: {
    type: 'histogram',
    help: 'Time from the first byte of a request to the last of its answer, by route and status.',
    title: 'Requests by route',
    group: 'Requests',
    unit: 'seconds',
    labels: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.5, 1, 2.5, 5, 10, 30],
  },
  ledgerflow_refusals_total: {
    type: 'counter',
    help: 'Transactions refused on their merits, by code.',
    title: 'Refused on merits',
    group: 'Requests',
    unit: 'count',
    labels: ['code'],
  },

  ledgerflow_posting_batch_size: {
    type: 'histogram',
    help: 'Commands in one batch of posting.',
    title: 'Posting: commands in a batch',
    group: 'Posting',
    unit: 'count',
    buckets: sizes,
  },
  ledgerflow_posting_batch_seconds: {
    type: 'histogram',
    help: 'Time that one batch of posting took, retries included.',
    title: 'Posting: time of a batch',
    group: 'Posting',
    unit: 'seconds',
    buckets: batchSeconds,
  },
  ledgerflow_accept_batch_size: {
    type: 'histogram',
    help: 'Commands in one batch of acceptance.',
    title: 'Accepting: commands in a batch',
    group: 'Posting',
    unit: 'count',
    buckets: sizes,
  },
  ledgerflow_accept_batch_seconds: {
    type: 'histogram',
    help: 'Time that one batch of acceptance took, retries included.',
    title: 'Accepting: time of a batch',
    group: 'Posting',
    unit: 'seconds',
    buckets: batchSeconds,
  },
  ledgerflow_posting_ahead_total: {
    type: 'counter',
    help: 'Batches of posting that were decided ahead of their lock, on Postgres: agreed, or changed where somebody else had moved their accounts and they were posted the usual way.',
    title: 'Batches decided ahead',
    group: 'Posting',
    unit: 'count',
    labels: ['outcome'],
  },
  ledgerflow_posting_retries_total: {
    type: 'counter',
    help: 'Batches tried again, by the kind of failure.',
    title: 'Batches tried again',
    group: 'Posting',
    unit: 'count',
    labels: ['kind'],
  },
  ledgerflow_posting_splits_total: {
    type: 'counter',
    help: 'Batches halved because the database refused one of their members.',
    title: 'Batches split',
    group: 'Posting',
    unit: 'count',
  },

  ledgerflow_queue_backlog: {
    type: 'gauge',
    help: 'Transactions that are queued.',
    title: 'Queued',
    group: 'Queue',
    unit: 'count',
    across: 'max',
  },
  ledgerflow_queue_backlog_max: {
    type: 'gauge',
    help: 'How many may be queued (QUEUE_BACKLOG_MAX); above it the API answers 503.',
    title: 'Room in the queue',
    group: 'Queue',
    unit: 'count',
    across: 'max',
  },
  ledgerflow_queue_parked: {
    type: 'gauge',
    help: 'Queued transactions that are parked.',
    title: 'Parked',
    group: 'Queue',
    unit: 'count',
    across: 'max',
  },
  ledgerflow_queue_oldest_seconds: {
    type: 'gauge',
    help: 'Age of the oldest queued transaction.',
    title: 'Oldest queued transaction',
    group: 'Queue',
    unit: 'seconds',
    across: 'max',
  },
  ledgerflow_queue_lag_seconds: {
    type: 'histogram',
    help: 'Time from acceptance to the end of a queued transaction.',
    title: 'From acceptance to the end',
    group: 'Queue',
    unit: 'seconds',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600],
  },
  ledgerflow_drained_total: {
    type: 'counter',
    help: 'Queued transactions that this process has ended, by how they ended.',
    title: 'Drained',
    group: 'Queue',
    unit: 'count',
    labels: ['status'],
  },
  ledgerflow_drain_batch_size: {
    type: 'histogram',
    help: 'Transactions in one batch of draining.',
    title: 'Draining: transactions in a batch',
    group: 'Queue',
    unit: 'count',
    buckets: sizes,
  },
  ledgerflow_drain_batch_seconds: {
    type: 'histogram',
    help: 'Time that one batch of draining took.',
    title: 'Draining: time of a batch',
    group: 'Queue',
    unit: 'seconds',
    buckets: batchSeconds,
  },
  ledgerflow_parkings_total: {
    type: 'counter',
    help: 'Queued transactions that this process has parked.',
    title: 'Parkings',
    group: 'Queue',
    unit: 'count',
  },
  ledgerflow_drain_failures_total: {
    type: 'counter',
    help: 'Drains that the database did not let through, by the kind of failure. They are tried again.',
    title: 'Drains that failed',
    group: 'Queue',
    unit: 'count',
    labels: ['kind'],
  },
  ledgerflow_rings_total: {
    type: 'counter',
    help: 'Rings of the doorbell that this process has answered.',
    title: 'Rings answered',
    group: 'Queue',
    unit: 'count',
  },
  ledgerflow_queue_connected: {
    type: 'gauge',
    help: 'Whether the transport of the queue answers: 1 or 0. Without it work is found by sweeping.',
    title: 'Connected to the queue',
    group: 'Queue',
    unit: 'count',
    across: 'sum',
  },

  ledgerflow_webhook_deliveries_total: {
    type: 'counter',
    help: 'Webhook deliveries that this process has ended, by how they ended.',
    title: 'Webhooks that ended',
    group: 'Webhooks',
    unit: 'count',
    labels: ['outcome'],
  },
  ledgerflow_webhook_attempt_failures_total: {
    type: 'counter',
    help: 'Attempts to deliver a webhook that failed, by why. They are made again until the schedule ends.',
    title: 'Attempts that failed',
    group: 'Webhooks',
    unit: 'count',
    labels: ['kind'],
  },
  ledgerflow_webhook_lag_seconds: {
    type: 'gauge',
    help: 'Age of the oldest event that an endpoint of this process waits for.',
    title: 'Oldest event to be sent',
    group: 'Webhooks',
    unit: 'seconds',
    across: 'max',
  },
  ledgerflow_webhook_endpoints: {
    type: 'gauge',
    help: 'Webhook endpoints that this process sends to, by whether they take what they are sent.',
    title: 'Endpoints',
    group: 'Webhooks',
    unit: 'count',
    labels: ['state'],
    across: 'sum',
  },
  ledgerflow_webhook_endpoints_disabled_total: {
    type: 'counter',
    help: 'Webhook endpoints that this process has disabled, by why.',
    title: 'Endpoints disabled',
    group: 'Webhooks',
    unit: 'count',
    labels: ['reason'],
  },
  ledgerflow_webhook_gaps_total: {
    type: 'counter',
    help: 'Times that a webhook endpoint had come less far than events are kept, so that some were passed over.',
    title: 'Endpoints that missed events',
    group: 'Webhooks',
    unit: 'count',
  },

  ledgerflow_posting_connections: {
    type: 'gauge',
    help: 'Connections of the posting path to the database, by state.',
    title: 'Connections that post',
    group: 'Database',
    unit: 'count',
    labels: ['state'],
    across: 'sum',
  },
  ledgerflow_connection_wait_seconds: {
    type: 'histogram',
    help: 'Time that work waited for a connection of its pool, when none was free. A batch is turned away after half a second, a change after 0.9 s.',
    title: 'Waiting for a connection',
    group: 'Database',
    unit: 'seconds',
    labels: ['pool'],
    buckets: [0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1],
  },
  ledgerflow_slow_statements_total: {
    type: 'counter',
    help: 'Statements that took longer than SLOW_STATEMENT_MS, by name. The log has a line for them.',
    title: 'Slow statements',
    group: 'Database',
    unit: 'count',
    labels: ['statement'],
  },
  ledgerflow_database_oldest_snapshot_seconds: {
    type: 'gauge',
    help: 'For how long no dead row version could be removed, by who keeps it: the time since the oldest snapshot or open database transaction began, as far as this process has been there to see it.',
    title: 'Oldest snapshot',
    group: 'Database',
    unit: 'seconds',
    labels: ['holder'],
    across: 'max',
  },
  ledgerflow_database_oldest_snapshot_transactions: {
    type: 'gauge',
    help: 'How many database transactions have begun since the oldest snapshot, by who keeps it.',
    title: 'Oldest snapshot, in transactions',
    group: 'Database',
    unit: 'count',
    labels: ['holder'],
    across: 'max',
  },
  ledgerflow_database_idle_in_transaction_seconds: {
    type: 'gauge',
    help: 'For how long the laziest session has kept a database transaction open and done nothing, among those that the role may look at.',
    title: 'Idle in transaction',
    group: 'Database',
    unit: 'seconds',
    across: 'max',
  },
  ledgerflow_events_held_back_seconds: {
    type: 'gauge',
    help: 'For how long the oldest open database transaction of the server that has written has held events back: those that began after it are told of when it has ended.',
    title: 'Events held back',
    group: 'Database',
    unit: 'seconds',
    across: 'max',
  },
  ledgerflow_database_sessions: {
    type: 'gauge',
    help: 'Sessions on the database server, of everybody.',
    title: 'Sessions on the server',
    group: 'Database',
    unit: 'count',
    across: 'max',
  },
  ledgerflow_database_sessions_max: {
    type: 'gauge',
    help: 'How many sessions the database server takes (max_connections).',
    title: 'Room for sessions',
    group: 'Database',
    unit: 'count',
    across: 'max',
  },
  ledgerflow_database_transaction_id_age: {
    type: 'gauge',
    help: 'Transaction ids in use since the oldest that is not frozen. At two thousand million the server takes no writes.',
    title: 'Age of the oldest transaction id',
    group: 'Database',
    unit: 'count',
    across: 'max',
  },
  ledgerflow_table_dead_rows: {
    type: 'gauge',
    help: 'Dead row versions that vacuum has not yet removed, by table, as the database estimates them.',
    title: 'Dead rows',
    group: 'Database',
    unit: 'count',
    labels: ['table'],
    across: 'max',
  },
  ledgerflow_table_live_rows: {
    type: 'gauge',
    help: 'Rows, by table, as the database estimates them.',
    title: 'Live rows',
    group: 'Database',
    unit: 'count',
    labels: ['table'],
    across: 'max',
  },
  ledgerflow_table_vacuumed_seconds: {
    type: 'gauge',
    help: 'Time since a table was last vacuumed, by hand or by autovacuum; of one that never was, no value.',
    title: 'Since the last vacuum',
    group: 'Database',
    unit: 'seconds',
    labels: ['table'],
    across: 'max',
  },
  ledgerflow_table_updates_total: {
    type: 'counter',
    help: 'Rows updated since the statistics of the database began, by table; hot ones touched no index.',
    title: 'Updates, hot or not',
    group: 'Database',
    unit: 'count',
    labels: ['table', 'hot'],
    across: 'max',
  },
  ledgerflow_table_bytes: {
    type: 'gauge',
    help: 'What a table takes on the disk with its indexes, by table.',
    title: 'Size of tables',
    group: 'Database',
    unit: 'bytes',
    labels: ['table'],
    across: 'max',
  },
  ledgerflow_sqlite_file_bytes: {
    type: 'gauge',
    help: 'Size of the SQLite file and of its write-ahead log, which grows while somebody keeps a snapshot open.',
    title: 'SQLite files',
    group: 'Database',
    unit: 'bytes',
    labels: ['file'],
    across: 'max',
  },
} as const satisfies Record<string, MetricDefinition>

/** The metrics of Node and of the process, which prom-client names and registers, as far as they are drawn or watched. */
export const processMetricList = {
  nodejs_eventloop_lag_p99_seconds: {
    type: 'gauge',
    help: 'How late the event loop was, at the 99th percentile since the last scrape.',
    title: 'Event loop lag, p99',
    group: 'Process',
    unit: 'seconds',
    across: 'max',
  },
  process_cpu_seconds_total: {
    type: 'counter',
    help: 'Processor time of the process; of one core a process can use little more than one.',
    title: 'Cores in use',
    group: 'Process',
    unit: 'count',
  },
  process_resident_memory_bytes: {
    type: 'gauge',
    help: 'Memory that the process holds.',
    title: 'Memory',
    group: 'Process',
    unit: 'bytes',
    across: 'sum',
  },
  nodejs_heap_size_used_bytes: {
    type: 'gauge',
    help: 'Memory of the JavaScript heap in use.',
    title: 'Heap in use',
    group: 'Process',
    unit: 'bytes',
    across: 'sum',
  },
  nodejs_gc_duration_seconds: {
    type: 'histogram',
    help: 'Time of garbage collections, by kind.',
    title: 'Garbage collections',
    group: 'Process',
    unit: 'seconds',
    labels: ['kind'],
  },
} as const satisfies Record<string, MetricDefinition>

type Definitions = typeof metricList

/** A metric of ours. */
export type MetricName = keyof Definitions

/** Those of one type. */
export type MetricOf<Type extends MetricDefinition['type']> = {
  [Name in MetricName]: Definitions[Name]['type'] extends Type ? Name : never
}[MetricName]

/** The labels of a metric. */
export type LabelOf<Name extends MetricName> = Definitions[Name] extends {
  readonly labels: readonly (infer Label extends string)[]
}
  ? Label
  : never
