import { closedBooksRefusal } from '../ledger/closed-books.ts'
import { price, type Priced } from '../ledger/command.ts'
import type { Currencies } from '../ledger/currency.ts'
import { decideWish } from '../ledger/decide-wish.ts'
import { refuse, type Refusal } from '../ledger/refusal.ts'
import { conditionsOf, targetOfWish } from '../ledger/special-wish.ts'
import { accountsMoved } from './batch-time.ts'
import { chainEntries } from './entry-chain.ts'
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
    const ended: TransactionRecord[] = []
    for (const unit of unitsOf(state.taken)) {
      for (const record of decideUnit(unit, state, books)) {
        if (wanted.has(record.id)) books.add(record)
        ended.push(record)
      }
    }
    const { links, heads } = chainEntries(ended, state.accounts)
    return {
      // A hold may have been placed and captured within this one drain.
      ended: ended.map((record) => books.asItStands(record)),
      targets: books.targetsChanged(),
      accounts: accountsMoved(books.accounts, state.accounts, books.at, heads),
      links,
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

/** What was taken, in pieces that end together: a transaction, or an atomic batch. */
function unitsOf(taken: readonly TakenTransaction[]): TakenTransaction[][] {
  const units: TakenTransaction[][] = []
  for (const one of taken) {
    const last = units.at(-1)
    if (one.batchId !== null && last?.[0]?.batchId === one.batchId) last.push(one)
    else units.push([one])
  }
  return units
}

/** Ends all of a unit well, or all of it as failed: for the refusal of one of them. */
function decideUnit(
  unit: readonly TakenTransaction[],
  state: DrainState,
  books: RunningBooks,
): TransactionRecord[] {
  const before = unit.length > 1 ? books.mark() : undefined
  const ended: TransactionRecord[] = []
  for (const { transaction } of unit) {
    const verdict = verdictOn(transaction, state, books)
    if (verdict.outcome === 'refused' && before !== undefined) {
      books.backTo(before)
      return failedFor(verdict.refusal, ended.length, unit, books.at)
    }
    ended.push({ ...transaction, ...endOf(verdict, books.at) })
  }
  return ended
}

function failedFor(
  refusal: Refusal,
  culprit: number,
  unit: readonly TakenTransaction[],
  at: number,
): TransactionRecord[] {
  return unit.map(({ transaction, batchId }, index) => {
    const own = index === culprit
    const details = { culprit: unit[culprit]?.position ?? culprit, batch_id: batchId ?? '' }
    const failure = own ? refusal : refuse('batch_aborted', details)
    return { ...transaction, ...endOf({ outcome: 'refused', refusal: failure }, at) }
  })
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
