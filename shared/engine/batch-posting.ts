import type { Witness } from './audit-record.ts'
import type { BatchOutcome, CommandBatch, MemberOutcome } from './command-batch.ts'
import { decideBatch } from './decide-batch.ts'
import { decideCommandBatches } from './decide-command-batches.ts'
import { GroupCommit } from './group-commit.ts'
import { batchEntriesMax, readsOf } from './post.ts'
import type { PostCommand, PostOutcome } from './post-command.ts'
import type { PostingStore } from './posting-store.ts'
import { settleBatch, type BatchObserver } from './settle-batch.ts'
import { StoreFailure } from './store-failure.ts'

/**
 * Two make a database transaction worth while beside one that is under way. At 100 members and 8 / 16 connections: 13,300 / 14,900 a
 * second, against 11,600 / 14,000 with the eight that single payments wait for (medians of two rounds in turns, two cores).
 */
const companionsMin = 2

/** The most batches of clients in one database transaction. */
const batchSizeMax = 50

/**
 * Posts the batches that clients send, by the same decision and the same write as single commands. Those that arrive while
 * others are being written share the next database transaction; none is spread over two.
 */
export class BatchPosting {
  readonly #store: PostingStore
  readonly #observer: BatchObserver
  readonly #lanes = new Map<number, GroupCommit<CommandBatch, BatchOutcome>>()

  constructor(store: PostingStore, observer: BatchObserver) {
    this.#store = store
    this.#observer = observer
  }

  /**
   * Posts one batch and resolves when its outcome is durable. Rejects with `Unavailable` when the store could not answer (of an
   * independent batch some members may be done: repeat it with the same keys), or with the store's own failure when it
   * refuses what an atomic batch would write, which is a defect of ours.
   */
  post(batch: CommandBatch): Promise<BatchOutcome> {
    let lane = this.#lanes.get(batch.ledgerId)
    if (lane === undefined) {
      lane = new GroupCommit({
        flush: (batches) => this.#flush(batches),
        batchSizeMax,
        batchesMax: this.#store.batchesMax,
        turnsBefore: this.#store.turnsBefore,
        companionsMin,
        weight: { of: weightOf, max: batchEntriesMax },
      })
      this.#lanes.set(batch.ledgerId, lane)
    }
    return lane.submit(batch)
  }

  async #flush(
    batches: readonly CommandBatch[],
  ): Promise<readonly PromiseSettledResult<BatchOutcome>[]> {
    const size = batches.reduce((sum, { commands }) => sum + commands.length, 0)
    const observer: BatchObserver = {
      ...this.#observer,
      batchDone: (_, tookMs, members) => this.#observer.batchDone(size, tookMs, members),
    }
    const settled = await settleBatch(
      batches,
      (members, again) => this.#tryBatches(members, again),
      observer,
    )
    return Promise.all(settled.map((result, at) => this.#orApart(result, batches[at])))
  }

  async #tryBatches(
    batches: readonly CommandBatch[],
    mayHaveHappened: boolean,
  ): Promise<readonly BatchOutcome[]> {
    let outcomes: readonly BatchOutcome[] = []
    const commands = batches.flatMap((batch) => batch.commands)
    await this.#store.post(readsOf(commands, mayHaveHappened), (state) => {
      const decision = decideCommandBatches(batches, state)
      outcomes = decision.outcomes
      return decision.writes
    })
    return outcomes
  }

  async #orApart(
    result: PromiseSettledResult<BatchOutcome>,
    batch: CommandBatch | undefined,
  ): Promise<PromiseSettledResult<BatchOutcome>> {
    return batch?.mode === 'independent' && isRefusedByStore(result) ? this.#apart(batch) : result
  }

  /** Posts an independent batch that the database refuses as a whole in parts, in its order, until the culprit stands alone. */
  async #apart({ commands, witness }: CommandBatch): Promise<PromiseSettledResult<BatchOutcome>> {
    let due = witness
    const settled = await settleBatch(
      commands,
      async (members, again) => {
        const outcomes = await this.#tryInOrder(members, due, again)
        // The first part that writes anything leaves the record of the whole.
        if (outcomes.some(({ kind }) => kind === 'written')) due = undefined
        return outcomes
      },
      this.#observer,
      true,
    )
    const members: MemberOutcome[] = []
    for (const result of settled) {
      if (result.status === 'fulfilled') members.push(result.value)
      else if (isRefusedByStore(result)) members.push({ kind: 'broken', error: result.reason })
      else return result
    }
    return { status: 'fulfilled', value: { committed: true, members } }
  }

  async #tryInOrder(
    commands: readonly PostCommand[],
    witness: Witness | undefined,
    mayHaveHappened: boolean,
  ): Promise<readonly PostOutcome[]> {
    let outcomes: readonly PostOutcome[] = []
    try {
      await this.#store.post(readsOf(commands, mayHaveHappened), (state) => {
        const decision = decideBatch(commands, state, witness)
        outcomes = decision.outcomes
        return decision.writes
      })
    } catch (error) {
      // What is blocked would be tried member by member at once, in no order: it waits as a whole instead.
      if (!(error instanceof StoreFailure) || error.kind !== 'blocked') throw error
      throw new StoreFailure('not_done', error, { code: error.code })
    }
    return outcomes
  }
}

function weightOf({ commands }: CommandBatch): number {
  return commands.reduce((sum, command) => sum + command.requestedEntries.length, 0)
}

function isRefusedByStore(result: PromiseSettledResult<unknown>): boolean {
  if (result.status === 'fulfilled') return false
  const reason: unknown = result.reason
  return reason instanceof StoreFailure && reason.kind === 'deterministic'
}
