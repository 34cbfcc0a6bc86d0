import { price } from '../ledger/command.ts'
import { decide, type RunningAccounts } from '../ledger/decide.ts'
import type { DrainDecider, DrainState, DrainWrites, TakenTransaction } from './queue-store.ts'
import { accountsMoved, timeOfBatch } from './batch-time.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** Decides what was taken out of the queue, in its order, by the same rules as everything that is posted. Pure. */
export const drainDecider: DrainDecider = {
  accountsOf(taken: readonly TakenTransaction[]): readonly string[] {
    const ids = new Set<string>()
    for (const { transaction } of taken) {
      for (const entry of transaction.requestedEntries) ids.add(entry.accountId)
    }
    return [...ids]
  },

  decide(state: DrainState): DrainWrites {
    const accounts: RunningAccounts = new Map(state.accounts)
    const at = timeOfBatch(state.now, state.accounts)
    const ended = state.taken.map(({ transaction }) => endOf(transaction, accounts, at))
    return { ended, accounts: accountsMoved(accounts, state.accounts, at), at }
  },
}

function endOf(
  queued: TransactionRecord,
  accounts: RunningAccounts,
  at: number,
): TransactionRecord {
  const { currency: code, exponent, requestedEntries } = queued
  if (exponent === null) throw new Error('a transaction was queued in an unknown currency')
  const pricing = price(
    { currency: code, entries: requestedEntries },
    new Map([[code, { code, exponent }]]),
  )
  if (!pricing.ok) throw new Error('a transaction was queued that is refused by itself')
  const decision = decide(code, pricing.entries, accounts)
  return decision.outcome === 'posted'
    ? { ...queued, status: 'posted', postedAt: at, entries: decision.entries, requestedEntries: [] }
    : { ...queued, status: 'failed', failedAt: at, failure: decision.refusal }
}
