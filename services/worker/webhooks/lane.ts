import { accountIdsOf } from '../../../shared/engine/event.ts'
import type { EventPage, EventStore } from '../../../shared/engine/event-store.ts'
import type { Logger } from '../../../shared/log.ts'
import type { WebhookWork } from '../../../shared/store/webhook-work.ts'
import type { Metrics } from '../../../shared/metrics.ts'
import type { DisabledReason, WebhookEndpoint } from '../../../shared/webhooks/endpoint.ts'
import { signedHeaders } from '../../../shared/webhooks/signature.ts'
import type { WebhookRules } from '../../../shared/webhooks/webhook-rules.ts'
import { eventId, eventJson } from '../../../shared/wire/event-json.ts'
import { Attempts, type AttemptOutcome } from './attempt.ts'
import { awayAfter, pauseAfter, retryDelay } from './retry-schedule.ts'
import { Undelivered, type Work } from './undelivered.ts'

/** What a lane works with. */
export interface LaneParts {
  readonly store: EventStore & { readonly webhookWork: WebhookWork }
  readonly rules: WebhookRules
  readonly metrics: Metrics['webhooks']
  readonly log: Logger
  /** In whose name the endpoint is leased. */
  readonly owner: string
}

/** Attempts under way at one endpoint at once; each is about other accounts than the others. */
const parallelMax = 8

/** Events that are read at once. */
const pageSize = 100

/** Deliveries that are done and not yet written down; with more, the database is waited for. */
const unsavedMax = 1000

/** How long a lane rests when nothing wakes it, and after the database has failed it. */
const restMsMax = 1000

/** How often a position is written down that only passed events of other types. */
const positionMs = 1000

/** How long a stop waits for attempts under way; what they come to later is not known, and they are made again. */
const stopMsMax = 3000

/**
 * Sends one endpoint its events: each at least once, and of those that share an account one after the other. A lane reads, sends and
 * writes down by itself, so that no endpoint waits for another; no database transaction is open while it sends.
 */
export class Lane {
  readonly #parts: LaneParts
  readonly #attempts: Attempts
  readonly #undelivered: Undelivered
  readonly #stopping = new AbortController()
  readonly #underWay = new Set<Promise<void>>()
  #endpoint: WebhookEndpoint
  #secrets: readonly SigningSecret[]
  #leasedUntil: number
  #running: Promise<void> = Promise.resolve()
  #isLoaded = false
  /** Whether somebody else may have changed the deliveries. */
  #isStale = true
  /** Whether there are older deliveries than the memory has room for: what is new comes after them. */
  #hasMorePending = false
  #mayBeMore = true
  /** Attempts that failed in a row, and since when nothing but failures was seen. */
  #failures = 0
  #failingSince: number | null
  #lastFailureAt = 0
  #pausedUntil = 0
  #disabled: { readonly reason: DisabledReason; readonly at: number } | undefined
  #saving: Promise<void> | undefined
  #savedPosition: bigint
  #savedAt = 0
  #isAwake = false
  #wakeUp: () => void = () => undefined

  constructor(parts: LaneParts, endpoint: WebhookEndpoint, leasedUntil: number) {
    this.#parts = parts
    this.#endpoint = endpoint
    this.#secrets = this.#secretsOf(endpoint)
    this.#leasedUntil = leasedUntil
    this.#failingSince = endpoint.failingSince
    this.#savedPosition = endpoint.position
    this.#undelivered = new Undelivered(endpoint.position)
    this.#attempts = new Attempts(parts.rules.targets, parts.rules.timeoutMs)
  }

  get ledgerId(): number {
    return this.#endpoint.ledgerId
  }

  /** How far the events have been read. */
  get read(): bigint {
    return this.#undelivered.read
  }

  get isFailing(): boolean {
    return this.#failingSince !== null
  }

  /** When the oldest event happened that has not been delivered; null when all have been. */
  get oldestAt(): number | null {
    return this.#undelivered.oldestAt
  }

  /** Runs until it is stopped, has lost its endpoint or disabled it. Never rejects. */
  run(): Promise<void> {
    this.#running = this.#run()
    return this.#running
  }

  /** The endpoint is this process's until `leasedUntil` by its own clock, and stands like this. */
  renew(endpoint: WebhookEndpoint, leasedUntil: number): void {
    this.#leasedUntil = leasedUntil
    if (endpoint.revision === this.#endpoint.revision) return
    this.#endpoint = endpoint
    this.#secrets = this.#secretsOf(endpoint)
    this.#isStale = true
    this.#wake()
  }

  /** There are new events. */
  tellOfEvents(): void {
    this.#mayBeMore = true
    this.#wake()
  }

  /** Starts no more attempts, waits for those under way, and writes down what they came to. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    this.#wake()
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted && this.#disabled === undefined) {
      this.#isAwake = false
      const nextAt = await this.#advance().catch((error: unknown) => {
        this.#warn(error, 'the webhooks of an endpoint wait for the database')
        return Date.now() + restMsMax
      })
      await this.#rest(nextAt)
    }
    await this.#finish()
  }

  /** Does all that can be done now; gives when there may be more to do. */
  async #advance(): Promise<number> {
    if (this.#isStale || (this.#hasMorePending && this.#undelivered.isHalfEmpty)) await this.#load()
    await this.#readEvents()
    const nextAt = this.#dispatch()
    this.#save()
    return nextAt
  }

  /** What is known of before: what is not done, and what has a row although the reading has not come so far. */
  async #load(): Promise<void> {
    const { webhookWork } = this.#parts.store
    if (!this.#isLoaded) this.#undelivered.skip(await webhookWork.knownBehind(this.#endpoint))
    const pending = await webhookWork.pending(this.#endpoint, this.#undelivered.worksMax)
    this.#undelivered.putBack(pending)
    this.#hasMorePending = pending.length === this.#undelivered.worksMax
    this.#isLoaded = true
    this.#isStale = false
  }

  /** Reads what happened behind what was read last, as far as there is room; attempts begin before all of it is read. */
  async #readEvents(): Promise<void> {
    if (this.#hasMorePending) return
    while (this.#mayBeMore && this.#undelivered.hasRoom && !this.#stopping.signal.aborted) {
      this.#mayBeMore = false
      const page = await this.#nextPage().catch((error: unknown) => {
        this.#mayBeMore = true
        throw error
      })
      const { types } = this.#endpoint
      for (const event of page.events) {
        if (types !== null && !types.includes(event.type)) continue
        this.#undelivered.add(event, accountIdsOf(event), JSON.stringify(eventJson(event)))
      }
      this.#undelivered.read = page.next
      this.#mayBeMore ||= page.more
      this.#dispatch()
    }
  }

  async #nextPage(): Promise<EventPage> {
    const { store, log, metrics } = this.#parts
    const { ledgerId, id } = this.#endpoint
    const page = await store.readEvents({ ledgerId, after: this.read, size: pageSize })
    if (typeof page !== 'string') return page
    // Events are kept for some time only, and a database may be an older one than it was.
    metrics.passedOver()
    log.error({ webhook: id, place: page }, 'a webhook endpoint is not sent events: they are gone')
    const oldest = await store.readEvents({ ledgerId, after: undefined, size: pageSize })
    if (page === 'forgotten' && typeof oldest !== 'string') return oldest
    return { events: [], next: await store.latestPosition(ledgerId), more: false }
  }

  /** Begins the attempts that may begin; gives when the next one may. */
  #dispatch(): number {
    const now = Date.now()
    if (this.#pausedUntil > now) return this.#pausedUntil
    let nextAt = Number.POSITIVE_INFINITY
    for (const work of this.#undelivered.ready) {
      if (!this.#maySend()) break
      if (work.isUnderWay) continue
      if (work.dueAt > now) {
        nextAt = Math.min(nextAt, work.dueAt)
        continue
      }
      work.isUnderWay = true
      const attempt = this.#attempt(work).finally(() => {
        this.#underWay.delete(attempt)
        this.#wake()
      })
      this.#underWay.add(attempt)
    }
    return nextAt
  }

  #maySend(): boolean {
    // An endpoint that seems to be away is asked by one event at a time.
    const parallel = this.#failures >= awayAfter ? 1 : parallelMax
    return (
      this.#underWay.size < parallel &&
      this.#undelivered.changedCount < unsavedMax &&
      this.#secrets.length > 0 &&
      performance.now() < this.#leasedUntil &&
      !this.#stopping.signal.aborted &&
      this.#disabled === undefined
    )
  }

  /** Makes one attempt and notes what it came to. Never rejects. */
  async #attempt(work: Work): Promise<void> {
    try {
      const body = work.body ?? (await this.#bodyOf(work))
      const content = { id: eventId(work.delivery.position), at: Date.now(), body }
      const headers = {
        'content-type': 'application/json',
        'user-agent': 'LedgerFlow-Webhooks',
        ...signedHeaders(this.#signing(content.at), content),
      }
      const target = new URL(this.#endpoint.url)
      const outcome = await this.#attempts.post(target, { headers, body })
      // What was cut off may have arrived: it is made again.
      if (outcome !== 'cut_off') this.#conclude(work, outcome, content.at)
    } catch (error) {
      if (error instanceof EventGone) this.#conclude(work, error.outcome, Date.now())
      else this.#warn(error, 'an event could not be read for its webhook')
      work.dueAt = Date.now() + restMsMax
    } finally {
      work.isUnderWay = false
    }
  }

  async #bodyOf({ delivery: { position } }: Work): Promise<string> {
    const { ledgerId } = this.#endpoint
    const page = await this.#parts.store.readEvents({ ledgerId, after: position - 1n, size: 1 })
    const [event] = typeof page === 'string' ? [] : page.events
    if (event?.position !== position) throw new EventGone()
    return JSON.stringify(eventJson(event))
  }

  #conclude(work: Work, outcome: AttemptOutcome | EventGone['outcome'], begunAt: number): void {
    const { metrics, rules } = this.#parts
    const now = Date.now()
    const attempts = work.delivery.attempts + 1
    const tried = {
      ...work.delivery,
      attempts,
      lastAttemptAt: now,
      lastStatusCode: outcome.statusCode,
      nextAttemptAt: null,
    }
    if (outcome.kind === 'delivered') {
      metrics.ended('delivered')
      const done = { ...tried, status: 'delivered', lastError: null, deliveredAt: now } as const
      this.#undelivered.note(work, done)
      return this.#noteSuccess(now)
    }
    metrics.attemptFailed(outcome.kind)
    const { error: lastError } = outcome
    const delay = outcome.kind === 'event_gone' ? undefined : retryDelay(rules, attempts)
    if (delay === undefined) {
      metrics.ended('failed')
      this.#undelivered.note(work, { ...tried, status: 'failed', lastError })
    } else {
      const nextAttemptAt = Math.round(now + delay)
      this.#undelivered.note(work, { ...tried, lastError, nextAttemptAt })
    }
    if (outcome.kind !== 'event_gone') this.#noteFailure(now, begunAt, outcome.kind === 'gone')
  }

  #noteSuccess(now: number): void {
    if (this.#failures >= awayAfter) this.#undelivered.hurry(now)
    this.#failures = 0
    this.#failingSince = null
    this.#pausedUntil = 0
  }

  #noteFailure(now: number, begunAt: number, isGone: boolean): void {
    // Several that were under way together are one failure.
    if (begunAt >= this.#lastFailureAt) {
      this.#failures += 1
      this.#lastFailureAt = now
      this.#pausedUntil = now + pauseAfter(this.#parts.rules, this.#failures)
    }
    this.#failingSince ??= now
    const hasFailedLong = now - this.#failingSince >= this.#parts.rules.disableAfterMs
    if (!isGone && !hasFailedLong) return
    const reason = isGone ? 'gone' : 'failing'
    this.#disabled = { reason, at: now }
    this.#parts.metrics.disabled(reason)
    this.#parts.log.error({ webhook: this.#endpoint.id, reason }, 'a webhook endpoint is disabled')
  }

  /** Writes down what is new, in groups: what ends while a group is written is in the next one. */
  #save(): void {
    if (this.#saving !== undefined) return
    const now = Date.now()
    const changes = this.#undelivered.takeChanges(now)
    const isFurther = changes.position !== this.#savedPosition && now - this.#savedAt >= positionMs
    const isLast = this.#disabled !== undefined || this.#stopping.signal.aborted
    if (changes.deliveries.length === 0 && !isFurther && !isLast) return
    const progress = { ...changes, failingSince: this.#failingSince, disabled: this.#disabled }
    this.#saving = this.#parts.store.webhookWork
      .save(this.#endpoint, this.#parts.owner, progress)
      .then(
        (isMine) => {
          this.#undelivered.settle(true)
          this.#savedPosition = changes.position
          // Who has it now makes again what was not written down.
          if (!isMine) this.#stopping.abort()
        },
        (error: unknown) => {
          this.#undelivered.settle(false)
          this.#warn(error, 'what became of webhooks could not be written down; it is tried again')
        },
      )
      .finally(() => {
        this.#savedAt = Date.now()
        this.#saving = undefined
        if (this.#undelivered.changedCount > 0) this.#wake()
      })
  }

  async #finish(): Promise<void> {
    const cut = setTimeout(() => this.#attempts.cutOff(), stopMsMax)
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
    clearTimeout(cut)
    await this.#saving
    this.#save()
    await this.#saving
    this.#attempts.close()
  }

  async #rest(nextAt: number): Promise<void> {
    if (this.#isAwake) return
    let timer: NodeJS.Timeout | undefined
    await new Promise<void>((resolve) => {
      this.#wakeUp = resolve
      timer = setTimeout(resolve, Math.max(0, Math.min(nextAt - Date.now(), restMsMax)))
    })
    clearTimeout(timer)
  }

  #wake(): void {
    this.#isAwake = true
    this.#wakeUp()
  }

  /** None when this process lacks the key that they were sealed with: nothing unsigned is sent. */
  #secretsOf({ id, secret, previousSecret, previousUntil }: WebhookEndpoint): SigningSecret[] {
    const { secrets } = this.#parts.rules
    try {
      const current = { key: secrets.open(secret, id), until: Number.POSITIVE_INFINITY }
      if (previousSecret === null) return [current]
      return [current, { key: secrets.open(previousSecret, id), until: previousUntil ?? 0 }]
    } catch (error) {
      this.#warn(error, 'a webhook endpoint is not sent to')
      return []
    }
  }

  #signing(now: number): Buffer[] {
    return this.#secrets.filter(({ until }) => until > now).map(({ key }) => key)
  }

  #warn(error: unknown, what: string): void {
    this.#parts.log.warn({ err: error, webhook: this.#endpoint.id }, what)
  }
}

/** A secret, and until when it signs. Ms since 1970. */
interface SigningSecret {
  readonly key: Buffer
  readonly until: number
}

/** An event is not kept any more, so that its delivery can only be given up. Never leaves this file. */
class EventGone extends Error {
  readonly outcome = {
    kind: 'event_gone',
    statusCode: null,
    error: 'the event is not kept any more',
  } as const
}
