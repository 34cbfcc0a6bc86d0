import type { LockedAccount } from '../ledger/account.ts'
import { decideBatch } from './decide-batch.ts'
import { GroupCommit } from './group-commit.ts'
import { batchEntriesMax, readsOf } from './post.ts'
import type { PostCommand, PostOutcome } from './post-command.ts'
import type { BatchState, BatchWrites, PostingStore } from './posting-store.ts'
import { settleBatch, type BatchObserver } from './settle-batch.ts'

/** The most commands that are tried together. */
const batchSizeMax = 100

/** What posting a command would have come to. */
export interface RehearsedOutcome {
  readonly outcome: PostOutcome
  /** The accounts that it would have moved, or on which it would have set money aside, as they would stand. */
  readonly accounts: readonly LockedAccount[]
}

const unobserved: BatchObserver = {
  batchDone: () => undefined,
  retried: () => undefined,
  split: () => undefined,
}

/**
 * Says what posting would come to, by the same decision under the same locks, and writes nothing. Apart from posting, so that
 * nobody's payment waits in one batch with what only asks; each command is judged as if it were alone.
 */
export class Rehearsal {
  readonly #store: PostingStore
  readonly #lanes = new Map<number, GroupCommit<PostCommand, RehearsedOutcome>>()

  constructor(store: PostingStore) {
    this.#store = store
  }

  /** Rejects with `Unavailable` when the store could not answer. One database transaction, which writes nothing. */
  rehearse(command: PostCommand): Promise<RehearsedOutcome> {
    let lane = this.#lanes.get(command.ledgerId)
    if (lane === undefined) {
      lane = new GroupCommit({
        flush: (commands) => settleBatch(commands, (members) => this.#tryAll(members), unobserved),
        batchSizeMax,
        batchesMax: 1,
        turnsBefore: 1,
        weight: { of: (member) => member.requestedEntries.length, max: batchEntriesMax },
      })
      this.#lanes.set(command.ledgerId, lane)
    }
    return lane.submit(command)
  }

  async #tryAll(commands: readonly PostCommand[]): Promise<readonly RehearsedOutcome[]> {
    let outcomes: readonly RehearsedOutcome[] = []
    await this.#store.post(readsOf(commands, false), (state) => {
      outcomes = commands.map((command) => rehearsed(command, state))
      return nothing(state)
    })
    return outcomes
  }
}

function rehearsed(command: PostCommand, state: BatchState): RehearsedOutcome {
  const { outcomes, writes } = decideBatch([command], state)
  const [outcome] = outcomes
  if (outcome === undefined) throw new Error('a batch left a member without an answer')
  return { outcome, accounts: writes.accounts }
}

function nothing({ now }: BatchState): BatchWrites {
  return {
    transactions: [],
    targets: [],
    holdChanges: [],
    accounts: [],
    links: new Map(),
    records: [],
    at: now,
  }
}
