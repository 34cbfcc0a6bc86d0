import type { FastifyInstance } from 'fastify'
import { Acceptance } from '../../shared/engine/accept.ts'
import { BatchIntoQueue } from '../../shared/engine/batch-into-queue.ts'
import { BatchPosting } from '../../shared/engine/batch-posting.ts'
import type { BacklogMonitor } from '../../shared/engine/backlog-monitor.ts'
import { KnownCurrencies } from '../../shared/engine/known-currencies.ts'
import { Posting } from '../../shared/engine/post.ts'
import { Rehearsal } from '../../shared/engine/rehearsal.ts'
import type { LedgerSlot } from '../../shared/engine/slot.ts'
import type { Logger } from '../../shared/log.ts'
import type { Metrics } from '../../shared/metrics.ts'
import type { Queue } from '../../shared/queue/queue.ts'
import type { ConditionWatch } from '../../shared/store/condition-watch.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import type { Tracing } from '../../shared/trace/tracing.ts'
import { reportBatches } from '../report.ts'
import { SecretBox } from '../../shared/webhooks/secret-box.ts'
import { TargetRules } from '../../shared/webhooks/target-rules.ts'
import type { EndpointRules } from '../../shared/webhooks/webhook-rules.ts'
import type { StoreLocation } from '../../shared/store/open.ts'
import { Gate, type GateRules } from './access/gate.ts'
import { EventStreams } from './event-streams.ts'
import type { Readiness } from './readiness.ts'
import { buildApi, type Border } from './server.ts'
import { UnusedConnections } from './unused-connections.ts'
import { Waiting } from './waiting.ts'

/** What an API service is made of; all of it is its caller's to close. */
export interface ApiParts {
  readonly store: LedgerStore
  readonly queue: Queue
  readonly monitor: BacklogMonitor
  readonly metrics: Metrics
  readonly log: Logger
  readonly tracing?: Tracing | undefined
  /** Where webhooks may go, and how their secrets are kept; usually to public addresses, and as they are. */
  readonly webhooks?: EndpointRules | undefined
  readonly conditionWatch?: ConditionWatch | undefined
}

export interface ApiOptions {
  readonly host: string
  readonly port: number
  readonly defaultMode: 'sync' | 'async'
  readonly queues: number
  readonly location: StoreLocation
  /** Who may call. Default: whoever shows a credential, as soon as there is one. */
  readonly access?: GateRules
  readonly border?: Partial<Border>
  /** How many streams of events there may be at once. */
  readonly streamsMax?: number
}

/** How long a stop waits for the answers in hand; with a database that does not answer they take eight seconds. */
const answersMsMax = 12_000

/** How often connections are looked at that have had their last answer. */
const idleCheckMs = 100

/** How many streams there may be where nothing is said of it. */
const usualStreamsMax = 200

/** How long a stream's reader may take nothing. */
const stuckMsMax = 60_000

/** The border where nothing is said of it. */
const unlimited: Border = {
  limits: { requests: 0, failedLogins: 0 },
  corsOrigins: [],
  trustedProxies: [],
}

/** Where webhooks may go where nothing is said of it: to public addresses. */
const usualEndpoints: EndpointRules = {
  targets: new TargetRules({ privateNetworks: [], plainHttp: true }),
  secrets: new SecretBox([]),
}

/** An API service that listens. */
export interface ApiService {
  readonly address: string
  /** Takes no more connections, answers what is in hand, and resolves when all is answered. */
  stop(): Promise<void>
}

/** Puts an API service together and listens. */
export async function startApi(parts: ApiParts, options: ApiOptions): Promise<ApiService> {
  const { store, queue, monitor, log } = parts
  const waiting = new Waiting(store, queue.news)
  const stopCounting = queue.news.hear((ids) => monitor.haveEnded(ids))
  const streams = new EventStreams(store, queue.news, {
    streamsMax: options.streamsMax ?? usualStreamsMax,
    stuckMsMax,
  })
  const readiness: Readiness = { stopping: false }
  const ring = (slots: readonly LedgerSlot[]) => queue.doorbell.ring(slots)
  const posting = reportBatches('post', parts)
  const accepting = reportBatches('accept', parts)
  const context = {
    ...parts,
    waiting,
    streams,
    posting: new Posting(store, posting),
    batchPosting: new BatchPosting(store, posting),
    rehearsal: new Rehearsal(store),
    acceptance: new Acceptance(store, accepting, ring),
    intoQueue: new BatchIntoQueue(store, accepting, ring),
    currencies: new KnownCurrencies(store),
    webhooks: parts.webhooks ?? usualEndpoints,
    defaultMode: options.defaultMode,
    queues: options.queues,
    location: options.location,
  }
  const gate = await Gate.of(store, options.access ?? { asking: 'when_configured' })
  const server = await buildApi(context, gate, readiness, { ...unlimited, ...options.border })
  const unused = new UnusedConnections(server.server)
  const address = await server.listen({ host: options.host, port: options.port })
  log.debug({ address }, 'the API listens')
  return {
    address,
    stop: async () => {
      readiness.stopping = true
      waiting.stop()
      streams.stop()
      await closeAnswering(server, unused)
      stopCounting()
      gate.close()
    },
  }
}

/**
 * Closes the server once what is in hand is answered. A connection that was busy when closing began is idle after its
 * answer, and Node would keep it for as long as keep-alive lasts; one whose client never ends its request would be kept for ever. One
 * that never had a request is closed at once.
 */
async function closeAnswering(server: FastifyInstance, unused: UnusedConnections): Promise<void> {
  const idle = setInterval(() => server.server.closeIdleConnections(), idleCheckMs)
  const late = setTimeout(() => server.server.closeAllConnections(), answersMsMax)
  try {
    await Promise.all([server.close(), unused.close()])
  } finally {
    clearInterval(idle)
    clearTimeout(late)
  }
}
