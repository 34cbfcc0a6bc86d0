import { decimalsOf, parseDecimal } from '../ledger/money.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** A span of amounts in one currency, as decimal texts, both ends included. */
export interface AmountRange {
  readonly currency: string
  readonly gte?: string | undefined
  readonly lte?: string | undefined
}

/** An exact decimal: a whole number of units, `decimals` of which are behind the point. */
interface Decimal {
  readonly units: bigint
  readonly decimals: number
}

/**
 * Whether what a transaction debits in a currency, all entries together, lies in a range. One that has no entry in that currency
 * does not. What was only asked for counts like what was posted, also where it is no amount of the currency. Pure.
 */
export function totalDebitsWithin(transaction: TransactionRecord, range: AmountRange): boolean {
  const debits = debitsIn(transaction, range.currency)
  if (debits.length === 0) return false
  const decimals = Math.max(...debits.map((debit) => debit.decimals))
  const total = debits.reduce((sum, debit) => sum + unitsAt(debit, decimals), 0n)
  const sum = { units: total, decimals }
  return (
    (range.gte === undefined || isAtLeast(sum, decimalOf(range.gte))) &&
    (range.lte === undefined || isAtLeast(decimalOf(range.lte), sum))
  )
}

/** The debits in a currency; each entry has its own, or the transaction's. */
function debitsIn(transaction: TransactionRecord, code: string): Decimal[] {
  const { entries, requestedEntries, currency, currencies, exponent } = transaction
  const posted = entries.map(({ direction, amount }, position) => {
    const own = currencies?.[position] ?? { code: currency, exponent: exponent ?? 0 }
    return { direction, code: own.code, amount: { units: amount, decimals: own.exponent } }
  })
  const requested = requestedEntries.map((entry) => ({
    direction: entry.direction,
    code: entry.currency ?? currency,
    amount: decimalOf(entry.amount),
  }))
  return [...posted, ...requested]
    .filter((entry) => entry.direction === 'debit' && entry.code === code)
    .map(({ amount }) => amount)
}

function decimalOf(text: string): Decimal {
  const decimals = decimalsOf(text)
  return { units: parseDecimal(text, decimals), decimals }
}

function isAtLeast(a: Decimal, b: Decimal): boolean {
  const decimals = Math.max(a.decimals, b.decimals)
  return unitsAt(a, decimals) >= unitsAt(b, decimals)
}

function unitsAt({ units, decimals }: Decimal, scale: number): bigint {
  return units * 10n ** BigInt(scale - decimals)
}
