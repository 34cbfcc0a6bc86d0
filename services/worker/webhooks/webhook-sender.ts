import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EventStore } from '../../../shared/engine/event-store.ts'
import type { Logger } from '../../../shared/log.ts'
import type { WebhookWork } from '../../../shared/store/webhook-work.ts'
import type { Metrics, SenderReading } from '../../../shared/metrics.ts'
import type { WebhookRules } from '../../../shared/webhooks/webhook-rules.ts'
import { Lane } from './lane.ts'

/** How many endpoints that nobody has are taken at one look: other processes want some too. */
const claimsMax = 8

/** How often old deliveries are forgotten. */
const pruneMs = 600_000

/** What a sender works with. */
export interface SenderParts {
  readonly store: EventStore & { readonly webhookWork: WebhookWork }
  readonly metrics: Metrics
  readonly log: Logger
}

/**
 * Sends events to the endpoints that this process has leased, each in a lane of its own. Any number of processes may send: an endpoint is
 * one's at a time, and another's within seconds when that one dies.
 */
export class WebhookSender {
  readonly #parts: SenderParts
  readonly #rules: WebhookRules
  readonly #owner = randomUUID()
  readonly #lanes = new Map<string, Lane>()
  readonly #ending = new Set<Promise<void>>()
  readonly #stopping = new AbortController()
  #running: Promise<unknown> = Promise.resolve()

  constructor(parts: SenderParts, rules: WebhookRules) {
    this.#parts = parts
    this.#rules = rules
    parts.metrics.showWebhooks(() => this.#reading())
  }

  start(): void {
    const { lookMs, eventsMs } = this.#rules
    this.#running = Promise.all([
      this.#repeat(lookMs, () => this.#look()),
      this.#repeat(eventsMs, () => this.#lookForEvents()),
      this.#repeat(pruneMs, () => this.#prune()),
    ])
  }

  /** Begins no more attempts, writes down what those under way come to, and lets go of the endpoints. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
    await Promise.all([...this.#lanes.values()].map((lane) => lane.stop()))
    await Promise.all(this.#ending)
    // Without a database the leases end by themselves.
    await this.#parts.store.webhookWork.release(this.#owner).catch(() => undefined)
  }

  async #repeat(everyMs: number, work: () => Promise<void>): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      await work().catch((error: unknown) => {
        this.#parts.log.warn({ err: error }, 'sending webhooks waits for the database; it goes on')
      })
      await sleep(everyMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Keeps its endpoints, takes some that nobody has, and lets go of those that it has not any more. */
  async #look(): Promise<void> {
    const begun = performance.now()
    const { webhookWork } = this.#parts.store
    const { leaseMs } = this.#rules
    const endpoints = await webhookWork.lease(this.#owner, leaseMs, claimsMax)
    const own = new Set<string>()
    for (const endpoint of endpoints) {
      const key = `${endpoint.ledgerId}/${endpoint.id}`
      own.add(key)
      const lane = this.#lanes.get(key)
      if (lane !== undefined) lane.renew(endpoint, begun + leaseMs)
      else this.#begin(key, new Lane(this.#laneParts, endpoint, begun + leaseMs))
    }
    for (const [key, lane] of this.#lanes) {
      if (!own.has(key)) lane.stop().catch(() => undefined)
    }
  }

  #begin(key: string, lane: Lane): void {
    this.#lanes.set(key, lane)
    const ending = lane.run().finally(() => {
      this.#lanes.delete(key)
      this.#ending.delete(ending)
    })
    this.#ending.add(ending)
  }

  /** One short read for each ledger, however many endpoints it has. */
  async #lookForEvents(): Promise<void> {
    const lanes = [...this.#lanes.values()]
    for (const ledgerId of new Set(lanes.map((lane) => lane.ledgerId))) {
      const latest = await this.#parts.store.latestPosition(ledgerId)
      for (const lane of lanes) {
        if (lane.ledgerId === ledgerId && lane.read < latest) lane.tellOfEvents()
      }
    }
  }

  async #prune(): Promise<void> {
    const before = Date.now() - this.#rules.logMs
    await this.#parts.store.webhookWork.prune(before, this.#stopping.signal)
  }

  get #laneParts() {
    const { store, metrics, log } = this.#parts
    return { store, log, metrics: metrics.webhooks, rules: this.#rules, owner: this.#owner }
  }

  #reading(): SenderReading {
    const lanes = [...this.#lanes.values()]
    const waiting = lanes.flatMap(({ oldestAt }) => oldestAt ?? [])
    return {
      sending: lanes.length,
      failing: lanes.filter(({ isFailing }) => isFailing).length,
      oldestAt: waiting.length === 0 ? null : Math.min(...waiting),
    }
  }
}
