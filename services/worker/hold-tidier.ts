import { setTimeout as sleep } from 'node:timers/promises'
import type { Posting } from '../../shared/engine/post.ts'
import { expiryCommand } from '../../shared/engine/post-command.ts'
import type { Logger } from '../../shared/log.ts'
import type { HoldStore } from '../../shared/store/ledger-store.ts'

/** How often a worker looks for holds whose time is over, and how many it ends of a ledger at once. */
const tidyMs = 500
const batchSize = 200

/**
 * Ends holds whose time is over, so that their money is free again. That they have ended is judged by the database's clock whenever
 * somebody asks for more of them, whether the tidier has been there or not; any number of workers may tidy at once.
 */
export class HoldTidier {
  readonly #store: HoldStore
  readonly #posting: Posting
  readonly #log: Logger
  readonly #stopping = new AbortController()
  #running: Promise<void> = Promise.resolve()

  constructor(store: HoldStore, posting: Posting, log: Logger) {
    this.#store = store
    this.#posting = posting
    this.#log = log
  }

  start(): void {
    this.#running = this.#run()
  }

  /** Starts no more batches and resolves when the one under way is done. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#running
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping
    while (!signal.aborted) {
      const more = await this.#tidy().catch((error: unknown) => {
        this.#log.warn({ err: error }, 'ending holds failed; it goes on')
        return false
      })
      if (!more) await sleep(tidyMs, undefined, { signal }).catch(() => undefined)
    }
  }

  /** Ends what is due; says whether there may be more. */
  async #tidy(): Promise<boolean> {
    const due = await this.#store.holdsDue(Date.now(), batchSize)
    const ledgers = new Set(due.map(({ ledgerId }) => ledgerId))
    let more = false
    for (const ledger of ledgers) {
      const holds = due.filter(({ ledgerId }) => ledgerId === ledger)
      const outcomes = await this.#posting.postBatch(holds.map(expiryCommand))
      const failed = outcomes.find((outcome) => outcome.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      more ||= holds.length === batchSize
    }
    return more
  }
}
