import { closedBooksRefusal } from '../ledger/closed-books.ts'
import type { Decision } from '../ledger/decide.ts'
import { decideWish } from '../ledger/decide-wish.ts'
import type { HoldDecision } from '../ledger/place-hold.ts'
import type { Refusal } from '../ledger/refusal.ts'
import { accountsMoved } from './batch-time.ts'
import { decideHoldChange } from './decide-hold-change.ts'
import type { HoldChangeRecord } from './hold-change-record.ts'
import { newRecord } from './new-record.ts'
import { isHoldCommand, type Command, type PostCommand, type PostOutcome } from './post-command.ts'
import type { BatchState, BatchWrites } from './posting-store.ts'
import { RunningBooks } from './running-books.ts'
import { StandingIndex } from './standing-index.ts'
import type { TransactionRecord } from './transaction-record.ts'

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
 * on the others.
 */
export function decideBatch(commands: readonly Command[], state: BatchState): BatchDecision {
  const books = new RunningBooks(state)
  const standing = new StandingIndex(state.standing)
  const { at } = books
  const written: TransactionRecord[] = []
  const holdChanges: HoldChangeRecord[] = []

  const outcomes = commands.map((command): PostOutcome => {
    const before = standing.outcomeFor(command)
    if (before !== undefined) return before
    if (isHoldCommand(command)) {
      const { outcome, change } = decideHoldChange(command, books)
      if (change !== undefined) {
        holdChanges.push(change)
        standing.add(change)
      }
      return outcome
    }
    const verdict = verdictOn(command, state, books)
    if (verdict.outcome === 'refused' && command.idempotencyKey === null) {
      return { kind: 'refused', refusal: verdict.refusal }
    }
    const transaction = newRecord(command, at, endOf(verdict, at))
    written.push(transaction)
    standing.add(transaction)
    return { kind: 'written', transaction }
  })
  return {
    outcomes,
    writes: {
      transactions: written,
      targets: books.targetsChanged(),
      holdChanges,
      accounts: accountsMoved(books.accounts, state.accounts, at),
      at,
    },
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
