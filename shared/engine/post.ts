import { targetOfWish } from '../ledger/special-wish.ts'
import { decideBatch } from './decide-batch.ts'
import { GroupCommit } from './group-commit.ts'
import { isHoldCommand, type Command, type PostOutcome } from './post-command.ts'
import type { BatchReads, PostingStore } from './posting-store.ts'
import { settleBatch, type BatchObserver } from './settle-batch.ts'

/** The most commands of one batch: beyond it the rate hardly grows and the first member waits for the last. */
const batchSizeMax = 500

/**
 * The most entries of one batch, unless a single member has more. 500 transactions of 1,000 entries in one batch took
 * SQLite 84 s, during which the process answered nobody, and Postgres longer than a statement may take (two cores);
 * 5,000 entries take either about 0.1 s.
 */
export const batchEntriesMax = 5000

/** How one member of a batch ended: its outcome, or why there is none. */
export type SettledOutcome = PromiseSettledResult<PostOutcome>

/**
 * The one way by which money moves: commands in, durable outcomes out, in batches formed by group commit.
 * Batches are formed per ledger, so that every statement and every database transaction names one ledger.
 */
export class Posting {
  readonly #store: PostingStore
  readonly #observer: BatchObserver
  readonly #lanes = new Map<number, GroupCommit<Command, PostOutcome>>()

  constructor(store: PostingStore, observer: BatchObserver) {
    this.#store = store
    this.#observer = observer
  }

  /**
   * Posts one command and resolves when its outcome is durable. Refusals are outcomes. Rejects with `Unavailable`
   * when the store could not answer (repeat with the same key), or with the store's own failure when it refuses
   * what we wrote, which is a defect of ours.
   */
  post(command: Command): Promise<PostOutcome> {
    return this.#lane(command.ledgerId).submit(command)
  }

  /**
   * Posts a batch that its caller has formed; all of one ledger. Never rejects: each member is answered for
   * itself. Costs one database transaction.
   */
  postBatch(commands: readonly Command[]): Promise<readonly SettledOutcome[]> {
    return settleBatch(commands, (members, again) => this.#tryBatch(members, again), this.#observer)
  }

  async #tryBatch(
    commands: readonly Command[],
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

  #lane(ledgerId: number): GroupCommit<Command, PostOutcome> {
    let lane = this.#lanes.get(ledgerId)
    if (lane === undefined) {
      lane = new GroupCommit({
        flush: (commands) => this.postBatch(commands),
        batchSizeMax,
        batchesMax: this.#store.batchesMax,
        turnsBefore: this.#store.turnsBefore,
        weight: { of: weightOf, max: batchEntriesMax },
      })
      this.#lanes.set(ledgerId, lane)
    }
    return lane
  }
}

/** How many entries a command stands for. */
function weightOf(command: Command): number {
  return isHoldCommand(command) ? command.accountIds.length : command.requestedEntries.length
}

/** What must be known before some commands can be decided. */
export function readsOf(commands: readonly Command[], mayHaveHappened: boolean): BatchReads {
  const accountIds = new Set<string>()
  const idempotencyKeys = new Set<string>()
  const targetIds = new Set<string>()
  for (const command of commands) {
    if (command.idempotencyKey !== null) idempotencyKeys.add(command.idempotencyKey)
    if (isHoldCommand(command)) {
      targetIds.add(command.wish.target)
      for (const id of command.accountIds) accountIds.add(id)
    } else if (command.pricing.ok) {
      for (const entry of command.pricing.entries) accountIds.add(entry.accountId)
      for (const id of command.otherAccountIds) accountIds.add(id)
      const target = targetOfWish(command.wish)
      if (target !== undefined) targetIds.add(target)
    }
  }
  return {
    ledgerId: commands[0]?.ledgerId ?? 0,
    accountIds: [...accountIds],
    idempotencyKeys: [...idempotencyKeys],
    transactionIds: mayHaveHappened ? commands.map(recordIdOf) : [],
    targetIds: [...targetIds],
    closing: commands.some((command) => !isHoldCommand(command) && command.effectiveAt !== null),
    time: commands.some(({ wish }) => wish?.kind === 'hold' && 'expiresAt' in wish.terms),
  }
}

/** The id under which a command leaves its record. */
function recordIdOf(command: Command): string {
  return isHoldCommand(command) ? command.changeId : command.transactionId
}
