import { Caution } from './caution.ts'
import { drainCarefully } from './drain-carefully.ts'
import { drainOnce, type DrainResult, type ParkedTransaction } from './drain.ts'
import type { QueueStore } from './queue-store.ts'
import { SecondLook } from './second-look.ts'
import { StoreFailure } from './store-failure.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** What a ring has led to, for the log of whoever rang. */
export interface RingReport {
  readonly posted: number
  readonly refused: number
  readonly firstSequence: number | null
  readonly lastSequence: number | null
  /** The most recent ones only: a report is for people. */
  readonly refusedIds: readonly string[]
  readonly parkedIds: readonly string[]
  /** Why draining stopped before the slots were empty: what is left is drained later. */
  readonly stoppedBy: string | null
}

/** What draining tells whoever listens. Must not throw. */
export interface DrainObserver {
  /** A round is committed: these have ended, in `tookMs`. */
  ended(transactions: readonly TransactionRecord[], tookMs: number): void
  parked(transaction: ParkedTransaction): void
  failed(failure: StoreFailure): void
}

/** How many rounds may be under way at once, over different slots. */
const roundsMax = 2

/**
 * The least time between the starts of two rounds: after a round that found little, and after one that found at least
 * `busyRowsMin`. A lone ring is answered at once; under load the rounds grow instead of becoming more. Accepting and
 * posting at once on two cores: 4,700 a second without spacing, 5,400 with 10 ms, 6,800 with 20, 6,900 with 30.
 */
const spacingMs = 5
const busySpacingMs = 20
const busyRowsMin = 20

/** The most ids of one kind that a report names. */
const idsMax = 50

/** What a round takes. */
interface RoundOrder {
  readonly ledgerId: number
  readonly slots: readonly number[]
  /** Whether the slots may hold a row that ends the process. */
  readonly carefully: boolean
}

/** Who waits for what in a ledger. */
interface Waiting {
  readonly ledgerId: number
  readonly slots: Set<number>
  readonly report: ReportInProgress
  readonly resolve: (report: RingReport) => void
}

/**
 * Drains in rounds: each round takes all slots that have been rung and that no other round is at, so that many slots share
 * one database transaction, and no slot, however much waits in it, keeps the others waiting.
 */
export class DrainRounds {
  readonly #store: QueueStore
  readonly #observer: DrainObserver
  readonly #rung = new Map<number, Set<number>>()
  readonly #busy = new Map<number, Set<number>>()
  readonly #waiting = new Set<Waiting>()
  readonly #underWay = new Set<Promise<void>>()
  #lastStartAt = Number.NEGATIVE_INFINITY
  #spacingMs = spacingMs
  #nextStart: NodeJS.Timeout | undefined
  readonly #caution = new Caution()
  #carefulRound = false
  readonly #secondLook = new SecondLook((ledgerId, slots) => {
    addAll(this.#rung, ledgerId, slots)
    this.#startRounds()
  })
  #stopped = false

  constructor(store: QueueStore, observer: DrainObserver) {
    this.#store = store
    this.#observer = observer
  }

  /**
   * Says that slots of a ledger have work, and resolves when they were found empty after that (or taken by somebody
   * else, or the store failed: then they are looked at again by themselves; or draining was stopped). Never rejects.
   */
  ring(ledgerId: number, slots: readonly number[]): Promise<RingReport> {
    const report = new ReportInProgress()
    if (this.#stopped || slots.length === 0) return Promise.resolve(report.finish(null))
    return new Promise((resolve) => {
      this.#waiting.add({ ledgerId, slots: new Set(slots), report, resolve })
      addAll(this.#rung, ledgerId, slots)
      this.#startRounds()
    })
  }

  /** Starts no more rounds and resolves when those under way are done. */
  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#nextStart)
    this.#secondLook.stop()
    await Promise.allSettled(this.#underWay)
    for (const waiting of this.#waiting) waiting.resolve(waiting.report.finish('stopped'))
    this.#waiting.clear()
  }

  #startRounds(): void {
    while (!this.#stopped && this.#underWay.size < roundsMax && this.#nextStart === undefined) {
      const waitMs = this.#lastStartAt + this.#spacingMs - performance.now()
      if (waitMs > 0) return this.#startLater(waitMs)
      const next = this.#takeRung()
      if (next === undefined) return
      this.#lastStartAt = performance.now()
      const round = this.#round(next).finally(() => {
        this.#underWay.delete(round)
        this.#startRounds()
      })
      this.#underWay.add(round)
    }
  }

  #startLater(waitMs: number): void {
    this.#nextStart = setTimeout(() => {
      this.#nextStart = undefined
      this.#startRounds()
    }, waitMs)
  }

  /**
   * Takes all rung slots of one ledger that no round is at, those with care by themselves and in one round at a time: what
   * is in hand when the process ends is to be little. Ledgers take turns.
   */
  #takeRung(): RoundOrder | undefined {
    for (const [ledgerId, rung] of this.#rung) {
      const busy = this.#busy.get(ledgerId)
      const free = [...rung].filter((slot) => busy?.has(slot) !== true)
      const isCalm = (slot: number) => this.#caution.isCalm(ledgerId, slot)
      const doubtful = this.#carefulRound ? [] : free.filter((slot) => !isCalm(slot))
      const carefully = doubtful.length > 0
      const slots = carefully ? doubtful : free.filter(isCalm)
      if (slots.length === 0) continue
      for (const slot of slots) rung.delete(slot)
      // Put what is left behind the other ledgers.
      this.#rung.delete(ledgerId)
      if (rung.size > 0) this.#rung.set(ledgerId, rung)
      addAll(this.#busy, ledgerId, slots)
      return { ledgerId, slots, carefully }
    }
    return undefined
  }

  async #round(order: RoundOrder): Promise<void> {
    const { ledgerId, slots } = order
    const begun = performance.now()
    try {
      const result = await this.#drain(order)
      this.#spacingMs = result.ended.length < busyRowsMin ? spacingMs : busySpacingMs
      if (result.ended.length > 0) this.#observer.ended(result.ended, performance.now() - begun)
      for (const parked of result.parked) this.#observer.parked(parked)
      this.#tellWaiting(ledgerId, result)
      this.#release(ledgerId, slots)
      addAll(this.#rung, ledgerId, [...result.mayHaveMore, ...result.suspect])
      this.#secondLook.after(ledgerId, slots, result.takenElsewhere)
      this.#settle(ledgerId, slots, null)
    } catch (error) {
      const failure = error instanceof StoreFailure ? error : new StoreFailure('not_done', error)
      this.#observer.failed(failure)
      this.#release(ledgerId, slots)
      // Most failures are over at once: a lock that was held for long, a connection that was cut. A full disk is not.
      if (failure.kind !== 'capacity') this.#secondLook.after(ledgerId, slots, slots)
      this.#settle(ledgerId, slots, failure.message)
    }
  }

  async #drain({ ledgerId, slots, carefully }: RoundOrder): Promise<DrainResult> {
    if (!carefully) {
      const result = await drainOnce(this.#store, ledgerId, slots)
      this.#caution.alarm(ledgerId, result.suspect)
      return result
    }
    this.#carefulRound = true
    try {
      return await drainCarefully(this.#store, ledgerId, slots, this.#caution)
    } finally {
      this.#carefulRound = false
    }
  }

  #release(ledgerId: number, slots: readonly number[]): void {
    const busy = this.#busy.get(ledgerId)
    for (const slot of slots) busy?.delete(slot)
  }

  #tellWaiting(ledgerId: number, result: DrainResult): void {
    for (const waiting of this.#waiting) {
      if (waiting.ledgerId === ledgerId) waiting.report.add(result, waiting.slots)
    }
  }

  /** Lets those go whose slots are all done: neither rung again nor at work. */
  #settle(ledgerId: number, slots: readonly number[], stoppedBy: string | null): void {
    const rung = this.#rung.get(ledgerId)
    for (const waiting of this.#waiting) {
      if (waiting.ledgerId !== ledgerId) continue
      for (const slot of slots) if (rung?.has(slot) !== true) waiting.slots.delete(slot)
      if (waiting.slots.size > 0) continue
      this.#waiting.delete(waiting)
      waiting.resolve(waiting.report.finish(stoppedBy))
    }
  }
}

/** A report while it grows. */
class ReportInProgress {
  #posted = 0
  #refused = 0
  #first: number | null = null
  #last: number | null = null
  readonly #refusedIds: string[] = []
  readonly #parkedIds: string[] = []

  add(result: DrainResult, slots: ReadonlySet<number>): void {
    for (const { id, failure, place } of result.ended) {
      if (place === null || !slots.has(place.slot)) continue
      if (failure === null) this.#posted += 1
      else {
        this.#refused += 1
        if (this.#refusedIds.length < idsMax) this.#refusedIds.push(id)
      }
      this.#first = Math.min(this.#first ?? place.sequence, place.sequence)
      this.#last = Math.max(this.#last ?? place.sequence, place.sequence)
    }
    for (const { id, slot } of result.parked) if (slots.has(slot)) this.#parkedIds.push(id)
  }

  finish(stoppedBy: string | null): RingReport {
    return {
      posted: this.#posted,
      refused: this.#refused,
      firstSequence: this.#first,
      lastSequence: this.#last,
      refusedIds: this.#refusedIds,
      parkedIds: this.#parkedIds,
      stoppedBy,
    }
  }
}

function addAll(
  slotsOf: Map<number, Set<number>>,
  ledgerId: number,
  slots: readonly number[],
): void {
  if (slots.length === 0) return
  const known = slotsOf.get(ledgerId)
  if (known === undefined) slotsOf.set(ledgerId, new Set(slots))
  else for (const slot of slots) known.add(slot)
}
