import { EntitySchema, type EntitySchemaOptions } from 'typeorm'
import {
  accountStatuses,
  accountTypes,
  directions,
  type AccountStatus,
  type AccountType,
  type Direction,
} from '../ledger/account.ts'
import type { StoredProblem } from '../engine/batch-record.ts'
import type { EventType } from '../engine/event.ts'
import type { BatchMode } from '../engine/command-batch.ts'
import type { RequestedEntry } from '../ledger/command.ts'
import type { MinorUnits } from '../ledger/money.ts'
import type { Refusal } from '../ledger/refusal.ts'
import type { HoldChangeWish, SpecialWish } from '../ledger/special-wish.ts'
import { holdStatuses, transactionStatuses, type TransactionStatus } from '../ledger/transaction.ts'
import type { StoredRecord } from './audit-log.ts'
import { roles, type Role } from '../access/role.ts'
import type { Metadata } from '../engine/transaction-record.ts'
import {
  webhookEntities,
  type WebhookDeliveryRow,
  type WebhookEndpointRow,
} from './webhook-entities.ts'
import { columnKinds, type ColumnKinds, type Dialect } from './dialect.ts'

/** A book: everything else belongs to exactly one. */
export interface LedgerRow {
  id: number
  name: string
  /** Signs this ledger's cursors, so that one of another ledger is not taken for ours. */
  cursorSecret: Buffer
  /** Nothing takes effect at or before this time any more; null while the books were never closed. */
  booksClosedUntil: number | null
  createdAt: number
}

/** A currency that a ledger registered besides ISO 4217. */
export interface CurrencyRow {
  ledgerId: number
  code: string
  exponent: number
  createdAt: number
}

/** An account with its running totals. Times are ms since 1970, money is minor units. */
export interface AccountRow {
  ledgerId: number
  id: string
  code: string | null
  name: string
  accountType: AccountType
  currency: string
  exponent: number
  status: AccountStatus
  minAvailable: MinorUnits | null
  metadata: Metadata | null
  postedDebits: MinorUnits
  postedCredits: MinorUnits
  heldDebits: MinorUnits
  heldCredits: MinorUnits
  version: number
  lastPostedAt: number | null
  /** The hash of the entry of version `chainVersion`: the newest one, unless that was posted without. */
  chainHash: Buffer | null
  chainVersion: number | null
  createdAt: number
}

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
}

/** A place in the durable queue: narrow, and gone once its transaction has ended. */
export interface QueuedTransactionRow {
  ledgerId: number
  slot: number
  sequence: number
  transactionId: string
  /** How many entries it will have: what bounds a drain. */
  entryCount: number
  orderingKey: string
  enqueuedAt: number
  attempts: number
  deaths: number
  lastError: string | null
  parkedAt: number | null
  parkedReason: string | null
  /** The atomic batch that the place stands for; null when it stands for its one transaction. */
  batchId: string | null
  /** The trace by which it came; null when that is not recorded. */
  traceparent: string | null
}

/** A batch that was accepted for later; never changed, never removed. */
export interface BatchRow {
  ledgerId: number
  id: string
  mode: BatchMode
  /** The hash of its keys and contents in hex; null when a member has no key. */
  fingerprint: string | null
  createdAt: number
}

/** A member of such a batch; never changed, never removed. */
export interface BatchMemberRow {
  ledgerId: number
  batchId: string
  position: number
  transactionId: string | null
  problem: StoredProblem | null
  /** 1 when its transaction is not its own, but stood under its key. */
  replayed: number
}

/** An entry that takes effect at another time than it was posted, as a trigger notes it beside the entry itself. */
export interface DatedEntryRow {
  ledgerId: number
  accountId: string
  accountVersion: number
  effectiveAt: number
  postedAt: number
  direction: Direction
  amount: MinorUnits
}

/** One name and value of a transaction's metadata, as a trigger notes it for whoever searches. */
export interface TransactionMetadataRow {
  ledgerId: number
  name: string
  value: string
  transactionId: string
}

/** One name and value of an account's metadata. */
export interface AccountMetadataRow {
  ledgerId: number
  name: string
  value: string
  accountId: string
}

/** An account that a transaction without entries names, one that failed for instance. */
export interface UnpostedAccountRow {
  ledgerId: number
  accountId: string
  transactionId: string
}

/** A key that a caller shows; its hash is all that is kept of it. No ledger means all of them. */
export interface ApiKeyRow {
  id: string
  prefix: string
  secretHash: Buffer
  name: string | null
  role: Role
  ledgerId: number | null
  createdAt: number
  expiresAt: number | null
  revokedAt: number | null
}

/** What has happened to a transaction or an account; never changed, removed when it is old. */
export interface EventRow {
  ledgerId: number
  /** Greater than of all that were told before it; below 2^63. */
  position: bigint
  type: EventType
  subjectId: string
  createdAt: number
  details: unknown
}

/** Who did what, as it was written together; never changed, never removed. Ledger 0 is none. */
export interface AuditRow {
  ledgerId: number
  id: string
  records: readonly StoredRecord[]
}

/** A seal over the heads of accounts (`Anchor`); never changed, never removed. */
export interface AnchorRow {
  ledgerId: number
  number: number
  createdAt: number
  movedAfter: number | null
  movedUntil: number
  lastAccountId: string | null
  heads: number
  root: Buffer
  previous: Buffer
  hash: Buffer
}

/** Where an account stood when it was anchored; never changed, never removed. */
export interface AnchoredHeadRow {
  ledgerId: number
  anchor: number
  accountId: string
  accountVersion: number
  hash: Buffer | null
}

/** The schema as TypeORM sees it, in one dialect. The migrations make it; a test holds the two together. */
export interface Entities {
  readonly ledgers: EntitySchema<LedgerRow>
  readonly currencies: EntitySchema<CurrencyRow>
  readonly accounts: EntitySchema<AccountRow>
  readonly transactions: EntitySchema<TransactionRow>
  readonly entries: EntitySchema<EntryRow>
  readonly queuedTransactions: EntitySchema<QueuedTransactionRow>
  readonly holdChanges: EntitySchema<HoldChangeRow>
  readonly datedEntries: EntitySchema<DatedEntryRow>
  readonly transactionMetadata: EntitySchema<TransactionMetadataRow>
  readonly accountMetadata: EntitySchema<AccountMetadataRow>
  readonly unpostedAccounts: EntitySchema<UnpostedAccountRow>
  readonly batches: EntitySchema<BatchRow>
  readonly batchMembers: EntitySchema<BatchMemberRow>
  readonly apiKeys: EntitySchema<ApiKeyRow>
  readonly events: EntitySchema<EventRow>
  readonly webhookEndpoints: EntitySchema<WebhookEndpointRow>
  readonly webhookDeliveries: EntitySchema<WebhookDeliveryRow>
  readonly auditLog: EntitySchema<AuditRow>
  readonly anchors: EntitySchema<AnchorRow>
  readonly anchoredHeads: EntitySchema<AnchoredHeadRow>
}

/** Makes the entity schemas of a dialect. */
export function entitiesFor(dialect: Dialect): Entities {
  const kinds = columnKinds(dialect)
  const text = { type: 'text' } as const
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const

  return {
    ledgers: schema({
      name: 'ledgers',
      columns: {
        id: { type: 'integer', primary: true },
        name: text,
        cursorSecret: { ...kinds.bytes, name: 'cursor_secret' },
        booksClosedUntil: { ...kinds.time, name: 'books_closed_until', nullable: true },
        createdAt: { ...kinds.time, name: 'created_at' },
      },
      uniques: [{ name: 'ledgers_name_key', columns: ['name'] }],
    }),
    currencies: schema({
      name: 'currencies',
      columns: {
        ledgerId,
        code: { ...text, primary: true },
        exponent: kinds.small,
        createdAt: { ...kinds.time, name: 'created_at' },
      },
    }),
    accounts: schema({
      name: 'accounts',
      columns: {
        ledgerId,
        id: { ...kinds.id, primary: true },
        code: { ...text, nullable: true },
        name: text,
        accountType: { ...text, name: 'account_type' },
        currency: text,
        exponent: kinds.small,
        status: { ...text, default: 'active' },
        minAvailable: { ...kinds.money, name: 'min_available', nullable: true },
        metadata: { ...kinds.json, nullable: true },
        postedDebits: { ...kinds.money, name: 'posted_debits', default: '0' },
        postedCredits: { ...kinds.money, name: 'posted_credits', default: '0' },
        heldDebits: { ...kinds.money, name: 'held_debits', default: '0' },
        heldCredits: { ...kinds.money, name: 'held_credits', default: '0' },
        version: { ...kinds.count, default: 0 },
        lastPostedAt: { ...kinds.time, name: 'last_posted_at', nullable: true },
        chainHash: { ...kinds.bytes, name: 'chain_hash', nullable: true },
        chainVersion: { ...kinds.count, name: 'chain_version', nullable: true },
        createdAt: { ...kinds.time, name: 'created_at' },
      },
      uniques: [{ name: 'accounts_code_key', columns: ['ledgerId', 'code'] }],
      checks: [
        oneOf('accounts_account_type_check', 'account_type', accountTypes),
        oneOf('accounts_status_check', 'status', accountStatuses),
      ],
    }),
    transactions: schema({
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
    entries: schema({
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
      },
      indices: [
        { name: 'entries_transaction', columns: ['ledgerId', 'transactionId'] },
        {
          name: 'entries_account_transaction',
          columns: ['ledgerId', 'accountId', 'transactionId'],
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
    queuedTransactions: schema({
      name: 'queued_transactions',
      columns: {
        ledgerId,
        slot: { ...kinds.small, primary: true },
        sequence: { ...kinds.count, primary: true },
        transactionId: { ...kinds.id, name: 'transaction_id' },
        entryCount: { ...kinds.small, name: 'entry_count' },
        orderingKey: { ...text, name: 'ordering_key' },
        enqueuedAt: { ...kinds.time, name: 'enqueued_at' },
        attempts: { type: 'integer', default: 0 },
        lastError: { ...text, name: 'last_error', nullable: true },
        parkedAt: { ...kinds.time, name: 'parked_at', nullable: true },
        parkedReason: { ...text, name: 'parked_reason', nullable: true },
        deaths: { ...kinds.small, default: 0 },
        batchId: { ...kinds.id, name: 'batch_id', nullable: true },
        traceparent: { ...text, nullable: true },
      },
      indices: [
        {
          name: 'queued_parked',
          columns: ['ledgerId', 'slot', 'orderingKey'],
          where: `"parked_at" IS NOT NULL`,
        },
      ],
    }),
    batches: schema({
      name: 'batches',
      columns: {
        ledgerId,
        id: { ...kinds.id, primary: true },
        mode: text,
        fingerprint: { ...text, nullable: true },
        createdAt: { ...kinds.time, name: 'created_at' },
      },
      indices: [
        {
          name: 'batches_fingerprint',
          columns: ['ledgerId', 'fingerprint'],
          unique: true,
          where: `"fingerprint" IS NOT NULL`,
        },
      ],
    }),
    batchMembers: schema({
      name: 'batch_members',
      columns: {
        ledgerId,
        batchId: { ...kinds.id, name: 'batch_id', primary: true },
        position: { ...kinds.small, primary: true },
        transactionId: { ...kinds.id, name: 'transaction_id', nullable: true },
        problem: { ...kinds.jsonText, nullable: true },
        replayed: kinds.small,
      },
    }),
    holdChanges: schema({
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
    apiKeys: apiKeyEntity(kinds),
    events: eventEntity(kinds),
    ...webhookEntities(kinds),
    auditLog: schema({
      name: 'audit_log',
      columns: { ledgerId, id: { ...kinds.id, primary: true }, records: kinds.jsonText },
    }),
    ...anchorEntities(kinds),
    ...searchEntities(kinds),
  }
}

/** The tables beside the books, which triggers fill. */
function searchEntities(
  kinds: ColumnKinds,
): Pick<Entities, 'datedEntries' | 'transactionMetadata' | 'accountMetadata' | 'unpostedAccounts'> {
  const key = { type: 'text', primary: true } as const
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  const accountId = { ...kinds.id, name: 'account_id', primary: true }
  const transactionId = { ...kinds.id, name: 'transaction_id', primary: true }
  return {
    datedEntries: schema({
      name: 'dated_entries',
      columns: {
        ledgerId,
        accountId,
        accountVersion: { ...kinds.count, name: 'account_version', primary: true },
        effectiveAt: { ...kinds.time, name: 'effective_at' },
        postedAt: { ...kinds.time, name: 'posted_at' },
        direction: { type: 'text' },
        amount: kinds.money,
      },
      indices: [
        {
          name: 'dated_entries_of_account',
          columns: ['ledgerId', 'accountId', 'effectiveAt', 'accountVersion'],
        },
        {
          name: 'dated_entries_posted',
          columns: ['ledgerId', 'postedAt', 'accountId', 'accountVersion'],
        },
        {
          name: 'dated_entries_effective',
          columns: ['ledgerId', 'effectiveAt', 'accountId', 'accountVersion'],
        },
      ],
    }),
    transactionMetadata: schema({
      name: 'transaction_metadata',
      columns: { ledgerId, name: key, value: key, transactionId },
    }),
    accountMetadata: schema({
      name: 'account_metadata',
      columns: { ledgerId, name: key, value: key, accountId },
      indices: [{ name: 'account_metadata_of_account', columns: ['ledgerId', 'accountId'] }],
    }),
    unpostedAccounts: schema({
      name: 'unposted_accounts',
      columns: { ledgerId, accountId, transactionId },
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

/** The anchors, and the heads that they are over. */
function anchorEntities(kinds: ColumnKinds): Pick<Entities, 'anchors' | 'anchoredHeads'> {
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  return {
    anchors: schema({
      name: 'anchors',
      columns: {
        ledgerId,
        number: { type: 'integer', primary: true },
        createdAt: { ...kinds.time, name: 'created_at' },
        movedAfter: { ...kinds.time, name: 'moved_after', nullable: true },
        movedUntil: { ...kinds.time, name: 'moved_until' },
        lastAccountId: { ...kinds.id, name: 'last_account_id', nullable: true },
        heads: { type: 'integer' },
        root: kinds.bytes,
        previous: kinds.bytes,
        hash: kinds.bytes,
      },
    }),
    anchoredHeads: schema({
      name: 'anchored_heads',
      columns: {
        ledgerId,
        anchor: { type: 'integer', primary: true },
        accountId: { ...kinds.id, name: 'account_id', primary: true },
        accountVersion: { ...kinds.count, name: 'account_version' },
        hash: { ...kinds.bytes, nullable: true },
      },
      indices: [{ name: 'anchored_heads_account', columns: ['ledgerId', 'accountId', 'anchor'] }],
    }),
  }
}

/** The table of keys: of no ledger in particular. */
function apiKeyEntity(kinds: ColumnKinds): Entities['apiKeys'] {
  return schema({
    name: 'api_keys',
    columns: {
      id: { ...kinds.id, primary: true },
      prefix: { type: 'text' },
      secretHash: { ...kinds.bytes, name: 'secret_hash' },
      name: { type: 'text', nullable: true },
      role: { type: 'text' },
      ledgerId: { type: 'integer', name: 'ledger_id', nullable: true },
      createdAt: { ...kinds.time, name: 'created_at' },
      expiresAt: { ...kinds.time, name: 'expires_at', nullable: true },
      revokedAt: { ...kinds.time, name: 'revoked_at', nullable: true },
    },
    uniques: [
      { name: 'api_keys_prefix_key', columns: ['prefix'] },
      { name: 'api_keys_secret_hash_key', columns: ['secretHash'] },
    ],
    checks: [oneOf('api_keys_role_check', 'role', roles)],
  })
}

/** What is told; the migration says how positions are made. */
function eventEntity(kinds: ColumnKinds): Entities['events'] {
  return schema({
    name: 'events',
    columns: {
      ledgerId: { type: 'integer', name: 'ledger_id', primary: true },
      position: { ...kinds.count, primary: true },
      type: { type: 'text' },
      subjectId: { ...kinds.id, name: 'subject_id' },
      createdAt: { ...kinds.time, name: 'created_at' },
      details: { ...kinds.jsonText, nullable: true },
    },
  })
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

function oneOf(name: string, column: string, values: readonly string[]) {
  return { name, expression: `${column} in (${values.map((value) => `'${value}'`).join(', ')})` }
}

function schema<Row>(options: EntitySchemaOptions<Row>): EntitySchema<Row> {
  return new EntitySchema<Row>(options)
}
