import { setTimeout as sleep } from 'node:timers/promises'
import type { Logger } from '../../shared/log.ts'

/** What a worker does again and again, until it is stopped. */
export interface Recurring {
  /** What the log says when it fails; it goes on after the pause. */
  readonly failing: string
  readonly pauseMs: number
  /** Does it once; true when there may be more, so that it begins again without a pause. */
  readonly work: (stopping: AbortSignal) => Promise<boolean>
}

/** Runs recurring work: never twice at once, and never after a stop. */
export class RecurringWork {
  readonly #recurring: Recurring
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(recurring: Recurring, log: Logger) {
    this.#recurring = recurring
    this.#log = log
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Begins no more and resolves when what is under way is done, or has thrown what the stop gave it. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    const { work, pauseMs, failing } = this.#recurring
    while (!signal.aborted) {
      const more = await work(signal).catch((error: unknown) => {
        if (error !== signal.reason) this.#log.warn({ err: error }, failing)
        return false
      })
      if (!more) await sleep(pauseMs, undefined, { signal }).catch(() => undefined)
    }
  }
}
