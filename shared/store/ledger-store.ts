import type { AuditRecord, Witness } from '../engine/audit-record.ts'
import type { PostingStore } from '../engine/posting-store.ts'
import type { EventStore } from '../engine/event-store.ts'
import type { QueueStore } from '../engine/queue-store.ts'
import type { Metadata, TransactionRecord } from '../engine/transaction-record.ts'
import type { AccountRecord, BalanceAt, ListedEntry } from '../engine/account-record.ts'
import type {
  StatementFrame,
  StatementLine,
  StatementPlace,
  StatementSpan,
} from '../engine/statement.ts'
import type { AmountRange } from '../engine/total-debits.ts'
import type { TrialBalance } from '../engine/trial-balance.ts'
import type { LedgerRecord } from '../engine/ledger-record.ts'
import type { AccountStatus, AccountType } from '../ledger/account.ts'
import type { Axis } from '../ledger/axis.ts'
import type { Currency } from '../ledger/currency.ts'
import type { MinorUnits } from '../ledger/money.ts'
import type { TransactionStatus } from '../ledger/transaction.ts'
import type { AuditFilter, AuditPage, FoundRecords } from './find-records.ts'
import type { BooksClock } from './books-clock.ts'
import type { ApiKeys } from './api-keys.ts'
import type { Ledgers } from './ledgers.ts'
import type { StoreCondition } from './condition.ts'
import type { WebhookWork } from './webhook-work.ts'
import type { Webhooks } from './webhooks.ts'

/** What an account is made of. */
export interface NewAccount {
  readonly id: string
  readonly ledgerId: number
  readonly code: string | null
  readonly name: string
  readonly accountType: AccountType
  readonly currency: Currency
  readonly minAvailable: MinorUnits | null
  readonly metadata: Metadata
  readonly createdAt: number
}

/** What may be changed of an account; what is left out stays. */
export interface AccountChange {
  readonly name?: string
  readonly status?: AccountStatus
  readonly minAvailable?: MinorUnits | null
  readonly metadata?: Metadata
}

/** How a change of an account ended. */
export type AccountChangeOutcome =
  | { readonly kind: 'changed'; readonly account: AccountRecord }
  | { readonly kind: 'not_found' }
  /** A closed account stays closed. */
  | { readonly kind: 'closed' }
  /** Only an account without balance and without holds, and for which nothing is queued, can be closed. */
  | {
      readonly kind: 'not_empty'
      readonly account: AccountRecord
      readonly blockers: readonly ClosingBlocker[]
    }

/** What stands in the way of closing an account. */
export type ClosingBlocker = 'balance' | 'holds' | 'queued'

/** One page of a list: newest first, everything before `before`. */
export interface Page<Key> {
  readonly before: Key | undefined
  readonly size: number
}

export interface AccountFilter {
  readonly currency?: string | undefined
  readonly accountType?: AccountType | undefined
  readonly status?: AccountStatus | undefined
  readonly code?: string | undefined
  /** Names and values that all must be there. */
  readonly metadata?: readonly (readonly [name: string, value: string])[] | undefined
}

export interface TransactionFilter {
  readonly status?: TransactionStatus | undefined
  readonly accountId?: string | undefined
  readonly reference?: string | undefined
  readonly currency?: string | undefined
  /** Names and values that all must be there. */
  readonly metadata?: readonly (readonly [name: string, value: string])[] | undefined
  /** What is debited in a currency, all entries together. */
  readonly amount?: AmountRange | undefined
  /** Posted in a span of either axis: from a time on, up to another, exclusive. Ms since 1970. */
  readonly posted?: TimeSpan | undefined
  readonly effective?: TimeSpan | undefined
  /** Holds that end by themselves before a time, and at it or later; ms since 1970. */
  readonly expiresBefore?: number | undefined
  readonly expiresAfter?: number | undefined
}

/** A page of a search: what was found, and the key behind which the next page begins; undefined on the last. */
export interface TransactionPage {
  readonly transactions: readonly TransactionRecord[]
  readonly next: string | undefined
}

/** From a time on, up to another, exclusive; either may be left open. Ms since 1970. */
export interface TimeSpan {
  readonly from?: number | undefined
  readonly to?: number | undefined
}

/** The reads and the administrative writes that the services need. All of one ledger at a time; primary's reads. */
export interface AccountStore {
  /** Inserts an account; false when its code is taken. */
  createAccount(account: NewAccount, witness?: Witness): Promise<boolean>
  findAccount(ledgerId: number, id: string): Promise<AccountRecord | undefined>
  listAccounts(
    ledgerId: number,
    filter: AccountFilter,
    page: Page<string>,
  ): Promise<AccountRecord[]>
  changeAccount(
    ledgerId: number,
    id: string,
    change: AccountChange,
    witness?: Witness,
  ): Promise<AccountChangeOutcome>
  listEntries(ledgerId: number, accountId: string, page: Page<number>): Promise<ListedEntry[]>
  /** The totals as they stood at a time (ms since 1970). Binary search over versions: log2(entries) index reads. */
  balanceAt(account: AccountRecord, at: number): Promise<BalanceAt>
  /** The totals of all that `account` had when it was read, as far as it takes effect by a time (ms since 1970). */
  effectiveBalanceAt(account: AccountRecord, at: number): Promise<BalanceAt>
}

/** Statements: what happened on an account in a span of time. `account.version` cuts off what was posted later. */
export interface StatementStore {
  statementFrame(account: AccountRecord, span: StatementSpan): Promise<StatementFrame>
  /** The lines behind a place, oldest first, read in short pieces of `rowsPerRead`. */
  statementLines(
    account: AccountRecord,
    span: StatementSpan,
    reading: {
      readonly from: StatementPlace
      readonly lastVersion: number
      readonly rowsPerRead: number
    },
  ): AsyncGenerator<StatementLine>
}

export interface TransactionStore {
  findTransaction(ledgerId: number, id: string): Promise<TransactionRecord | undefined>
  /** Those of some transactions that are there, by their ids. */
  findTransactions(
    ledgerId: number,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, TransactionRecord>>
  listTransactions(
    ledgerId: number,
    filter: TransactionFilter,
    page: { readonly after: string | undefined; readonly size: number },
  ): Promise<TransactionPage>
}

export interface HoldStore {
  /** Open holds of all ledgers whose time was over at `at` (ms since 1970), up to `size` of each ledger. */
  holdsDue(at: number, size: number): Promise<readonly TransactionRecord[]>
}

export interface CurrencyStore {
  listCurrencies(ledgerId: number): Promise<Currency[]>
  /** Registers a currency; false when the code is registered already. */
  createCurrency(
    ledgerId: number,
    currency: Currency,
    createdAt: number,
    witness?: Witness,
  ): Promise<boolean>
}

/** How an attempt to close the books ended: done, or the time lies ahead, or before the one that stands. */
export type BooksClosing = 'closed' | 'ahead' | 'earlier'

export interface BooksStore extends BooksClock {
  findLedger(ledgerId: number): Promise<LedgerRecord | undefined>
  /** Closes the books: once it resolves, nothing can take effect at or before `until` (ms since 1970) any more. */
  /** What all accounts have together at a time (ms since 1970; undefined: now); debits equal credits. */
  trialBalance(
    ledgerId: number,
    when: { readonly axis: Axis; readonly at: number | undefined },
  ): Promise<TrialBalance>
  closeBooks(ledgerId: number, until: number, witness?: Witness): Promise<BooksClosing>
}

/** The audit log. What changes something is recorded by what changes it; this is for what was denied, and for reading. */
export interface AuditStore {
  /** Writes records in one database transaction; one that is there already stays. Rejects with `StoreFailure`. */
  record(records: readonly AuditRecord[]): Promise<void>
  /** Reads records of one ledger, or of all, and of none, when it is null. */
  findRecords(ledgerId: number | null, filter: AuditFilter, page: AuditPage): Promise<FoundRecords>
}

/** A ledger in a database: posting, the queue, reads, administration. */
export interface LedgerStore
  extends
    PostingStore,
    QueueStore,
    AccountStore,
    StatementStore,
    TransactionStore,
    HoldStore,
    CurrencyStore,
    BooksStore,
    EventStore,
    AuditStore {
  /** What runs here, for people: "SQLite 3.51 at ./data/ledgerflow.db". Never a password. */
  readonly description: string
  /** The keys that callers show. */
  readonly apiKeys: ApiKeys
  /** The books that this database holds. */
  readonly ledgers: Ledgers
  /** Where events are sent, for operators. */
  readonly webhooks: Webhooks
  /** The same for whoever sends them. */
  readonly webhookWork: WebhookWork
  /** Something an operator should know about how the store runs, or undefined. */
  readonly advice: string | undefined
  /** The secret that signs a ledger's cursors; undefined when there is no such ledger. */
  cursorSecret(ledgerId: number): Promise<Buffer | undefined>
  /** Resolves when the store answers and its schema is complete; rejects otherwise. */
  checkReady(): Promise<void>
  /** Connections of the posting path: how many are open and how many are at work. */
  connections(): { readonly open: number; readonly busy: number }
  /** How the database does, for operators: some milliseconds, on a reading connection. Rejects with `StoreFailure`. */
  condition(): Promise<StoreCondition>
  /** Ends all connections; in-flight work is finished first, within the deadline. */
  close(): Promise<void>
}
