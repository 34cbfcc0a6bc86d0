import type { BacklogMonitor } from '../../shared/engine/backlog-monitor.ts'
import { DrainRounds, type RingReport } from '../../shared/engine/drain-rounds.ts'
import { Posting } from '../../shared/engine/post.ts'
import type { PostingStore } from '../../shared/engine/posting-store.ts'
import type { QueueStore } from '../../shared/engine/queue-store.ts'
import type { Logger } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'
import type { DoorbellListener, Queue } from '../../shared/queue/queue.ts'
import type { EventStore } from '../../shared/engine/event-store.ts'
import type { HoldStore } from '../../shared/store/ledger-store.ts'
import type { Tracing } from '../../shared/trace/tracing.ts'
import { reportBatches } from '../report.ts'
import { EventPruner } from './event-pruner.ts'
import type { WebhookWork } from '../../shared/store/webhook-work.ts'
import type { WebhookRules } from '../../shared/webhooks/webhook-rules.ts'
import { Anchoring, type AnchorRules } from './anchoring.ts'
import { HoldTidier } from './hold-tidier.ts'
import { Sweeper } from './sweeper.ts'
import { WebhookSender } from './webhooks/webhook-sender.ts'

/** What a worker works with. */
export interface WorkerContext {
  readonly store: QueueStore &
    PostingStore &
    HoldStore &
    EventStore & { readonly webhookWork: WebhookWork }
  readonly queue: Queue
  readonly metrics: Metrics
  readonly monitor: BacklogMonitor
  readonly log: Logger
  readonly tracing?: Tracing | undefined
  /** How webhooks are sent; undefined: this worker sends none. */
  readonly webhooks?: WebhookRules | undefined
  /** Undefined where nothing is to be anchored. */
  readonly anchors?: AnchorRules | undefined
}

/** What is usual, where the configuration does not say it. */
const usual = { eventsKeepDays: 30 }

/** For how long the list of ledgers is taken as it was. */
const ledgersMs = 5000

/**
 * Posts what is queued: when a bell rings, and by sweeping for what no bell told of; ends holds whose time is over; sends
 * webhooks; anchors the chains of entries; and forgets old events. Any number of workers may run; the
 * database sees to it that each slot is drained by one at a time and each transaction once.
 */
export class Worker {
  readonly #context: WorkerContext
  readonly #rounds: DrainRounds
  readonly #sweeper: Sweeper
  readonly #tidier: HoldTidier
  readonly #pruner: EventPruner
  readonly #sender: WebhookSender | undefined
  readonly #anchoring: Anchoring | undefined
  #listener: DoorbellListener | undefined
  #ledgers: { readonly ids: readonly number[]; readonly at: number } = { ids: [], at: -ledgersMs }

  constructor(context: WorkerContext, { eventsKeepDays } = usual) {
    this.#context = context
    const { store, queue, metrics, log, tracing, anchors } = context
    this.#rounds = new DrainRounds(store, {
      ended: (transactions, tookMs) => {
        metrics.drained(transactions, tookMs)
        tracing?.batch('drain', transactions, tookMs)
        queue.news.tell(transactions.map(({ id }) => id))
      },
      parked: ({ ledgerId, id, slot, reason }) => {
        metrics.parked()
        log.error({ ledgerId, transaction: id, slot, reason }, 'a queued transaction is parked')
      },
      failed: (failure) => {
        metrics.drainFailed(failure)
        log.warn({ err: failure }, 'draining failed; it goes on by itself')
      },
    })
    this.#sweeper = new Sweeper(store, this.#rounds, log)
    const posting = new Posting(store, reportBatches('post', context))
    this.#tidier = new HoldTidier(store, posting, log)
    this.#pruner = new EventPruner(store, { keepDays: eventsKeepDays, log })
    const { webhooks } = context
    this.#sender = webhooks && new WebhookSender({ store, log, metrics }, webhooks)
    this.#anchoring = anchors === undefined ? undefined : new Anchoring(anchors, store, log)
  }

  /** Starts to answer rings and to sweep. */
  async start(): Promise<void> {
    this.#sweeper.start()
    this.#tidier.start()
    this.#pruner.start()
    this.#sender?.start()
    this.#anchoring?.start()
    this.#listener = await this.#context.queue.listen((slots) => this.#answer(slots))
  }

  /** Takes no new work, finishes the rounds under way, and lets go of the queue. */
  async stop(): Promise<void> {
    this.#sweeper.stop()
    await Promise.all([
      this.#rounds.stop(),
      this.#tidier.stop(),
      this.#pruner.stop(),
      this.#sender?.stop(),
      this.#anchoring?.stop(),
    ])
    await this.#listener?.close()
  }

  /** Drains some slots of every ledger. */
  async #answer(slots: readonly number[]): Promise<RingReport> {
    this.#context.metrics.rang()
    const ids = await this.#ledgerIds()
    const reports = await Promise.all(ids.map((id) => this.#rounds.ring(id, slots)))
    return merged(reports)
  }

  async #ledgerIds(): Promise<readonly number[]> {
    const now = performance.now()
    if (now - this.#ledgers.at < ledgersMs) return this.#ledgers.ids
    // Without a database the sweep will find the work when it is back.
    const ids = await this.#context.store.ledgerIds().catch(() => this.#ledgers.ids)
    this.#ledgers = { ids, at: now }
    return ids
  }
}

function merged(reports: readonly RingReport[]): RingReport {
  const [first, ...others] = reports
  const none = { posted: 0, refused: 0, firstSequence: null, lastSequence: null }
  return others.reduce(
    (sum, report) => ({
      posted: sum.posted + report.posted,
      refused: sum.refused + report.refused,
      firstSequence: sum.firstSequence ?? report.firstSequence,
      lastSequence: report.lastSequence ?? sum.lastSequence,
      refusedIds: [...sum.refusedIds, ...report.refusedIds],
      parkedIds: [...sum.parkedIds, ...report.parkedIds],
      stoppedBy: sum.stoppedBy ?? report.stoppedBy,
    }),
    first ?? { ...none, refusedIds: [], parkedIds: [], stoppedBy: null },
  )
}
