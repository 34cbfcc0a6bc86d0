import type { HoldChangeRecord } from '../engine/hold-change-record.ts'
import type { TransactionRecord } from '../engine/transaction-record.ts'

/** What was asked for beyond posting at once, as a JSON column keeps it; null stays null. */
export function wishText({ wish }: TransactionRecord | HoldChangeRecord): string | null {
  return wish === null ? null : JSON.stringify(wish)
}

/** The currencies of entries by position, as pairs of code and exponent; null when there is one only. */
export function currenciesText({ currencies }: TransactionRecord): string | null {
  return currencies === null
    ? null
    : JSON.stringify(currencies.map(({ code, exponent }) => [code, exponent]))
}

/** How much of each entry has been captured or reversed: minor units as text, which JSON's numbers could not hold. */
export function resolvedText({ resolved }: TransactionRecord): string | null {
  return resolved === null ? null : JSON.stringify(resolved.map(String))
}

/** Whether writing a transaction takes more than a plain payment does: columns that only holds, captures and the like have. */
export function isSpecial(transaction: TransactionRecord): boolean {
  return transaction.wish !== null || transaction.currencies !== null
}
