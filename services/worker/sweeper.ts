import type { DrainRounds } from '../../shared/engine/drain-rounds.ts'
import type { QueueStore } from '../../shared/engine/queue-store.ts'
import type { Logger } from '../../shared/log.ts'

/**
 * How often a worker looks for work that no bell told of, and how old that must be. Two seconds are promised to whoever
 * waits for it, and half of one may pass until a waiting request hears of the end without Redis: with looks twice a second for
 * what was a second old, one in twenty waited for 2.0 to 2.3 s on two busy cores.
 */
const sweepMsMin = 250
const sweepMsMax = 1000
const ageMs = 500

/** The share of the time that looking may take: beside somebody's open snapshot a look passes many dead rows. */
const dutyShare = 0.05

/**
 * Looks four times a second for what has been queued for half a second or longer, and drains it without being rung. So Redis' being away, or a
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
    this.#schedule(sweepMsMin)
  }

  stop(): void {
    this.#stopped = true
    clearTimeout(this.#timer)
  }

  #schedule(afterMs: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      const begun = performance.now()
      this.#sweep()
        .catch((error: unknown) => this.#log.warn({ err: error }, 'sweeping failed; it goes on'))
        .finally(() => this.#schedule(pauseAfter(performance.now() - begun)))
        .catch(() => undefined)
    }, afterMs)
  }

  /** Rings what it finds; the rounds take it from there. */
  async #sweep(): Promise<void> {
    for (const { ledgerId, slots } of await this.#store.slotsWaiting(ageMs)) {
      this.#rounds.ring(ledgerId, slots).catch(() => undefined)
    }
  }
}

/** A look that failed, or waited for its turn, is not followed by a rest of minutes. */
function pauseAfter(tookMs: number): number {
  return Math.min(Math.max(sweepMsMin, tookMs / dutyShare), sweepMsMax)
}
