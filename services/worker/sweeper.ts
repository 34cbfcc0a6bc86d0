import type { DrainRounds } from '../../shared/engine/drain-rounds.ts'
import type { QueueStore } from '../../shared/engine/queue-store.ts'
import type { Logger } from '../../shared/log.ts'

/** How often a worker looks for work that no bell told of, and how old that must be: found within two seconds. */
const sweepMs = 500
const ageMs = 1000

/**
 * Looks twice a second for what has been queued for a second or longer, and drains it without being rung. So Redis' being away, or a
 * lost ring, costs latency and nothing else; and so does a failure of the database, which is tried again like this for ever.
 */
export class Sweeper {
  readonly #store: QueueStore
  readonly #rounds: DrainRounds
  readonly #log: Logger
  #timer: NodeJS.Timeout | undefined
  #stopped = false

  constructor(store: QueueStore, rounds: DrainRounds, log: Logger) {
    this.#store = store
    this.#rounds = rounds
    this.#log = log
  }

  start(): void {
    this.#schedule()
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #schedule(): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      this.#sweep()
        .catch((error: unknown) => this.#log.warn({ err: error }, 'sweeping failed; it goes on'))
        .finally(() => this.#schedule())
        .catch(() => undefined)
    }, sweepMs)
  }

  /** Rings what it finds; the rounds take it from there. */
  async #sweep(): Promise<void> {
    for (const { ledgerId, slots } of await this.#store.slotsWaiting(ageMs)) {
      this.#rounds.ring(ledgerId, slots).catch(() => undefined)
    }
  }
}
