import { closedBooksRefusal } from '../ledger/closed-books.ts'
import { price, type Priced } from '../ledger/command.ts'
import type { Currencies } from '../ledger/currency.ts'
import { decideWish } from '../ledger/decide-wish.ts'
import { conditionsOf, targetOfWish } from '../ledger/special-wish.ts'
import { accountsMoved } from './batch-time.ts'
import { endOf, refusedFor, type Verdict } from './decide-batch.ts'
import type { DrainDecider, DrainState, DrainWrites, TakenTransaction } from './queue-store.ts'
import { RunningBooks } from './running-books.ts'
import { entriesOf } from './target-of.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** Decides what was taken out of the queue, in its order, by the same rules as everything that is posted. Pure. */
export const drainDecider: DrainDecider = {
  targetsOf(taken: readonly TakenTransaction[]): readonly string[] {
    const ids = new Set<string>()
    for (const { transaction } of taken) {
      const target = targetOfWish(transaction.wish)
      if (target !== undefined) ids.add(target)
    }
    // What was taken with it is in hand already, and must not be waited for.
    if (ids.size > 0) for (const { transaction } of taken) ids.delete(transaction.id)
    return [...ids]
  },

  accountsOf(
    taken: readonly TakenTransaction[],
    targets: readonly TransactionRecord[],
  ): readonly string[] {
    const ids = new Set<string>()
    for (const { transaction } of taken) {
      for (const entry of transaction.requestedEntries) ids.add(entry.accountId)
      for (const { accountId } of conditionsOf(transaction.wish)) ids.add(accountId)
    }
    for (const target of targets) for (const entry of entriesOf(target)) ids.add(entry.accountId)
    return [...ids]
  },

  closingMatters(taken: readonly TakenTransaction[]): boolean {
    return taken.some(({ transaction }) => transaction.effectiveAt !== null)
  },

  decide(state: DrainState): DrainWrites {
    const books = new RunningBooks(state)
    const wanted = new Set(state.taken.map(({ transaction }) => targetOfWish(transaction.wish)))
    const ended = state.taken.map(({ transaction }): TransactionRecord => {
      const verdict = verdictOn(transaction, state, books)
      const record = { ...transaction, ...endOf(verdict, books.at) }
      if (wanted.has(record.id)) books.add(record)
      return record
    })
    return {
      // A hold may have been placed and captured within this one drain.
      ended: ended.map((record) => books.asItStands(record)),
      targets: books.targetsChanged(),
      accounts: accountsMoved(books.accounts, state.accounts, books.at),
      at: books.at,
    }
  },
}

/** The books may have been closed since it was accepted. */
function verdictOn(
  queued: TransactionRecord,
  { booksClosedUntil }: DrainState,
  books: RunningBooks,
): Verdict {
  const closed = closedBooksRefusal(queued.effectiveAt, booksClosedUntil)
  return closed === undefined
    ? decideWish(queued.wish, pricedOf(queued), books)
    : refusedFor(closed)
}

/** What a queued transaction asks for, with exact amounts: all that is wrong by itself was refused before it was queued. */
function pricedOf(queued: TransactionRecord): Priced {
  const { currency: code, exponent, currencies, requestedEntries, wish } = queued
  if (exponent === null) throw new Error('a transaction was queued in an unknown currency')
  const currency = { code, exponent }
  const ofTarget = wish?.kind === 'capture' || wish?.kind === 'reversal'
  if (ofTarget && wish.part.of !== 'entries') return { currency, currencies: null, entries: [] }
  const known: Currencies = new Map([currency, ...(currencies ?? [])].map((one) => [one.code, one]))
  const pricing = price({ currency: code, entries: requestedEntries }, known)
  if (!pricing.ok) throw new Error('a transaction was queued that is refused by itself')
  return pricing
}
