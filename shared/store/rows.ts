import type { HoldChangeRecord } from '../engine/hold-change-record.ts'
import type { StandingTransaction } from '../engine/posting-store.ts'
import type { TransactionRecord } from '../engine/transaction-record.ts'
import type { AccountStatus, AccountType, Direction } from '../ledger/account.ts'
import type { RequestedEntry } from '../ledger/command.ts'
import type { Currency } from '../ledger/currency.ts'
import type { PostedEntry } from '../ledger/decide.ts'
import { minorUnits, type MinorUnits } from '../ledger/money.ts'
import type { Refusal } from '../ledger/refusal.ts'
import type { HoldChangeWish, SpecialWish } from '../ledger/special-wish.ts'
import type { TransactionStatus } from '../ledger/transaction.ts'
import type { AccountEntry, AccountRecord, ListedEntry } from '../engine/account-record.ts'

/** A row as a driver returns it: snake_case columns, values as that driver has them. */
export type Row = Readonly<Record<string, unknown>>

/** Reads an account from a row of either store. */
export function accountOf(row: Row): AccountRecord {
  return {
    ledgerId: row['ledger_id'] as number,
    id: row['id'] as string,
    code: row['code'] as string | null,
    name: row['name'] as string,
    accountType: row['account_type'] as AccountType,
    currency: row['currency'] as string,
    exponent: row['exponent'] as number,
    status: row['status'] as AccountStatus,
    minAvailable: row['min_available'] === null ? null : money(row['min_available']),
    metadata: json(row['metadata']) ?? {},
    postedDebits: money(row['posted_debits']),
    postedCredits: money(row['posted_credits']),
    heldDebits: money(row['held_debits']),
    heldCredits: money(row['held_credits']),
    version: Number(row['version']),
    lastPostedAt: time(row['last_posted_at']),
    createdAt: timeThere(row['created_at']),
  }
}

/** The hash of an account's newest entry in hex; null where that entry has none. */
export function chainHashOf(row: Row): string | null {
  const isCurrent = Number(row['chain_version']) === Number(row['version'])
  return isCurrent ? hex(row['chain_hash']) : null
}

/** Reads a transaction from its row; its entries, when it is posted, come from their own rows. */
export function transactionOf(row: Row, entries: readonly PostedEntry[]): TransactionRecord {
  return {
    ledgerId: row['ledger_id'] as number,
    id: row['id'] as string,
    status: row['status'] as TransactionStatus,
    reference: row['reference'] as string | null,
    idempotencyKey: row['idempotency_key'] as string | null,
    fingerprint: hex(row['fingerprint']),
    description: row['description'] as string | null,
    currency: row['currency'] as string,
    exponent: row['exponent'] as number | null,
    metadata: json(row['metadata']) ?? {},
    effectiveAt: time(row['effective_at']),
    orderingKey: row['ordering_key'] as string | null,
    createdAt: timeThere(row['created_at']),
    postedAt: time(row['posted_at']),
    failedAt: time(row['failed_at']),
    canceledAt: time(row['canceled_at']),
    heldAt: time(row['held_at']),
    expiresAt: time(row['expires_at']),
    resolvedAt: time(row['resolved_at']),
    resolved: json<readonly string[]>(row['resolved_entries'])?.map(money) ?? null,
    currencies: currenciesOf(row['currencies']),
    wish: json<SpecialWish>(row['wish']),
    reversalOf: row['reversal_of'] as string | null,
    holdId: row['hold_id'] as string | null,
    failure: json<Refusal>(row['failure']),
    requestedEntries: json<readonly RequestedEntry[]>(row['requested_entries']) ?? [],
    entries,
    place:
      row['slot'] === null
        ? null
        : { slot: row['slot'] as number, sequence: Number(row['sequence']) },
  }
}

/** Reads what a retry needs to know of a transaction. */
export function standingTransactionOf(row: Row): StandingTransaction {
  return {
    id: row['id'] as string,
    idempotencyKey: row['idempotency_key'] as string | null,
    fingerprint: hex(row['fingerprint']),
    status: row['status'] as TransactionStatus,
  }
}

/** Reads the change of a hold from its row. */
export function holdChangeOf(row: Row): HoldChangeRecord {
  const wish = json<HoldChangeWish>(row['wish'])
  if (wish === null) throw new Error('the change of a hold does not say what was asked')
  return {
    id: row['id'] as string,
    holdId: row['hold_id'] as string,
    wish,
    idempotencyKey: row['idempotency_key'] as string | null,
    fingerprint: hex(row['fingerprint']),
    expiresAt: time(row['expires_at']),
    failure: json<Refusal>(row['failure']),
    createdAt: timeThere(row['created_at']),
  }
}

/** Reads an entry from its row. */
export function entryOf(row: Row): AccountEntry {
  return {
    accountId: row['account_id'] as string,
    accountVersion: Number(row['account_version']),
    transactionId: row['transaction_id'] as string,
    position: row['position'] as number,
    direction: row['direction'] as Direction,
    amount: money(row['amount']),
    balanceAfter: money(row['balance_after']),
    debitsAfter: money(row['debits_after']),
    postedAt: timeThere(row['posted_at']),
  }
}

/** Reads an entry from its row, in which `effective_at` is null unless its transaction names one. */
export function listedEntryOf(row: Row): ListedEntry {
  const entry = entryOf(row)
  return { ...entry, effectiveAt: time(row['effective_at']) ?? entry.postedAt }
}

/** Both drivers hand out `numeric` and TEXT as strings; bigint keeps all 38 digits. */
export function money(value: unknown): MinorUnits {
  return minorUnits(BigInt(value as string))
}

/** A time in ms since 1970: `Date` from Postgres, an integer from SQLite. */
export function time(value: unknown): number | null {
  if (value === null || value === undefined) return null
  return value instanceof Date ? value.getTime() : Number(value)
}

/** A hash as hex: bytes in both stores. */
export function hex(value: unknown): string | null {
  return value === null ? null : (value as Buffer).toString('hex')
}

/** The currencies of entries by position: pairs of code and exponent. */
function currenciesOf(value: unknown): readonly Currency[] | null {
  const pairs = json<readonly (readonly [string, number])[]>(value)
  return pairs?.map(([code, exponent]) => ({ code, exponent })) ?? null
}

function timeThere(value: unknown): number {
  const ms = time(value)
  if (ms === null) throw new Error('a time that every row has is missing')
  return ms
}

/** JSON: an object from Postgres' jsonb, a text from SQLite. */
export function json<Value>(value: unknown): Value | null {
  return (typeof value === 'string' ? JSON.parse(value) : value) as Value | null
}
