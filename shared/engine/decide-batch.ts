import { closedBooksRefusal } from '../ledger/closed-books.ts'
import type { Decision } from '../ledger/decide.ts'
import { decideWish } from '../ledger/decide-wish.ts'
import type { HoldDecision } from '../ledger/place-hold.ts'
import type { Refusal } from '../ledger/refusal.ts'
import type { TransactionStatus } from '../ledger/transaction.ts'
import type { AuditRecord, Witness } from './audit-record.ts'
import { accountsMoved } from './batch-time.ts'
import type { MemberOutcome } from './command-batch.ts'
import { decideHoldChange } from './decide-hold-change.ts'
import { chainEntries } from './entry-chain.ts'
import type { HoldChangeRecord } from './hold-change-record.ts'
import { newRecord } from './new-record.ts'
import { isHoldCommand, type Command, type PostCommand, type PostOutcome } from './post-command.ts'
import type { BatchState, BatchWrites } from './posting-store.ts'
import { RunningBooks, type BooksMark } from './running-books.ts'
import { StandingIndex } from './standing-index.ts'
import type { TransactionRecord } from './transaction-record.ts'
import { recordOf, recordOfBatch } from './witnessed-ends.ts'

/** What a batch answers and what it writes; `outcomes[i]` answers `commands[i]`. */
export interface BatchDecision {
  readonly outcomes: readonly PostOutcome[]
  readonly writes: BatchWrites
}

/**
 * Decides a batch in arrival order, each member against the accounts and targets as its predecessors leave them. Pure.
 *
 * Judged in this order: the command stands already (an earlier try got through) · its key is known · it is
 * refused by itself · its time lies in closed books · its target or the accounts refuse it. A refused member leaves no trace
 * on the others. `witness` records who asked for all of it together.
 */
export function decideBatch(
  commands: readonly Command[],
  state: BatchState,
  witness?: Witness,
): BatchDecision {
  const batch = new BatchInProgress(state)
  const outcomes = commands.map((command) => batch.decide(command))
  batch.record(witness, outcomes)
  return { outcomes, writes: batch.writes() }
}

/** How far a batch had come. */
interface Mark {
  readonly books: BooksMark
  readonly written: number
}

/** A batch while it is decided, one command after the other. */
export class BatchInProgress {
  readonly #state: BatchState
  readonly #books: RunningBooks
  readonly #standing: StandingIndex
  readonly #written: TransactionRecord[] = []
  readonly #holdChanges: HoldChangeRecord[] = []
  readonly #records: AuditRecord[] = []

  constructor(state: BatchState) {
    this.#state = state
    this.#books = new RunningBooks(state)
    this.#standing = new StandingIndex(state.standing)
  }

  /** Decides the next command, by the rules of `decideBatch`. */
  decide(command: Command): PostOutcome {
    const outcome = this.#outcomeOf(command)
    this.#keep(recordOf(command, outcome))
    return outcome
  }

  /** Records who asked for a batch whose members are all decided. */
  record(witness: Witness | undefined, members: readonly MemberOutcome[]): void {
    this.#keep(recordOfBatch(witness, members))
  }

  #keep(record: AuditRecord | undefined): void {
    if (record !== undefined) this.#records.push(record)
  }

  #outcomeOf(command: Command): PostOutcome {
    const before = this.#standing.outcomeFor(command)
    if (before !== undefined) return before
    if (isHoldCommand(command)) {
      const { outcome, change } = decideHoldChange(command, this.#books)
      if (change !== undefined) {
        this.#holdChanges.push(change)
        this.#standing.add(change)
      }
      return outcome
    }
    const verdict = verdictOn(command, this.#state, this.#books)
    if (verdict.outcome === 'refused' && command.idempotencyKey === null) {
      return { kind: 'refused', refusal: verdict.refusal }
    }
    const { at } = this.#books
    const transaction = newRecord(command, at, endOf(verdict, at))
    this.#written.push(transaction)
    this.#standing.add(transaction)
    return { kind: 'written', transaction }
  }

  /** How a transaction stands that was found or decided. */
  statusOf(transactionId: string): TransactionStatus | undefined {
    return this.#standing.statusOf(transactionId)
  }

  /** Marks how far the batch has come; no change of a hold may be decided between this and `backTo`. */
  mark(): Mark {
    return { books: this.#books.mark(), written: this.#written.length }
  }

  /** Undoes what was decided since; gives the ids of the transactions that are not written now. */
  backTo(mark: Mark): ReadonlySet<string> {
    this.#books.backTo(mark.books)
    const undone = this.#written.splice(mark.written)
    for (const transaction of undone) this.#standing.remove(transaction)
    return new Set(undone.map(({ id }) => id))
  }

  /** What all decisions together write. */
  writes(): BatchWrites {
    const { at, accounts } = this.#books
    const { links, heads } = chainEntries(this.#written, this.#state.accounts)
    return {
      transactions: this.#written,
      targets: this.#books.targetsChanged(),
      holdChanges: this.#holdChanges,
      accounts: accountsMoved(accounts, this.#state.accounts, at, heads),
      links,
      records: this.#records,
      at,
    }
  }
}

/** What was decided of one transaction. */
export type Verdict = Decision | HoldDecision

function verdictOn(
  command: PostCommand,
  { booksClosedUntil }: BatchState,
  books: RunningBooks,
): Verdict {
  if (!command.pricing.ok) return refusedFor(command.pricing.refusal)
  const closed = closedBooksRefusal(command.effectiveAt, booksClosedUntil)
  return closed === undefined
    ? decideWish(command.wish, command.pricing, books)
    : refusedFor(closed)
}

/** What is refused without a look at the accounts. */
export function refusedFor(refusal: Refusal): Verdict {
  return { outcome: 'refused', refusal }
}

/** What a decision at a time sets of a transaction's record. */
export function endOf(
  verdict: Verdict,
  at: number,
): Pick<TransactionRecord, 'status'> & Partial<TransactionRecord> {
  switch (verdict.outcome) {
    case 'posted':
      return {
        status: 'posted',
        postedAt: at,
        entries: verdict.entries,
        currencies: verdict.currencies,
        requestedEntries: [],
      }
    case 'held':
      return { status: 'held', heldAt: at, expiresAt: verdict.expiresAt }
    case 'refused':
      return { status: 'failed', failedAt: at, failure: verdict.refusal }
  }
}
