import { decideBatch } from './decide-batch.ts'
import { GroupCommit } from './group-commit.ts'
import type { PostCommand, PostOutcome } from './post-command.ts'
import type { BatchReads, PostingStore } from './posting-store.ts'
import { settleBatch, type BatchObserver } from './settle-batch.ts'

/** The most commands of one batch: beyond it the rate hardly grows and the first member waits for the last. */
const batchSizeMax = 500

/**
 * The most entries of one batch, unless a single member has more. 500 transactions of 1,000 entries in one batch took
 * SQLite 84 s, during which the process answered nobody, and Postgres longer than a statement may take (two cores);
 * 5,000 entries take either about 0.1 s.
 */
const batchEntriesMax = 5000

/** How one member of a batch ended: its outcome, or why there is none. */
export type SettledOutcome = PromiseSettledResult<PostOutcome>

/**
 * The one way by which money moves: commands in, durable outcomes out, in batches formed by group commit.
 * Batches are formed per ledger, so that every statement and every database transaction names one ledger.
 */
export class Posting {
  readonly #store: PostingStore
  readonly #observer: BatchObserver
  readonly #lanes = new Map<number, GroupCommit<PostCommand, PostOutcome>>()

  constructor(store: PostingStore, observer: BatchObserver) {
    this.#store = store
    this.#observer = observer
  }

  /**
   * Posts one command and resolves when its outcome is durable. Refusals are outcomes. Rejects with `Unavailable`
   * when the store could not answer (repeat with the same key), or with the store's own failure when it refuses
   * what we wrote, which is a defect of ours.
   */
  post(command: PostCommand): Promise<PostOutcome> {
    return this.#lane(command.ledgerId).submit(command)
  }

  /**
   * Posts a batch that its caller has formed; all of one ledger. Never rejects: each member is answered for
   * itself. Costs one database transaction.
   */
  postBatch(commands: readonly PostCommand[]): Promise<readonly SettledOutcome[]> {
    return settleBatch(commands, (members, again) => this.#tryBatch(members, again), this.#observer)
  }

  async #tryBatch(
    commands: readonly PostCommand[],
    mayHaveHappened: boolean,
  ): Promise<readonly PostOutcome[]> {
    let outcomes: readonly PostOutcome[] = []
    await this.#store.post(readsOf(commands, mayHaveHappened), (state) => {
      const decision = decideBatch(commands, state)
      outcomes = decision.outcomes
      return decision.writes
    })
    return outcomes
  }

  #lane(ledgerId: number): GroupCommit<PostCommand, PostOutcome> {
    let lane = this.#lanes.get(ledgerId)
    if (lane === undefined) {
      lane = new GroupCommit({
        flush: (commands) => this.postBatch(commands),
        batchSizeMax,
        batchesMax: this.#store.batchesMax,
        turnsBefore: this.#store.turnsBefore,
        weight: { of: (command) => command.requestedEntries.length, max: batchEntriesMax },
      })
      this.#lanes.set(ledgerId, lane)
    }
    return lane
  }
}

function readsOf(commands: readonly PostCommand[], mayHaveHappened: boolean): BatchReads {
  const accountIds = new Set<string>()
  const idempotencyKeys = new Set<string>()
  for (const command of commands) {
    if (command.idempotencyKey !== null) idempotencyKeys.add(command.idempotencyKey)
    if (command.pricing.ok) {
      for (const entry of command.pricing.entries) accountIds.add(entry.accountId)
    }
  }
  return {
    ledgerId: commands[0]?.ledgerId ?? 0,
    accountIds: [...accountIds],
    idempotencyKeys: [...idempotencyKeys],
    transactionIds: mayHaveHappened ? commands.map((command) => command.transactionId) : [],
  }
}
