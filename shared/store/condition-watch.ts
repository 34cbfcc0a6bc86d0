import type { StoreCondition } from './condition.ts'

/** How often a store is asked how it does, at the most; a long look is followed by a longer pause. */
const pauseMsMin = 15_000

/** The share of the time that looking may take. */
const dutyShare = 0.01

/** For how long what was seen is told when looking fails. */
const freshMs = 60_000

/** Looks now and then how a store does, and keeps what it saw: whoever scrapes asks the database nothing. */
export class ConditionWatch {
  readonly #look: () => Promise<StoreCondition>
  #seen: { readonly condition: StoreCondition; readonly at: number } | undefined
  #timer: NodeJS.Timeout | undefined
  #looking: Promise<void> = Promise.resolve()
  #stopped = false

  constructor(look: () => Promise<StoreCondition>) {
    this.#look = look
  }

  /** Looks at once, and then by itself. */
  start(): void {
    this.#schedule(0)
  }

  async stop(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#timer)
    await this.#looking
  }

  /** What was seen last; undefined before the first look, and once the last that went well is a minute ago. */
  get condition(): StoreCondition | undefined {
    if (this.#seen === undefined || performance.now() - this.#seen.at > freshMs) return undefined
    return this.#seen.condition
  }

  #schedule(afterMs: number): void {
    if (this.#stopped) return
    this.#timer = setTimeout(() => {
      const begun = performance.now()
      this.#looking = this.#look()
        .then((condition) => {
          this.#seen = { condition, at: performance.now() }
        })
        // What fails it fails others too, who say so.
        .catch(() => undefined)
        .finally(() => {
          this.#schedule(Math.max(pauseMsMin, (performance.now() - begun) / dutyShare))
        })
    }, afterMs)
    this.#timer.unref()
  }
}
