import type { Acceptance } from '../../shared/engine/accept.ts'
import type { BatchIntoQueue } from '../../shared/engine/batch-into-queue.ts'
import type { BatchPosting } from '../../shared/engine/batch-posting.ts'
import type { BacklogMonitor } from '../../shared/engine/backlog-monitor.ts'
import type { KnownCurrencies } from '../../shared/engine/known-currencies.ts'
import type { Posting } from '../../shared/engine/post.ts'
import type { Rehearsal } from '../../shared/engine/rehearsal.ts'
import type { Logger } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'
import type { Queue } from '../../shared/queue/queue.ts'
import type { ConditionWatch } from '../../shared/store/condition-watch.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import type { Tracing } from '../../shared/trace/tracing.ts'
import type { EndpointRules } from '../../shared/webhooks/webhook-rules.ts'
import type { StoreLocation } from '../../shared/store/open.ts'
import type { EventStreams } from './event-streams.ts'
import type { Waiting } from './waiting.ts'

/** Everything that the routes work with, composed once by the process. */
export interface ApiContext {
  readonly store: LedgerStore
  /** Where the store keeps the books, for who reads them on connections of his own. */
  readonly location: StoreLocation
  readonly posting: Posting
  readonly batchPosting: BatchPosting
  readonly rehearsal: Rehearsal
  readonly acceptance: Acceptance
  readonly intoQueue: BatchIntoQueue
  readonly queue: Queue
  readonly monitor: BacklogMonitor
  readonly waiting: Waiting
  readonly streams: EventStreams
  readonly currencies: KnownCurrencies
  readonly webhooks: EndpointRules
  readonly metrics: Metrics
  readonly log: Logger
  readonly tracing?: Tracing | undefined
  readonly conditionWatch?: ConditionWatch | undefined
  /** The mode of a request that does not say. */
  readonly defaultMode: 'sync' | 'async'
  /** How many queues the slots are spread over. */
  readonly queues: number
}
