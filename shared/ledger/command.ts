import type { Direction } from './account.ts'
import type { Currencies, Currency } from './currency.ts'
import {
  amountFault,
  decimalsOf,
  formatMinorUnits,
  minorUnitsMax,
  parseDecimal,
  type MinorUnits,
} from './money.ts'
import { refuse, type Refusal } from './refusal.ts'

/** The fewest and the most entries a transaction may have. */
export const entriesMin = 2
export const entriesMax = 1000

/** One wished-for side of a transaction, its amount still the decimal text the client wrote. */
export interface RequestedEntry {
  readonly accountId: string
  readonly direction: Direction
  readonly amount: string
  /** The entry's own currency; left out when it is the transaction's. */
  readonly currency?: string
}

/** One side of a transaction with its amount as exact money. */
export interface PricedEntry {
  readonly accountId: string
  readonly direction: Direction
  readonly amount: MinorUnits
}

/** What a transaction wishes for, as far as the rules of the ledger care. */
export interface Wish {
  readonly currency: string
  readonly entries: readonly RequestedEntry[]
}

/** What a wish comes to: exact money, and the currency it is in. */
export interface Priced {
  readonly currency: Currency
  /** The currency of each entry by position; null when all are in the transaction's. */
  readonly currencies: readonly Currency[] | null
  readonly entries: readonly PricedEntry[]
}

/** A wish that is sound by itself, or the refusal it deserves whatever the accounts say. */
export type Pricing =
  ({ readonly ok: true } & Priced) | { readonly ok: false; readonly refusal: Refusal }

/**
 * Judges all of a wish that needs no account, in the public order, and turns its amounts into minor units. Pure.
 *
 * Each rule is checked on every entry before the next rule is looked at: the order of the rules is public,
 * the order of the entries only breaks ties.
 */
export function price(wish: Wish, known: Currencies): Pricing {
  const currency = known.get(wish.currency)
  if (currency === undefined) return refused(refuse('currency_unknown'))
  const currencies = currenciesOf(wish, currency, known)
  const stranger = currencies?.indexOf(undefined) ?? -1
  if (stranger !== -1) return refused(refuse('currency_unknown', { position: stranger }))
  return priceIn(wish, currency, currencies as readonly Currency[] | null)
}

/** The same once all currencies are known. */
function priceIn(wish: Wish, currency: Currency, currencies: readonly Currency[] | null): Pricing {
  const fault = firstAmountFault(wish.entries, currency, currencies)
  if (fault !== undefined) return refused(fault)

  const entries = wish.entries.map((entry, position) => ({
    accountId: entry.accountId,
    direction: entry.direction,
    amount: parseDecimal(entry.amount, exponentAt(position, currency, currencies)),
  }))
  const imbalance = firstImbalance({ currency, currencies, entries })
  if (imbalance !== undefined) return refused(imbalance)
  const first = entries[0]?.accountId
  if (first !== undefined && entries.every((entry) => entry.accountId === first)) {
    return refused(refuse('single_account', { account_id: first }))
  }
  return { ok: true, currency, currencies, entries }
}

/** The currency of each entry, as far as it is known; null when all are in the transaction's, as nearly always. */
function currenciesOf(
  wish: Wish,
  currency: Currency,
  known: Currencies,
): readonly (Currency | undefined)[] | null {
  const { code } = currency
  if (wish.entries.every(({ currency: own }) => own === undefined || own === code)) return null
  return wish.entries.map((entry) => known.get(entry.currency ?? code))
}

/** The first currency in which the sums are too large, or else in which debits are not credits. */
function firstImbalance(priced: Priced): Refusal | undefined {
  const { currency, currencies, entries } = priced
  const groups =
    currencies === null
      ? [{ currency, entries }]
      : [...new Set(currencies)].map((own) => ({
          currency: own,
          entries: entries.filter((_, position) => currencies[position] === own),
        }))
  const sums = groups.map((group) => ({
    currency: group.currency,
    debits: sumOf(group.entries, 'debit'),
    credits: sumOf(group.entries, 'credit'),
  }))
  if (sums.some(({ debits, credits }) => debits > minorUnitsMax || credits > minorUnitsMax)) {
    return refuse('amount_too_large')
  }
  const uneven = sums.find(({ debits, credits }) => debits !== credits)
  if (uneven === undefined) return undefined
  const { code, exponent } = uneven.currency
  return refuse('unbalanced', {
    currency: code,
    debits: formatMinorUnits(uneven.debits, exponent),
    credits: formatMinorUnits(uneven.credits, exponent),
  })
}

/**
 * The entries as the API shows them before they are posted: canonical scale where the amount has one, and a currency only
 * where it is not the transaction's.
 */
export function canonicalEntries(wish: Wish, known: Currencies): readonly RequestedEntry[] {
  return wish.entries.map(({ accountId, direction, amount, currency: own }) => {
    const code = own ?? wish.currency
    const currency = known.get(code)
    const canonical = currency === undefined ? amount : canonicalAmount(amount, currency)
    return code === wish.currency
      ? { accountId, direction, amount: canonical }
      : { accountId, direction, amount: canonical, currency: code }
  })
}

/** Fills up the decimals: `"125"` USD is `"125.00"`. What is no amount of the currency stays as it is. */
export function canonicalAmount(amount: string, currency: Currency): string {
  const missing = currency.exponent - decimalsOf(amount)
  if (missing <= 0) return amount
  const point = missing === currency.exponent ? '.' : ''
  return amount + point + '0'.repeat(missing)
}

function firstAmountFault(
  entries: readonly RequestedEntry[],
  currency: Currency,
  currencies: readonly Currency[] | null,
): Refusal | undefined {
  const faults = entries.map((entry, position) =>
    amountFault(entry.amount, exponentAt(position, currency, currencies)),
  )
  if (faults.every((fault) => fault === undefined)) return undefined
  for (const code of ['amount_not_positive', 'amount_scale', 'amount_too_large'] as const) {
    const position = faults.indexOf(code)
    if (position !== -1) return refuse(code, { position })
  }
  return undefined
}

/** The exponent of an entry's own currency, or else of the transaction's. */
function exponentAt(
  position: number,
  currency: Currency,
  currencies: readonly Currency[] | null,
): number {
  return (currencies?.[position] ?? currency).exponent
}

function sumOf(entries: readonly PricedEntry[], direction: Direction): MinorUnits {
  let sum = 0n
  for (const entry of entries) if (entry.direction === direction) sum += entry.amount
  return sum as MinorUnits
}

function refused(refusal: Refusal): Pricing {
  return { ok: false, refusal }
}
