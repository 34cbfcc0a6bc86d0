import { selector } from './panels.ts'

/** One figure that says at a glance how the service does. */
export interface Glance {
  readonly title: string
  readonly description: string
  readonly expr: string
  /** Grafana's name of the unit. */
  readonly unit: string
  /** From this value on it is red. */
  readonly warnAt?: number
}

const requests = `ledgerflow_http_request_duration_seconds`
const failing = selector.replace('}', ', status=~"5.."}')

/** The first row of the dashboard. */
export const glances: readonly Glance[] = [
  {
    title: 'Requests a second',
    description: 'Answered, whatever the answer.',
    expr: `sum(rate(${requests}_count${selector}[$__rate_interval]))`,
    unit: 'reqps',
  },
  {
    title: 'Answered with 5xx',
    description: 'The share of the requests that the service could not answer.',
    expr:
      `(sum(rate(${requests}_count${failing}[$__rate_interval])) or vector(0))` +
      ` / sum(rate(${requests}_count${selector}[$__rate_interval]))`,
    unit: 'percentunit',
    warnAt: 0.02,
  },
  {
    title: 'Slowest of a hundred',
    description: 'The 99th percentile of all requests.',
    expr: `histogram_quantile(0.99, sum by (le) (rate(${requests}_bucket${selector}[$__rate_interval])))`,
    unit: 's',
    warnAt: 1,
  },
  {
    title: 'Queued',
    description: 'Transactions that are accepted and not yet posted.',
    expr: `max(ledgerflow_queue_backlog${selector})`,
    unit: 'short',
  },
  {
    title: 'Parked',
    description: 'Queued transactions that wait for an operator.',
    expr: `max(ledgerflow_queue_parked${selector})`,
    unit: 'short',
    warnAt: 1,
  },
  {
    title: 'Oldest snapshot',
    description: 'While one is open, dead rows pile up and posting slows down.',
    expr: `max(ledgerflow_database_oldest_snapshot_seconds${selector})`,
    unit: 's',
    warnAt: 300,
  },
]
