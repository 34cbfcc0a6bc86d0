import type { AuditRecord } from './audit-record.ts'
import { GroupCommit } from './group-commit.ts'
import { newRecord } from './new-record.ts'
import type { PostCommand, PostOutcome } from './post-command.ts'
import type { AcceptReads, AcceptState, AcceptWrites, QueueStore } from './queue-store.ts'
import { settleBatch, type BatchObserver } from './settle-batch.ts'
import { slotOf, type LedgerSlot } from './slot.ts'
import { StandingIndex } from './standing-index.ts'
import type { TransactionRecord } from './transaction-record.ts'
import { recordOf } from './witnessed-ends.ts'

/** The most commands of one batch; the sequence hands out a thousand numbers at a time. */
const batchSizeMax = 500

/** The most entries of one batch, unless a single member has more. */
const batchEntriesMax = 5000

/** Batches under way at once. */
const batchesMax = 2

/** What is told after a commit: which slots have new work. Must not throw. */
export type AcceptedListener = (slots: readonly LedgerSlot[]) => void

/**
 * Accepts commands for later: each becomes a durable row with its place in the queue before anybody hears of it. An
 * acknowledgement is never buffered in memory or in Redis.
 */
export class Acceptance {
  readonly #store: QueueStore
  readonly #observer: BatchObserver
  readonly #accepted: AcceptedListener
  readonly #lanes = new Map<number, GroupCommit<PostCommand, PostOutcome>>()

  constructor(store: QueueStore, observer: BatchObserver, accepted: AcceptedListener) {
    this.#store = store
    this.#observer = observer
    this.#accepted = accepted
  }

  /**
   * Accepts one command and resolves when its row is committed. The caller has priced it: what is refused by itself is
   * posting's to answer. Rejects with `Unavailable` when the database could not answer.
   */
  accept(command: PostCommand): Promise<PostOutcome> {
    let lane = this.#lanes.get(command.ledgerId)
    if (lane === undefined) {
      lane = new GroupCommit({
        flush: (commands) => this.acceptBatch(commands),
        batchSizeMax,
        batchesMax,
        turnsBefore: this.#store.turnsBefore,
        weight: { of: (command) => command.requestedEntries.length, max: batchEntriesMax },
      })
      this.#lanes.set(command.ledgerId, lane)
    }
    return lane.submit(command)
  }

  /** Accepts a batch that its caller has formed; all of one ledger. Never rejects. One database transaction. */
  async acceptBatch(
    commands: readonly PostCommand[],
  ): Promise<readonly PromiseSettledResult<PostOutcome>[]> {
    return settleBatch(commands, (members, again) => this.#tryBatch(members, again), this.#observer)
  }

  async #tryBatch(
    commands: readonly PostCommand[],
    mayHaveHappened: boolean,
  ): Promise<readonly PostOutcome[]> {
    let outcomes: readonly PostOutcome[] = []
    await this.#store.accept(readsOf(commands, mayHaveHappened), (state) => {
      const decision = decideAcceptance(commands, state)
      outcomes = decision.outcomes
      return decision.writes
    })
    // Ring also for what an earlier try has left behind: its own ring may never have left.
    this.#accepted(slotsOf(commands))
    return outcomes
  }
}

interface AcceptDecision {
  readonly outcomes: readonly PostOutcome[]
  readonly writes: AcceptWrites
}

/** Decides which commands are new, and numbers them in the order of their arrival. Pure. */
function decideAcceptance(commands: readonly PostCommand[], state: AcceptState): AcceptDecision {
  const standing = new StandingIndex(state.standing)
  const accepted: TransactionRecord[] = []
  const records: AuditRecord[] = []
  const outcomes = commands.map((command): PostOutcome => {
    const before = standing.outcomeFor(command)
    if (before !== undefined) return before
    const slot = slotOf(orderingKeyOf(command))
    const sequence = state.firstSequence + accepted.length
    const transaction = newRecord(command, state.now, {
      status: 'queued',
      place: { slot, sequence },
    })
    accepted.push(transaction)
    standing.add(transaction)
    const outcome = { kind: 'written', transaction } as const
    const record = recordOf(command, outcome)
    if (record !== undefined) records.push(record)
    return outcome
  })
  return { outcomes, writes: { transactions: accepted, records } }
}

/** What orders a command among the others: its own word, or the account of its first entry. */
export function orderingKeyOf(
  command: Pick<PostCommand, 'orderingKey' | 'requestedEntries'>,
): string {
  return command.orderingKey ?? command.requestedEntries[0]?.accountId ?? ''
}

function readsOf(commands: readonly PostCommand[], mayHaveHappened: boolean): AcceptReads {
  const keys = new Set<string>()
  for (const { idempotencyKey } of commands) if (idempotencyKey !== null) keys.add(idempotencyKey)
  return {
    ledgerId: commands[0]?.ledgerId ?? 0,
    idempotencyKeys: [...keys],
    transactionIds: mayHaveHappened ? commands.map((command) => command.transactionId) : [],
    count: commands.length,
  }
}

function slotsOf(commands: readonly PostCommand[]): LedgerSlot[] {
  const ledgerId = commands[0]?.ledgerId ?? 0
  const slots = new Set(commands.map((command) => slotOf(orderingKeyOf(command))))
  return [...slots].map((slot) => ({ ledgerId, slot }))
}
