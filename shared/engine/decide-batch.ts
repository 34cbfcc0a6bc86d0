import { decide, type RunningAccounts } from '../ledger/decide.ts'
import { accountsMoved, timeOfBatch } from './batch-time.ts'
import { newRecord } from './new-record.ts'
import type { PostCommand, PostOutcome } from './post-command.ts'
import type { BatchState, BatchWrites } from './posting-store.ts'
import { StandingIndex } from './standing-index.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** What a batch answers and what it writes; `outcomes[i]` answers `commands[i]`. */
export interface BatchDecision {
  readonly outcomes: readonly PostOutcome[]
  readonly writes: BatchWrites
}

/**
 * Decides a batch in arrival order, each member against the accounts as its predecessors leave them. Pure.
 *
 * Judged in this order: the transaction stands already (an earlier try got through) · its key is known · it is
 * refused by itself · the accounts refuse it. A refused member leaves no trace on the others.
 */
export function decideBatch(commands: readonly PostCommand[], state: BatchState): BatchDecision {
  const accounts: RunningAccounts = new Map(state.accounts)
  const standing = new StandingIndex(state.standing)
  const at = timeOfBatch(state.now, state.accounts)
  const written: TransactionRecord[] = []

  const outcomes = commands.map((command): PostOutcome => {
    const before = standing.outcomeFor(command)
    if (before !== undefined) return before

    const verdict = command.pricing.ok
      ? decide(command.currency, command.pricing.entries, accounts)
      : ({ outcome: 'refused', refusal: command.pricing.refusal } as const)
    if (verdict.outcome === 'refused' && command.idempotencyKey === null) {
      return { kind: 'refused', refusal: verdict.refusal }
    }
    const transaction =
      verdict.outcome === 'posted'
        ? newRecord(command, at, {
            status: 'posted',
            postedAt: at,
            entries: verdict.entries,
            requestedEntries: [],
          })
        : newRecord(command, at, { status: 'failed', failedAt: at, failure: verdict.refusal })
    written.push(transaction)
    standing.add(transaction)
    return { kind: 'written', transaction }
  })
  return {
    outcomes,
    writes: { transactions: written, accounts: accountsMoved(accounts, state.accounts, at), at },
  }
}
