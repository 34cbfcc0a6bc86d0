import { formatMinorUnits, type MinorUnits } from '../ledger/money.ts'
import { csvRow } from './csv.ts'
import type { StatementLineJson } from './statement-json.ts'

/** The names of the columns; the first says what a row is. */
const columns = [
  'type',
  'posted_at',
  'effective_at',
  'transaction_id',
  'account_version',
  'reference',
  'description',
  'direction',
  'amount',
  'balance_after',
] as const

/** The first row: the names of the columns. */
export const statementCsvHeader = csvRow(columns)

/** The row of the opening or the closing balance. */
export function statementCsvBalance(
  type: 'opening_balance' | 'closing_balance',
  balance: MinorUnits,
  exponent: number,
): string {
  const empty = Array.from({ length: columns.length - 2 }, () => null)
  return csvRow([type, ...empty, formatMinorUnits(balance, exponent)])
}

/** The row of one line. */
export function statementCsvLine(line: StatementLineJson): string {
  return csvRow([
    'entry',
    line.posted_at,
    line.effective_at,
    line.transaction_id,
    line.account_version,
    { text: line.reference },
    { text: line.description },
    line.direction,
    line.amount,
    line.balance_after,
  ])
}
