import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { BacklogReading } from './engine/backlog-monitor.ts'
import type { TransactionRecord } from './engine/transaction-record.ts'
import type { BatchObserver } from './engine/settle-batch.ts'
import type { StoreFailure } from './engine/store-failure.ts'
import type { RefusalCode } from './ledger/refusal.ts'
import {
  metricList,
  type LabelOf,
  type MetricDefinition,
  type MetricName,
  type MetricOf,
} from './metric-list.ts'

/** One value of a metric with labels. */
export interface Sample<Label extends string = string> {
  readonly labels: Readonly<Record<Label, string>>
  readonly value: number
}

/** How a sender is doing: its endpoints, and when the oldest event happened that one of them waits for. */
export interface SenderReading {
  readonly sending: number
  readonly failing: number
  readonly oldestAt: number | null
}

/** A metric that is read when it is asked for: a value, values by label, or undefined where nothing is known. */
type Reading<Name extends MetricName> = () =>
  ([LabelOf<Name>] extends [never] ? number : readonly Sample<LabelOf<Name>>[]) | undefined

/** What a process counts and times, in the form that Prometheus reads: all of `metricList`. */
export class Metrics {
  readonly registry = new Registry()
  readonly #counters = new Map<MetricName, Counter>()
  readonly #histograms = new Map<MetricName, Histogram>()
  readonly #readings = new Map<MetricName, () => number | readonly Sample[] | undefined>()

  constructor() {
    collectDefaultMetrics({ register: this.registry })
    for (const name of Object.keys(metricList) as MetricName[]) this.#register(name)
  }

  /** Counts what one batch of draining has ended. */
  drained(transactions: readonly TransactionRecord[], tookMs: number): void {
    this.#observe('ledgerflow_drain_batch_size', {}, transactions.length)
    this.#observe('ledgerflow_drain_batch_seconds', {}, tookMs / 1000)
    for (const { status, failure, createdAt, postedAt, failedAt, heldAt } of transactions) {
      this.#count('ledgerflow_drained_total', { status })
      const endedAt = postedAt ?? heldAt ?? failedAt ?? createdAt
      this.#observe('ledgerflow_queue_lag_seconds', {}, (endedAt - createdAt) / 1000)
      if (failure !== null) this.refused(failure.code)
    }
  }

  /** Counts one transaction set aside. */
  parked(): void {
    this.#count('ledgerflow_parkings_total', {})
  }

  /** Counts one drain that failed. */
  drainFailed(failure: StoreFailure): void {
    this.#count('ledgerflow_drain_failures_total', { kind: failure.kind })
  }

  /** Counts one ring answered. */
  rang(): void {
    this.#count('ledgerflow_rings_total', {})
  }

  /** Counts one answered request. `route` is the pattern, never the address. */
  requestAnswered(method: string, route: string, status: number, tookMs: number): void {
    const labels = { method, route, status: String(status) }
    this.#observe('ledgerflow_http_request_duration_seconds', labels, tookMs / 1000)
  }

  /** Counts one refusal on merits. */
  refused(code: RefusalCode): void {
    this.#count('ledgerflow_refusals_total', { code })
  }

  /** Counts one statement that took long, by its name in the code. */
  slowStatement(statement: string): void {
    this.#count('ledgerflow_slow_statements_total', { statement })
  }

  /** Counts one wait for a connection of a pool. */
  waitedForConnection(pool: string, tookMs: number): void {
    this.#observe('ledgerflow_connection_wait_seconds', { pool }, tookMs / 1000)
  }

  /** A batch was decided ahead of its lock. */
  postedAhead(agreed: boolean): void {
    this.#count('ledgerflow_posting_ahead_total', { outcome: agreed ? 'agreed' : 'changed' })
  }

  /** Shows something that is known elsewhere, read when the metrics are: it must be cheap, and at hand. */
  show<Name extends MetricOf<'gauge' | 'counter'>>(name: Name, reading: Reading<Name>): void {
    this.#readings.set(name, reading)
  }

  /** Shows the queue as it was counted last. */
  showBacklog(reading: () => BacklogReading): void {
    this.show('ledgerflow_queue_backlog', () => reading().queued)
    this.show('ledgerflow_queue_parked', () => reading().parked)
    this.show('ledgerflow_queue_oldest_seconds', () => {
      const { oldestAt } = reading()
      return oldestAt === null ? 0 : Math.max(0, Date.now() - oldestAt) / 1000
    })
  }

  /** Shows the connections of the posting path. */
  showConnections(connections: () => { readonly open: number; readonly busy: number }): void {
    this.show('ledgerflow_posting_connections', () => {
      const { open, busy } = connections()
      return [
        { labels: { state: 'busy' }, value: busy },
        { labels: { state: 'idle' }, value: open - busy },
      ]
    })
  }

  /** What posting reports to. */
  readonly posting: BatchObserver = {
    batchDone: (size: number, tookMs: number) => {
      this.#observe('ledgerflow_posting_batch_size', {}, size)
      this.#observe('ledgerflow_posting_batch_seconds', {}, tookMs / 1000)
    },
    retried: ({ kind }: StoreFailure) => this.#count('ledgerflow_posting_retries_total', { kind }),
    split: () => this.#count('ledgerflow_posting_splits_total', {}),
  }

  /** What acceptance reports to. */
  readonly accepting: BatchObserver = {
    ...this.posting,
    batchDone: (size: number, tookMs: number) => {
      this.#observe('ledgerflow_accept_batch_size', {}, size)
      this.#observe('ledgerflow_accept_batch_seconds', {}, tookMs / 1000)
    },
  }

  /** What sending webhooks reports to. No label names an endpoint: there may be any number of them. */
  readonly webhooks = {
    /** A delivery is done, or given up. */
    ended: (outcome: 'delivered' | 'failed') =>
      this.#count('ledgerflow_webhook_deliveries_total', { outcome }),
    /** An attempt failed. `kind` is one of a few. */
    attemptFailed: (kind: string) =>
      this.#count('ledgerflow_webhook_attempt_failures_total', { kind }),
    /** An endpoint is sent nothing more. */
    disabled: (reason: string) =>
      this.#count('ledgerflow_webhook_endpoints_disabled_total', { reason }),
    /** An endpoint was passed over by events that are not kept any more. */
    passedOver: () => this.#count('ledgerflow_webhook_gaps_total', {}),
  }

  /** Shows how the sender of this process is doing. */
  showWebhooks(reading: () => SenderReading): void {
    this.show('ledgerflow_webhook_lag_seconds', () => {
      const { oldestAt } = reading()
      return oldestAt === null ? 0 : Math.max(0, Date.now() - oldestAt) / 1000
    })
    this.show('ledgerflow_webhook_endpoints', () => {
      const { sending, failing } = reading()
      return [
        { labels: { state: 'well' }, value: sending - failing },
        { labels: { state: 'failing' }, value: failing },
      ]
    })
  }

  #register(name: MetricName): void {
    const { type, help, labels = [], buckets = [] }: MetricDefinition = metricList[name]
    const about = { name, help, labelNames: [...labels], registers: [this.registry] }
    const read = () => this.#readings.get(name)?.()
    switch (type) {
      case 'histogram':
        this.#histograms.set(name, new Histogram({ ...about, buckets: [...buckets] }))
        return
      case 'counter':
        this.#counters.set(
          name,
          new Counter({
            ...about,
            // What the database counts, of which the newest is all there is to know.
            collect() {
              const found = read()
              if (found === undefined) return
              this.reset()
              for (const { labels: of, value } of samplesOf(found)) this.inc(of, value)
            },
          }),
        )
        return
      case 'gauge':
        new Gauge({
          ...about,
          // One that nobody has read has no value, rather than 0.
          collect() {
            this.reset()
            const found = read()
            if (found === undefined && labels.length === 0) this.remove()
            for (const { labels: of, value } of samplesOf(found ?? [])) this.set(of, value)
          },
        })
    }
  }

  #count<Name extends MetricOf<'counter'>>(
    name: Name,
    labels: Readonly<Record<LabelOf<Name>, string>>,
  ): void {
    this.#counters.get(name)?.inc(labels)
  }

  #observe<Name extends MetricOf<'histogram'>>(
    name: Name,
    labels: Readonly<Record<LabelOf<Name>, string>>,
    value: number,
  ): void {
    this.#histograms.get(name)?.observe(labels, value)
  }
}

function samplesOf(found: number | readonly Sample[]): readonly Sample[] {
  return typeof found === 'number' ? [{ labels: {}, value: found }] : found
}
