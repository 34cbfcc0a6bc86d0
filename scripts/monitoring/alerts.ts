/** Something that an operator is to be told of. Each has its section in `docs/operations.md`, which says what to do. */
export interface Alert {
  readonly name: string
  /** `critical`: money does not move, or soon will not. `warning`: within the day. */
  readonly severity: 'critical' | 'warning'
  /** PromQL. */
  readonly expr: string
  /** For how long it must hold. */
  readonly for: string
  readonly summary: string
}

/** What is watched, in the order of the runbook. */
export const alerts: readonly Alert[] = [
  {
    name: 'LedgerFlowDown',
    severity: 'critical',
    expr: 'up{job=~"ledgerflow.*"} == 0',
    for: '1m',
    summary: '{{ $labels.job }} at {{ $labels.instance }} does not answer',
  },
  {
    name: 'LedgerFlowErrors',
    severity: 'critical',
    expr:
      'sum(rate(ledgerflow_http_request_duration_seconds_count{status=~"5.."}[5m]))\n' +
      '  / sum(rate(ledgerflow_http_request_duration_seconds_count[5m])) > 0.02',
    for: '5m',
    summary: '{{ $value | humanizePercentage }} of the requests are answered with 5xx',
  },
  {
    name: 'LedgerFlowSlow',
    severity: 'warning',
    expr:
      'histogram_quantile(0.99, sum by (le) (\n' +
      '  rate(ledgerflow_http_request_duration_seconds_bucket{method="POST", status=~"2.."}[5m]))) > 1',
    for: '10m',
    summary: 'one in a hundred postings takes longer than {{ $value | humanizeDuration }}',
  },
  {
    name: 'LedgerFlowQueueStuck',
    severity: 'critical',
    expr: 'max(ledgerflow_queue_oldest_seconds) > 60 and max(ledgerflow_queue_backlog) > max(ledgerflow_queue_parked)',
    for: '5m',
    summary: 'the oldest queued transaction has waited for {{ $value | humanizeDuration }}',
  },
  {
    name: 'LedgerFlowQueueNearlyFull',
    severity: 'critical',
    expr: 'max(ledgerflow_queue_backlog) / max(ledgerflow_queue_backlog_max) > 0.7',
    for: '1m',
    summary: 'the queue is full to {{ $value | humanizePercentage }}; at 100% requests are turned away',
  },
  {
    name: 'LedgerFlowParked',
    severity: 'warning',
    expr: 'max(ledgerflow_queue_parked) > 0',
    for: '1m',
    summary: '{{ $value }} transactions are parked and wait for an operator',
  },
  {
    name: 'LedgerFlowDrainFailing',
    severity: 'critical',
    expr: 'sum(rate(ledgerflow_drain_failures_total[5m])) > 0.2',
    for: '5m',
    summary: '{{ $value | humanize }} drains a second do not get through',
  },
  {
    name: 'LedgerFlowRetries',
    severity: 'warning',
    expr: 'sum by (kind) (rate(ledgerflow_posting_retries_total[5m])) > 1',
    for: '10m',
    summary: '{{ $value | humanize }} batches a second are tried again ({{ $labels.kind }})',
  },
  {
    name: 'LedgerFlowDoorbellAway',
    severity: 'warning',
    expr: 'min by (job, instance) (ledgerflow_queue_connected) == 0',
    for: '2m',
    summary: '{{ $labels.instance }} does not reach Redis',
  },
  {
    name: 'LedgerFlowWebhooksLate',
    severity: 'warning',
    expr: 'max(ledgerflow_webhook_lag_seconds) > 900',
    for: '10m',
    summary: 'an endpoint waits for an event that is {{ $value | humanizeDuration }} old',
  },
  {
    name: 'LedgerFlowWebhooksDisabled',
    severity: 'warning',
    expr: 'sum by (reason) (increase(ledgerflow_webhook_endpoints_disabled_total[1h])) > 0',
    for: '1m',
    summary: 'a webhook endpoint was disabled ({{ $labels.reason }})',
  },
  {
    name: 'LedgerFlowWebhookGaps',
    severity: 'warning',
    expr: 'sum(increase(ledgerflow_webhook_gaps_total[1h])) > 0',
    for: '1m',
    summary: 'a webhook endpoint has missed events that are not kept any more',
  },
  {
    name: 'LedgerFlowOldSnapshot',
    severity: 'warning',
    expr: 'max by (holder) (ledgerflow_database_oldest_snapshot_seconds) > 300',
    for: '1m',
    summary:
      'a snapshot ({{ $labels.holder }}) has kept dead rows for {{ $value | humanizeDuration }}; posting slows down',
  },
  {
    name: 'LedgerFlowEventsHeldBack',
    severity: 'warning',
    expr: 'max(ledgerflow_events_held_back_seconds) > 60',
    for: '1m',
    summary: 'an open database transaction has held events back for {{ $value | humanizeDuration }}',
  },
  {
    name: 'LedgerFlowIdleInTransaction',
    severity: 'warning',
    expr: 'max(ledgerflow_database_idle_in_transaction_seconds) > 60',
    for: '1m',
    summary: 'a session has kept a database transaction open for {{ $value | humanizeDuration }}',
  },
  {
    name: 'LedgerFlowDeadRows',
    severity: 'warning',
    expr:
      'max by (table) (ledgerflow_table_dead_rows)\n' +
      '  > 100000 + 0.5 * max by (table) (ledgerflow_table_live_rows)',
    for: '15m',
    summary: '{{ $labels.table }} has {{ $value | humanize }} dead rows: vacuum does not keep up',
  },
  {
    name: 'LedgerFlowUpdatesNotHot',
    severity: 'warning',
    expr:
      'max(rate(ledgerflow_table_updates_total{table="accounts", hot="no"}[15m]))\n' +
      '  > 0.5 * max(rate(ledgerflow_table_updates_total{table="accounts", hot="yes"}[15m]))\n' +
      'and max(rate(ledgerflow_table_updates_total{table="accounts", hot="no"}[15m])) > 50',
    for: '15m',
    summary: '{{ $value | humanize }} updates of accounts a second touch indexes',
  },
  {
    name: 'LedgerFlowTransactionIds',
    severity: 'critical',
    expr: 'max(ledgerflow_database_transaction_id_age) > 1000000000',
    for: '10m',
    summary: 'the oldest transaction id is {{ $value | humanize }} old; at 2G Postgres takes no writes',
  },
  {
    name: 'LedgerFlowSessions',
    severity: 'critical',
    expr: 'max(ledgerflow_database_sessions) / max(ledgerflow_database_sessions_max) > 0.85',
    for: '5m',
    summary: '{{ $value | humanizePercentage }} of the sessions that Postgres takes are in use',
  },
  {
    name: 'LedgerFlowConnectionWaits',
    severity: 'warning',
    expr:
      'sum by (pool) (rate(ledgerflow_connection_wait_seconds_sum[5m])) > 0.5\n' +
      'and sum by (pool) (rate(ledgerflow_connection_wait_seconds_count[5m])) > 1',
    for: '10m',
    summary: 'work waits for connections of the pool {{ $labels.pool }}',
  },
  {
    name: 'LedgerFlowSlowStatements',
    severity: 'warning',
    expr: 'sum by (statement) (rate(ledgerflow_slow_statements_total[5m])) > 0.2',
    for: '10m',
    summary: '{{ $labels.statement }} is slow {{ $value | humanize }} times a second',
  },
  {
    name: 'LedgerFlowEventLoopLag',
    severity: 'warning',
    expr: 'nodejs_eventloop_lag_p99_seconds{job=~"ledgerflow.*"} > 0.25',
    for: '5m',
    summary: '{{ $labels.instance }} is late by {{ $value | humanizeDuration }}: it has no processor left',
  },
  {
    name: 'LedgerFlowSqliteLog',
    severity: 'warning',
    expr: 'max(ledgerflow_sqlite_file_bytes{file="wal"}) > 536870912',
    for: '10m',
    summary: 'the write-ahead log has grown to {{ $value | humanize1024 }}B: a reader keeps it',
  },
]
