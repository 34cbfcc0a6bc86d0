import type { PricedEntry } from '../ledger/command.ts'
import { parseDecimal, type MinorUnits } from '../ledger/money.ts'
import type { Target } from '../ledger/target.ts'
import { isHoldStatus } from '../ledger/transaction.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** What the decision of another transaction needs to know of one: what it moved or set aside, and what is left of that. */
export function targetOf(record: TransactionRecord): Target {
  const { id, status, currency: code, exponent, currencies, expiresAt } = record
  return {
    id,
    status,
    isReversal: record.reversalOf !== null,
    expiresAt,
    // Only what was refused by itself has no exponent, and of that nothing can be captured or reversed.
    currency: { code, exponent: exponent ?? 0 },
    currencies,
    entries: entriesOf(record),
    resolved: record.resolved ?? [],
  }
}

/** The entries with exact amounts: as they were posted, or as they are or would be held; none where there is no telling. */
export function entriesOf(record: TransactionRecord): readonly PricedEntry[] {
  if (record.status === 'posted') return record.entries
  if (record.status !== 'queued' && !isHoldStatus(record.status)) return []
  return record.requestedEntries.map((entry, position) => {
    const exponent = record.currencies?.[position]?.exponent ?? record.exponent
    if (exponent === null) throw new Error('a transaction was taken in an unknown currency')
    return {
      accountId: entry.accountId,
      direction: entry.direction,
      amount: parseDecimal(entry.amount, exponent),
    }
  })
}

/** A record after its hold was changed, captured or ended, or something of it was reversed, at a time. */
export function withTarget(
  record: TransactionRecord,
  target: Target,
  at: number,
): TransactionRecord {
  const ended = isHoldStatus(target.status) && target.status !== 'held'
  return {
    ...record,
    status: target.status,
    expiresAt: target.expiresAt,
    resolved: target.resolved.some((amount: MinorUnits) => amount > 0n) ? target.resolved : null,
    resolvedAt: ended ? (record.resolvedAt ?? at) : null,
  }
}
