import { setTimeout as sleep } from 'node:timers/promises'
import type { EventStore } from '../../shared/engine/event-store.ts'
import type { QueueStore } from '../../shared/engine/queue-store.ts'
import type { Logger } from '../../shared/log.ts'
import { RecurringWork } from './recurring-work.ts'

const dayMs = 24 * 3600 * 1000

/** How often a worker looks for events that are too old, how many it forgets at once, and how long others get in between. */
const pruneMs = 60_000
const pieceSize = 1000
const pauseMs = 50

/**
 * Forgets events that are older than is kept, in small pieces: one that took a year's events at once would hold up posting on SQLite, and
 * keep a snapshot open on Postgres. Any number of workers may do it at once.
 */
export class EventPruner {
  readonly #store: EventStore & Pick<QueueStore, 'ledgerIds'>
  readonly #keepMs: number
  readonly #recurring: RecurringWork

  constructor(
    store: EventStore & Pick<QueueStore, 'ledgerIds'>,
    { keepDays, log }: { readonly keepDays: number; readonly log: Logger },
  ) {
    this.#store = store
    this.#keepMs = keepDays * dayMs
    const failing = 'forgetting old events failed; it goes on'
    this.#recurring = new RecurringWork(
      { failing, pauseMs: pruneMs, work: (stopping) => this.#prune(stopping) },
      log,
    )
  }

  start(): void {
    this.#recurring.start()
  }

  /** Begins no more pieces and resolves when the one under way is done. */
  stop(): Promise<void> {
    return this.#recurring.stop()
  }

  async #prune(signal: AbortSignal): Promise<boolean> {
    const before = Date.now() - this.#keepMs
    for (const ledgerId of await this.#store.ledgerIds()) {
      while (!signal.aborted) {
        const forgotten = await this.#store.forgetEvents(ledgerId, before, pieceSize)
        if (forgotten === 0) break
        await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
      }
    }
    return false
  }
}
