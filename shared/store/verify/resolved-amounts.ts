import { parseDecimal } from '../../ledger/money.ts'
import type { Row } from '../rows.ts'
import { wholeNumber } from './whole-number.ts'

/** An amount on one side of an account, in minor units. */
export interface SidedAmount {
  readonly accountId: string
  readonly direction: string
  readonly amount: bigint
}

/** What a hold asked for, as its row keeps it: decimal texts in the scale of each entry's currency. */
export function requestedAmounts(row: Row): SidedAmount[] {
  const entries = parsed<{ accountId: string; direction: string; amount: string }[]>(
    row['requested_entries'],
  )
  const currencies = parsed<[string, number][]>(row['currencies'])
  return (entries ?? []).map(({ accountId, direction, amount }, position) => ({
    accountId,
    direction,
    amount: parseDecimal(amount, currencies?.[position]?.[1] ?? Number(row['exponent'])),
  }))
}

/** How much of each entry is captured or reversed, by position; undefined where it is no number. */
export function resolvedAmounts(row: Row): (bigint | undefined)[] {
  return (parsed<unknown[]>(row['resolved_entries']) ?? []).map(wholeNumber)
}

/** JSON: an object from Postgres, a text from SQLite and where it was cast. */
function parsed<Value>(value: unknown): Value | null {
  return (typeof value === 'string' ? JSON.parse(value) : (value ?? null)) as Value | null
}

/** The name of one side of an account, for sums. */
export function sideOf({ accountId, direction }: Omit<SidedAmount, 'amount'>): string {
  return `${direction} of account ${accountId}`
}

/** Adds an amount to a sum by side. */
export function addTo(sums: Map<string, bigint>, side: string, amount: bigint): void {
  sums.set(side, (sums.get(side) ?? 0n) + amount)
}
