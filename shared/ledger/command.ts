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

/** A wish that is sound by itself, or the refusal it deserves whatever the accounts say. */
export type Pricing =
  | { readonly ok: true; readonly currency: Currency; readonly entries: readonly PricedEntry[] }
  | { readonly ok: false; readonly refusal: Refusal }

/**
 * Judges all of a wish that needs no account, in the public order, and turns its amounts into minor units. Pure.
 *
 * Each rule is checked on every entry before the next rule is looked at: the order of the rules is public,
 * the order of the entries only breaks ties.
 */
export function price(wish: Wish, currencies: Currencies): Pricing {
  const currency = currencies.get(wish.currency)
  if (currency === undefined) return refused(refuse('currency_unknown'))

  const fault = firstAmountFault(wish.entries, currency.exponent)
  if (fault !== undefined) return refused(fault)

  const entries = wish.entries.map((entry) => ({
    accountId: entry.accountId,
    direction: entry.direction,
    amount: parseDecimal(entry.amount, currency.exponent),
  }))
  const debits = sumOf(entries, 'debit')
  const credits = sumOf(entries, 'credit')
  if (debits > minorUnitsMax || credits > minorUnitsMax) return refused(refuse('amount_too_large'))
  if (debits !== credits) {
    return refused(
      refuse('unbalanced', {
        debits: formatMinorUnits(debits, currency.exponent),
        credits: formatMinorUnits(credits, currency.exponent),
      }),
    )
  }
  const first = entries[0]?.accountId
  if (first !== undefined && entries.every((entry) => entry.accountId === first)) {
    return refused(refuse('single_account', { account_id: first }))
  }
  return { ok: true, currency, entries }
}

/** The entries as the API shows them before they are posted: canonical scale where the amount has one. */
export function canonicalEntries(
  wish: Wish,
  currency: Currency | undefined,
): readonly RequestedEntry[] {
  if (currency === undefined) return wish.entries
  return wish.entries.map(({ accountId, direction, amount }) => ({
    accountId,
    direction,
    amount: canonicalAmount(amount, currency),
  }))
}

/** Fills up the decimals: `"125"` USD is `"125.00"`. What is no amount of the currency stays as it is. */
function canonicalAmount(amount: string, currency: Currency): string {
  const missing = currency.exponent - decimalsOf(amount)
  if (missing <= 0) return amount
  const point = missing === currency.exponent ? '.' : ''
  return amount + point + '0'.repeat(missing)
}

function firstAmountFault(
  entries: readonly RequestedEntry[],
  exponent: number,
): Refusal | undefined {
  const faults = entries.map((entry) => amountFault(entry.amount, exponent))
  if (faults.every((fault) => fault === undefined)) return undefined
  for (const code of ['amount_not_positive', 'amount_scale', 'amount_too_large'] as const) {
    const position = faults.indexOf(code)
    if (position !== -1) return refuse(code, { position })
  }
  return undefined
}

function sumOf(entries: readonly PricedEntry[], direction: Direction): MinorUnits {
  let sum = 0n
  for (const entry of entries) if (entry.direction === direction) sum += entry.amount
  return sum as MinorUnits
}

function refused(refusal: Refusal): Pricing {
  return { ok: false, refusal }
}
