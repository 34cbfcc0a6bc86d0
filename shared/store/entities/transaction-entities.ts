import type { EntitySchemaOptions } from 'typeorm'
import type { Metadata } from '../../engine/transaction-record.ts'
import { directions, type Direction } from '../../ledger/account.ts'
import type { RequestedEntry } from '../../ledger/command.ts'
import type { MinorUnits } from '../../ledger/money.ts'
import type { Refusal } from '../../ledger/refusal.ts'
import type { HoldChangeWish, SpecialWish } from '../../ledger/special-wish.ts'
import {
  holdStatuses,
  transactionStatuses,
  type TransactionStatus,
} from '../../ledger/transaction.ts'
import { columnKinds, type Dialect } from '../dialect.ts'
import { oneOf, schema } from './entity-schema.ts'

/** A transaction: one row for life. */
export interface TransactionRow {
  ledgerId: number
  id: string
  status: TransactionStatus
  reference: string | null
  idempotencyKey: string | null
  fingerprint: Buffer | null
  description: string | null
  currency: string
  exponent: number | null
  metadata: Metadata | null
  effectiveAt: number | null
  orderingKey: string | null
  createdAt: number
  postedAt: number | null
  failedAt: number | null
  canceledAt: number | null
  failure: Refusal | null
  requestedEntries: readonly RequestedEntry[] | null
  slot: number | null
  sequence: number | null
  wish: SpecialWish | null
  /** Code and exponent of each entry's currency, by position; null when all are in the transaction's. */
  currencies: readonly (readonly [string, number])[] | null
  reversalOf: string | null
  holdId: string | null
  heldAt: number | null
  expiresAt: number | null
  resolvedAt: number | null
  /** Minor units captured or reversed of each entry, by position; null when nothing is. */
  resolvedEntries: readonly string[] | null
}

/** A change of a hold that was asked for; never changed, never removed. */
export interface HoldChangeRow {
  ledgerId: number
  id: string
  holdId: string
  wish: HoldChangeWish
  idempotencyKey: string | null
  fingerprint: Buffer | null
  expiresAt: number | null
  failure: Refusal | null
  createdAt: number
}

/** One side of a posted transaction; never changed, never removed. */
export interface EntryRow {
  ledgerId: number
  accountId: string
  accountVersion: number
  transactionId: string
  position: number
  direction: Direction
  amount: MinorUnits
  balanceAfter: MinorUnits
  debitsAfter: MinorUnits
  postedAt: number
  /** Null where it was posted by a version that made none. */
  hash: Buffer | null
  /** The version of the entry before it in the order of the transactions' ids; null where it is late (`EntryLink`). */
  followsVersion: number | null
}

/** The tables of transactions, of what was asked of holds, and of entries. */
export function transactionEntities(dialect: Dialect) {
  const kinds = columnKinds(dialect)
  const text = { type: 'text' } as const
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  return {
    transactions: schema<TransactionRow>({
      name: 'transactions',
      columns: {
        ledgerId,
        id: { ...kinds.id, primary: true },
        status: text,
        reference: { ...text, nullable: true },
        idempotencyKey: { ...text, name: 'idempotency_key', nullable: true },
        fingerprint: { ...kinds.bytes, nullable: true },
        description: { ...text, nullable: true },
        currency: text,
        exponent: { ...kinds.small, nullable: true },
        metadata: { ...kinds.json, nullable: true },
        effectiveAt: { ...kinds.time, name: 'effective_at', nullable: true },
        orderingKey: { ...text, name: 'ordering_key', nullable: true },
        createdAt: { ...kinds.time, name: 'created_at' },
        postedAt: { ...kinds.time, name: 'posted_at', nullable: true },
        failedAt: { ...kinds.time, name: 'failed_at', nullable: true },
        canceledAt: { ...kinds.time, name: 'canceled_at', nullable: true },
        failure: { ...kinds.jsonText, nullable: true },
        requestedEntries: { ...kinds.jsonText, name: 'requested_entries', nullable: true },
        slot: { ...kinds.small, nullable: true },
        sequence: { ...kinds.count, nullable: true },
        wish: { ...kinds.jsonText, nullable: true },
        currencies: { ...kinds.jsonText, nullable: true },
        reversalOf: { ...kinds.id, name: 'reversal_of', nullable: true },
        holdId: { ...kinds.id, name: 'hold_id', nullable: true },
        heldAt: { ...kinds.time, name: 'held_at', nullable: true },
        expiresAt: { ...kinds.time, name: 'expires_at', nullable: true },
        resolvedAt: { ...kinds.time, name: 'resolved_at', nullable: true },
        resolvedEntries: { ...kinds.jsonText, name: 'resolved_entries', nullable: true },
      },
      indices: [
        {
          name: 'transactions_idempotency_key',
          columns: ['ledgerId', 'idempotencyKey'],
          unique: true,
          where: `"idempotency_key" IS NOT NULL`,
        },
        {
          name: 'transactions_reference',
          columns: ['ledgerId', 'reference', 'id'],
          where: `"reference" IS NOT NULL`,
        },
        {
          name: 'transactions_failed',
          columns: ['ledgerId', 'id'],
          where: `"failed_at" IS NOT NULL`,
        },
        {
          name: 'transactions_canceled',
          columns: ['ledgerId', 'id'],
          where: `"canceled_at" IS NOT NULL`,
        },
        {
          name: 'transactions_holds_due',
          columns: ['ledgerId', 'expiresAt', 'id'],
          where: openHold,
        },
        { name: 'transactions_holds_open', columns: ['ledgerId', 'id'], where: openHold },
        {
          name: 'transactions_holds_ended',
          columns: ['ledgerId', 'id'],
          where: `"resolved_at" IS NOT NULL`,
        },
        {
          name: 'transactions_reversals',
          columns: ['ledgerId', 'reversalOf'],
          where: `"reversal_of" IS NOT NULL`,
        },
        {
          name: 'transactions_captures',
          columns: ['ledgerId', 'holdId'],
          where: `"hold_id" IS NOT NULL`,
        },
        {
          name: 'transactions_effective',
          columns: ['ledgerId', 'effectiveAt', 'id'],
          where: `"effective_at" IS NOT NULL`,
        },
        ...(dialect === 'sqlite' ? [postingsIndex] : []),
      ],
      checks: [
        oneOf('transactions_status_check', 'status', transactionStatuses),
        // TypeORM does not see the last check of a table of SQLite.
        ...(dialect === 'postgres' ? [holdTimesCheck] : []),
      ],
    }),
    entries: schema<EntryRow>({
      name: 'entries',
      columns: {
        ledgerId,
        accountId: { ...kinds.id, name: 'account_id', primary: true },
        accountVersion: { ...kinds.count, name: 'account_version', primary: true },
        transactionId: { ...kinds.id, name: 'transaction_id' },
        position: kinds.small,
        direction: text,
        amount: kinds.money,
        balanceAfter: { ...kinds.money, name: 'balance_after' },
        debitsAfter: { ...kinds.money, name: 'debits_after' },
        postedAt: { ...kinds.time, name: 'posted_at' },
        hash: { ...kinds.bytes, nullable: true },
        followsVersion: { ...kinds.count, name: 'follows_version', nullable: true },
      },
      indices: [
        { name: 'entries_transaction', columns: ['ledgerId', 'transactionId'] },
        {
          name: 'entries_late',
          columns: ['ledgerId', 'accountId', 'transactionId'],
          where: `"follows_version" IS NULL`,
        },
        {
          name: 'entries_posted',
          columns: ['ledgerId', 'postedAt', 'transactionId'],
          where: `"position" = 0`,
        },
      ],
      checks: [
        oneOf('entries_direction_check', 'direction', directions),
        ...(dialect === 'postgres'
          ? [{ name: 'entries_amount_check', expression: 'amount > 0' }]
          : [{ name: 'entries_amount_check', expression: sqliteAmount }]),
      ],
      ...(dialect === 'sqlite' ? { foreignKeys: sqliteEntryKeys } : {}),
    }),
    holdChanges: schema<HoldChangeRow>({
      name: 'hold_changes',
      columns: {
        ledgerId,
        id: { ...kinds.id, primary: true },
        holdId: { ...kinds.id, name: 'hold_id' },
        wish: kinds.jsonText,
        idempotencyKey: { ...text, name: 'idempotency_key', nullable: true },
        fingerprint: { ...kinds.bytes, nullable: true },
        expiresAt: { ...kinds.time, name: 'expires_at', nullable: true },
        failure: { ...kinds.jsonText, nullable: true },
        createdAt: { ...kinds.time, name: 'created_at' },
      },
      indices: [
        {
          name: 'hold_changes_idempotency_key',
          columns: ['ledgerId', 'idempotencyKey'],
          unique: true,
          where: `"idempotency_key" IS NOT NULL`,
        },
      ],
    }),
  }
}

/** A hold that has not ended. No column of it changes while a plain payment goes its way: its update stays HOT. */
const openHold = `"expires_at" IS NOT NULL AND "resolved_at" IS NULL`

/** A hold, and nothing else, has the time at which it was placed. */
const holdTimesCheck = {
  name: 'transactions_hold_times_check',
  expression: `(${oneOf('', 'status', holdStatuses).expression}) = (held_at is not null)`,
}

/** What SQLite has no numbers for: one to 38 digits, the first not zero. */
const sqliteAmount = `amount glob '[1-9]*' and amount not glob '*[^0-9]*' and length(amount) <= 38`

/** What the deferred key of SQLite's entries points at. */
const postingsIndex = {
  name: 'transactions_postings',
  columns: ['ledgerId', 'id', 'postedAt'],
  unique: true,
}

/**
 * SQLite checks row by row and cannot look at a whole statement, so its entries are held by keys: each names an
 * account that exists and, at commit, a transaction that was posted at the entry's own time. Postgres has
 * statement-level triggers instead: keys there cost 40 %, one trigger call a row.
 */
const sqliteEntryKeys: NonNullable<EntitySchemaOptions<EntryRow>['foreignKeys']> = [
  {
    name: 'entries_account_fkey',
    target: 'accounts',
    columnNames: ['ledgerId', 'accountId'],
    referencedColumnNames: ['ledgerId', 'id'],
  },
  {
    name: 'entries_transaction_fkey',
    target: 'transactions',
    columnNames: ['ledgerId', 'transactionId', 'postedAt'],
    referencedColumnNames: ['ledgerId', 'id', 'postedAt'],
    deferrable: 'INITIALLY DEFERRED',
  },
]
