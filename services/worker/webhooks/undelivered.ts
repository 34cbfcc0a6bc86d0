import type { EventPosition, LedgerEvent } from '../../../shared/engine/event.ts'
import type { WebhookDelivery } from '../../../shared/webhooks/endpoint.ts'
import { AccountOrder } from './account-order.ts'

/** An event that an endpoint waits for. */
export interface Work {
  delivery: WebhookDelivery
  readonly accountIds: readonly string[]
  /** What is sent; read again when it is needed and not kept. */
  body: string | undefined
  /** When it may be tried. Ms since 1970. */
  dueAt: number
  isUnderWay: boolean
  /** Whether it was tried early once because its endpoint had come back. */
  wasHurried: boolean
  readonly readAt: number
}

/** What is to be written down together. */
export interface Changes {
  readonly position: EventPosition
  readonly deliveries: readonly WebhookDelivery[]
}

/** A delivery of which nothing has become yet. */
const untried = {
  status: 'pending',
  attempts: 0,
  lastAttemptAt: null,
  lastStatusCode: null,
  lastError: null,
  deliveredAt: null,
} as const

/** How many events a lane has in hand, and of how many of them what it will send. */
const worksMax = 10_000
const bodiesMax = 500

/** What has waited for so long is written down, so that what lies behind it need not be read again after a death. */
const unwrittenMsMax = 5000

/** How many deliveries are written down at once. */
const savedMax = 200

/**
 * The events that an endpoint waits for, in the order in which they may be sent, and what of them has not been written down. Pure memory: a
 * process that dies loses none of it for good.
 */
export class Undelivered {
  /** How far the events have been read. */
  read: EventPosition
  readonly worksMax = worksMax
  readonly #works = new Map<EventPosition, Work>()
  readonly #order = new AccountOrder<Work>()
  /** Those that have no row, in the order of reading. */
  readonly #unwritten = new Set<Work>()
  readonly #changed = new Set<Work>()
  /** Those that are being written down. */
  #taken: ReadonlySet<Work> = new Set()
  #known: Set<EventPosition> = new Set()
  #bodies = 0

  constructor(read: EventPosition) {
    this.read = read
  }

  get hasRoom(): boolean {
    return this.#works.size < worksMax && this.#bodies < bodiesMax
  }

  get isHalfEmpty(): boolean {
    return this.#works.size < worksMax / 2
  }

  get changedCount(): number {
    return this.#changed.size
  }

  get oldestAt(): number | null {
    const [oldest] = this.#works.values()
    return oldest?.delivery.eventAt ?? null
  }

  /** Those that may be sent as far as their accounts are concerned, oldest first. */
  get ready(): ReadonlySet<Work> {
    return this.#order.ready
  }

  /** What has a row although it will be read again. */
  skip(known: Set<EventPosition>): void {
    this.#known = known
  }

  /** Takes in an event that was read. */
  add(event: LedgerEvent, accountIds: readonly string[], body: string): void {
    const { position, type: eventType, createdAt: eventAt } = event
    if (this.#known.delete(position)) return
    const now = Date.now()
    const delivery = { ...untried, position, eventType, eventAt, accountIds, nextAttemptAt: now }
    const work = this.#put(delivery, now)
    work.body = body
    this.#bodies += 1
    this.#unwritten.add(work)
  }

  /** Takes in deliveries that are written down as not done; one that is in hand may be tried earlier than was thought. */
  putBack(deliveries: readonly WebhookDelivery[]): void {
    const unsaved = [...this.#changed, ...this.#taken]
    const newer = new Set(unsaved.map((work) => work.delivery.position))
    for (const delivery of deliveries) {
      if (newer.has(delivery.position)) continue
      const there = this.#works.get(delivery.position)
      const dueAt = delivery.nextAttemptAt ?? 0
      if (there === undefined) this.#put(delivery, dueAt)
      else if (!there.isUnderWay && dueAt < there.dueAt) {
        there.delivery = delivery
        there.dueAt = dueAt
      }
    }
  }

  /** Notes how a delivery stands after an attempt. What is done makes way for others on its accounts. */
  note(work: Work, delivery: WebhookDelivery): void {
    work.delivery = delivery
    work.dueAt = delivery.nextAttemptAt ?? 0
    this.#changed.add(work)
    this.#dropBody(work)
    if (delivery.status === 'pending') return
    this.#works.delete(delivery.position)
    this.#order.remove(work)
  }

  /** Lets all that waits after a failure be tried now, once. */
  hurry(now: number): void {
    for (const work of this.#works.values()) {
      if (work.wasHurried || work.delivery.attempts === 0) continue
      work.wasHurried = true
      work.dueAt = Math.min(work.dueAt, now)
    }
  }

  /** What is to be written down now, and how far everything is written then. */
  takeChanges(now: number): Changes {
    for (const work of this.#unwritten) {
      if (now - work.readAt < unwrittenMsMax) break
      this.#changed.add(work)
      if (!work.isUnderWay) this.#dropBody(work)
    }
    this.#taken = new Set([...this.#changed].slice(0, savedMax))
    for (const work of this.#taken) this.#changed.delete(work)
    let first: Work | undefined
    for (const work of this.#unwritten) {
      if (this.#taken.has(work)) continue
      first = work
      break
    }
    const position = first === undefined ? this.read : first.delivery.position - 1n
    return { deliveries: [...this.#taken].map(({ delivery }) => delivery), position }
  }

  /** What was taken has been written down, or has not after all. */
  settle(isWritten: boolean): void {
    for (const work of this.#taken) {
      if (isWritten) this.#unwritten.delete(work)
      else this.#changed.add(work)
    }
    this.#taken = new Set()
  }

  #put(delivery: WebhookDelivery, dueAt: number): Work {
    const work: Work = {
      delivery,
      accountIds: delivery.accountIds,
      body: undefined,
      dueAt,
      isUnderWay: false,
      wasHurried: false,
      readAt: Date.now(),
    }
    this.#works.set(delivery.position, work)
    this.#order.add(work)
    return work
  }

  #dropBody(work: Work): void {
    if (work.body === undefined) return
    work.body = undefined
    this.#bodies -= 1
  }
}
