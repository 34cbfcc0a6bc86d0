import type { QueueStore, SlotBacklog } from './queue-store.ts'
import { RecentlyAccepted } from './recently-accepted.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** How often the queue is counted at the most; a long count is followed by a longer pause. */
const pauseMsMin = 1000

/** The share of the time that counting may take: a million rows take a tenth of a second. */
const dutyShare = 0.05

/** The queue counts as full from `max` and as free again below this share of it, so that it does not flutter. */
const freeShare = 0.9

/** Over how long the rate of draining is measured. */
const rateWindowMs = 10_000

/** The longest that a caller is told to stay away. */
const retryAfterSMax = 60

/** What the queue looks like, as of the last count. */
export interface BacklogReading {
  readonly queued: number
  readonly parked: number
  readonly oldestAt: number | null
  readonly slots: readonly SlotBacklog[]
}

/** What is to be known of a transaction that was accepted. */
type AcceptedTransaction = Pick<TransactionRecord, 'id' | 'ledgerId' | 'place'>

const nothing: BacklogReading = { queued: 0, parked: 0, oldestAt: null, slots: [] }

/**
 * Knows how long the queue is, from the database, without counting it for each request: it is counted about once a second,
 * and what this process has accepted since is added.
 */
export class BacklogMonitor {
  readonly #store: QueueStore
  readonly #max: number
  #reading = nothing
  #acceptedSince = 0
  readonly #recent = new RecentlyAccepted()
  #full = false
  #timer: NodeJS.Timeout | undefined
  #counting: Promise<void> = Promise.resolve()
  #stopped = false
  readonly #ended: { readonly at: number; readonly count: number }[] = []

  /** `max`: how many may be queued. */
  constructor(store: QueueStore, max: number) {
    this.#store = store
    this.#max = max
  }

  /** Counts now and then goes on by itself. Rejects when the first count fails. */
  async start(): Promise<void> {
    await this.#count()
    this.#schedule(pauseMsMin)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#counting.catch(() => undefined)
  }

  get reading(): BacklogReading {
    return this.#reading
  }

  /** Notes that this process has accepted another. */
  accepted(transaction: AcceptedTransaction): void {
    this.#acceptedSince += 1
    this.#recent.add(transaction)
  }

  /** Notes that these have ended, wherever. */
  haveEnded(ids: readonly string[]): void {
    this.#ended.push({ at: performance.now(), count: ids.length })
    this.#recent.ended(ids)
    this.#forgetOld()
  }

  /** How many have ended a second, of late. */
  get drainRate(): number {
    this.#forgetOld()
    const count = this.#ended.reduce((sum, { count: ended }) => sum + ended, 0)
    return count / (rateWindowMs / 1000)
  }

  /** How many are queued before one that was accepted just now: counted at last, and accepted here since. */
  aheadOf({ id, ledgerId, place }: AcceptedTransaction): number {
    const counted = this.#reading.slots.find(
      (slot) => slot.ledgerId === ledgerId && slot.slot === place?.slot,
    )
    return (counted?.queued ?? 0) + this.#recent.before(id)
  }

  /** Whether no more may be accepted. Full from the maximum on, free again below nine tenths of it. */
  isFull(): boolean {
    const queued = this.#reading.queued + this.#acceptedSince
    if (queued >= this.#max) this.#full = true
    else if (queued < this.#max * freeShare) this.#full = false
    return this.#full
  }

  /** In how many seconds the queue should be free again at the rate of late, 1 to 60. */
  get retryAfterS(): number {
    const excess = this.#reading.queued + this.#acceptedSince - this.#max * freeShare
    const seconds = Math.ceil(excess / Math.max(this.drainRate, 1))
    return Math.min(Math.max(seconds, 1), retryAfterSMax)
  }

  /** Counts again now, instead of at the next turn. Rejects with the store's failure. */
  async #count(): Promise<void> {
    const acceptedBefore = this.#acceptedSince
    const forgetCounted = this.#recent.countBegins()
    const slots = await this.#store.backlog()
    const queued = slots.reduce((sum, slot) => sum + slot.queued, 0)
    const parked = slots.reduce((sum, slot) => sum + slot.parked, 0)
    const oldestAt = slots.length === 0 ? null : Math.min(...slots.map((slot) => slot.oldestAt))
    this.#reading = { queued, parked, oldestAt, slots }
    this.#acceptedSince -= acceptedBefore
    forgetCounted()
  }

  #schedule(afterMs: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      const begun = performance.now()
      // A count that fails leaves the last one standing: what fails it fails acceptance too.
      this.#counting = this.#count().catch(() => undefined)
      this.#counting
        .then(() => this.#schedule(Math.max(pauseMsMin, (performance.now() - begun) / dutyShare)))
        .catch(() => undefined)
    }, afterMs)
    this.#timer.unref()
  }

  #forgetOld(): void {
    const since = performance.now() - rateWindowMs
    while (this.#ended[0] !== undefined && this.#ended[0].at < since) this.#ended.shift()
  }
}
