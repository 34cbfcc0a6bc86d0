import type { Configuration } from '../../shared/config.ts'
import type { QueueStore } from '../../shared/engine/queue-store.ts'
import type { Logger } from '../../shared/log.ts'
import { makeAnchors } from '../../shared/store/anchors/make-anchors.ts'
import { openAnchorBooks } from '../../shared/store/anchors/open-anchor-books.ts'
import { newestAnchor } from '../../shared/store/anchors/read-anchors.ts'
import type { StoreLocation } from '../../shared/store/open.ts'
import { paceOf } from '../../shared/store/verify/pace.ts'
import { RecurringWork } from './recurring-work.ts'

/** How often it is asked whether an anchor is due. */
const lookMsMin = 100
const lookMsMax = 60_000

/** As much rest as work: posting keeps its speed. */
const restPerWork = 1

/** Which books are anchored, and how often. */
export interface AnchorRules {
  readonly location: StoreLocation
  readonly intervalMs: number
}

/** What the configuration says of it; undefined where it says never. */
export function anchorRules(configuration: Configuration): AnchorRules | undefined {
  const { ANCHOR_INTERVAL_S: seconds, DATABASE_URL: location } = configuration
  return seconds === 0 ? undefined : { location, intervalMs: seconds * 1000 }
}

/**
 * Anchors each ledger once in an interval, if anything has moved. Any number of workers may do so: of two that make the same anchor one
 * has it, and an anchor that somebody else made is as good.
 */
export class Anchoring {
  readonly #rules: AnchorRules
  readonly #store: Pick<QueueStore, 'ledgerIds'>
  readonly #log: Logger
  /** When a ledger was last looked through, so that one in which nothing moves is not all the time. */
  readonly #done = new Map<number, number>()
  readonly #recurring: RecurringWork

  constructor(rules: AnchorRules, store: Pick<QueueStore, 'ledgerIds'>, log: Logger) {
    this.#rules = rules
    this.#store = store
    this.#log = log
    const pauseMs = Math.min(Math.max(rules.intervalMs / 10, lookMsMin), lookMsMax)
    const failing = 'anchoring failed; it goes on'
    this.#recurring = new RecurringWork(
      { failing, pauseMs, work: (stopping) => this.#look(stopping) },
      log,
    )
  }

  start(): void {
    this.#recurring.start()
  }

  /** Begins no more and resolves when the anchors under way are made, or given up for the next time. */
  stop(): Promise<void> {
    return this.#recurring.stop()
  }

  async #look(stopping: AbortSignal): Promise<boolean> {
    const now = Date.now()
    const { intervalMs, location } = this.#rules
    const due = (await this.#store.ledgerIds()).filter(
      (id) => now - (this.#done.get(id) ?? 0) >= intervalMs,
    )
    if (due.length === 0) return false
    const books = openAnchorBooks(location)
    try {
      for (const ledgerId of due) {
        const newest = await newestAnchor(books, ledgerId)
        // Made by somebody else, or before this process was started, and by a clock that may go before ours.
        const age = now - Math.min(newest?.createdAt ?? 0, now)
        if (age >= intervalMs) await this.#anchor(books, ledgerId, stopping)
        this.#done.set(ledgerId, age >= intervalMs ? now : now - age)
      }
    } finally {
      await books.close()
    }
    return false
  }

  async #anchor(
    books: ReturnType<typeof openAnchorBooks>,
    ledgerId: number,
    stopping: AbortSignal,
  ): Promise<void> {
    const pace = paceOf(restPerWork)
    const made = await makeAnchors(books, ledgerId, (read) => {
      stopping.throwIfAborted()
      return pace(read)
    })
    for (const { number, heads, hash } of made) {
      this.#log.info({ ledgerId, anchor: number, heads, hash }, 'anchored')
    }
  }
}
