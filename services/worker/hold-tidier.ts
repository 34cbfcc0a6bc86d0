import type { Posting } from '../../shared/engine/post.ts'
import { expiryCommand } from '../../shared/engine/post-command.ts'
import type { Logger } from '../../shared/log.ts'
import type { HoldStore } from '../../shared/store/ledger-store.ts'
import { RecurringWork } from './recurring-work.ts'

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
  readonly #recurring: RecurringWork

  constructor(store: HoldStore, posting: Posting, log: Logger) {
    this.#store = store
    this.#posting = posting
    const failing = 'ending holds failed; it goes on'
    this.#recurring = new RecurringWork({ failing, pauseMs: tidyMs, work: () => this.#tidy() }, log)
  }

  start(): void {
    this.#recurring.start()
  }

  /** Starts no more batches and resolves when the one under way is done. */
  stop(): Promise<void> {
    return this.#recurring.stop()
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
