import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { BacklogReading } from './engine/backlog-monitor.ts'
import type { TransactionRecord } from './engine/transaction-record.ts'
import type { BatchObserver } from './engine/settle-batch.ts'
import type { StoreFailure } from './engine/store-failure.ts'
import type { RefusalCode } from './ledger/refusal.ts'

/** What a process counts and times, in the form that Prometheus reads. Labels are bounded: routes, codes, kinds. */
export class Metrics {
  readonly registry = new Registry()
  readonly #requests = new Histogram({
    name: 'ledgerflow_http_request_duration_seconds',
    help: 'Time from the first byte of a request to the last of its answer, by route and status.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.5, 1, 2.5, 5, 10, 30],
    registers: [this.registry],
  })
  readonly #batchSizes = new Histogram({
    name: 'ledgerflow_posting_batch_size',
    help: 'Commands in one batch of posting.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers: [this.registry],
  })
  readonly #batchTimes = new Histogram({
    name: 'ledgerflow_posting_batch_seconds',
    help: 'Time that one batch of posting took, retries included.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [this.registry],
  })
  readonly #refusals = new Counter({
    name: 'ledgerflow_refusals_total',
    help: 'Transactions refused on their merits, by code.',
    labelNames: ['code'],
    registers: [this.registry],
  })
  readonly #retries = new Counter({
    name: 'ledgerflow_posting_retries_total',
    help: 'Batches tried again, by the kind of failure.',
    labelNames: ['kind'],
    registers: [this.registry],
  })
  readonly #splits = new Counter({
    name: 'ledgerflow_posting_splits_total',
    help: 'Batches halved because the database refused one of their members.',
    registers: [this.registry],
  })
  readonly #acceptSizes = new Histogram({
    name: 'ledgerflow_accept_batch_size',
    help: 'Commands in one batch of acceptance.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers: [this.registry],
  })
  readonly #acceptTimes = new Histogram({
    name: 'ledgerflow_accept_batch_seconds',
    help: 'Time that one batch of acceptance took, retries included.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [this.registry],
  })
  readonly #drained = new Counter({
    name: 'ledgerflow_drained_total',
    help: 'Queued transactions that this process has ended, by how they ended.',
    labelNames: ['status'],
    registers: [this.registry],
  })
  readonly #drainSizes = new Histogram({
    name: 'ledgerflow_drain_batch_size',
    help: 'Transactions in one batch of draining.',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000],
    registers: [this.registry],
  })
  readonly #drainTimes = new Histogram({
    name: 'ledgerflow_drain_batch_seconds',
    help: 'Time that one batch of draining took.',
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5],
    registers: [this.registry],
  })
  readonly #lag = new Histogram({
    name: 'ledgerflow_queue_lag_seconds',
    help: 'Time from acceptance to the end of a queued transaction.',
    buckets: [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 15, 60, 300, 3600],
    registers: [this.registry],
  })
  readonly #parkings = new Counter({
    name: 'ledgerflow_parkings_total',
    help: 'Queued transactions that this process has parked.',
    registers: [this.registry],
  })
  readonly #drainFailures = new Counter({
    name: 'ledgerflow_drain_failures_total',
    help: 'Drains that the database did not let through, by the kind of failure. They are tried again.',
    labelNames: ['kind'],
    registers: [this.registry],
  })
  readonly #rings = new Counter({
    name: 'ledgerflow_rings_total',
    help: 'Rings of the doorbell that this process has answered.',
    registers: [this.registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.registry })
  }

  /** Counts what one batch of draining has ended. */
  drained(transactions: readonly TransactionRecord[], tookMs: number): void {
    this.#drainSizes.observe(transactions.length)
    this.#drainTimes.observe(tookMs / 1000)
    for (const { status, failure, createdAt, postedAt, failedAt, heldAt } of transactions) {
      this.#drained.inc({ status })
      this.#lag.observe(((postedAt ?? heldAt ?? failedAt ?? createdAt) - createdAt) / 1000)
      if (failure !== null) this.refused(failure.code)
    }
  }

  /** Counts one transaction set aside. */
  parked(): void {
    this.#parkings.inc()
  }

  /** Counts one drain that failed. */
  drainFailed(failure: StoreFailure): void {
    this.#drainFailures.inc({ kind: failure.kind })
  }

  /** Counts one ring answered. */
  rang(): void {
    this.#rings.inc()
  }

  /** Shows the queue as it was counted last, read when the metrics are. */
  showBacklog(reading: () => BacklogReading): void {
    const gauge = (name: string, help: string, value: (reading: BacklogReading) => number) =>
      new Gauge({
        name,
        help,
        registers: [this.registry],
        collect() {
          this.set(value(reading()))
        },
      })
    gauge('ledgerflow_queue_backlog', 'Transactions that are queued.', ({ queued }) => queued)
    gauge('ledgerflow_queue_parked', 'Queued transactions that are parked.', ({ parked }) => parked)
    gauge(
      'ledgerflow_queue_oldest_seconds',
      'Age of the oldest queued transaction.',
      ({ oldestAt }) => (oldestAt === null ? 0 : Math.max(0, Date.now() - oldestAt) / 1000),
    )
  }

  /** Counts one answered request. `route` is the pattern, never the address. */
  requestAnswered(method: string, route: string, status: number, tookMs: number): void {
    this.#requests.observe({ method, route, status: String(status) }, tookMs / 1000)
  }

  /** Counts one refusal on merits. */
  refused(code: RefusalCode): void {
    this.#refusals.inc({ code })
  }

  /** Shows the connections of the posting path, read when the metrics are. */
  showConnections(connections: () => { readonly open: number; readonly busy: number }): void {
    new Gauge({
      name: 'ledgerflow_posting_connections',
      help: 'Connections of the posting path to the database, by state.',
      labelNames: ['state'],
      registers: [this.registry],
      collect() {
        const { open, busy } = connections()
        this.set({ state: 'busy' }, busy)
        this.set({ state: 'idle' }, open - busy)
      },
    })
  }

  /** What posting reports to. */
  readonly posting: BatchObserver = {
    batchDone: (size: number, tookMs: number) => {
      this.#batchSizes.observe(size)
      this.#batchTimes.observe(tookMs / 1000)
    },
    retried: (failure: StoreFailure) => this.#retries.inc({ kind: failure.kind }),
    split: () => this.#splits.inc(),
  }

  /** What acceptance reports to. */
  readonly accepting: BatchObserver = {
    ...this.posting,
    batchDone: (size: number, tookMs: number) => {
      this.#acceptSizes.observe(size)
      this.#acceptTimes.observe(tookMs / 1000)
    },
  }
}
