import { noLedger, type Witness } from '../engine/audit-record.ts'
import type { BatchRecord } from '../engine/batch-record.ts'
import type { TransactionRecord } from '../engine/transaction-record.ts'
import type { Axis } from '../ledger/axis.ts'
import type { Currency } from '../ledger/currency.ts'
import type { EventPosition } from '../engine/event.ts'
import type { EventPage, EventReads, EventStore, LostPlace } from '../engine/event-store.ts'
import type { Standing } from '../engine/posting-store.ts'
import type { EndOutcome, QueueStanding, SlotBacklog } from '../engine/queue-store.ts'
import type { QueuePlace } from '../engine/transaction-record.ts'
import {
  cancel,
  cancelBatch,
  noteAttempt,
  park,
  refuseParked,
  resume,
  type QueueAccess,
} from './change-queue.ts'
import {
  backlog,
  endedAmong,
  findByKey,
  ledgerIds,
  listParked,
  queueStanding,
  slotsWaiting,
} from './read-queue.ts'
import type {
  StatementFrame,
  StatementLine,
  StatementPlace,
  StatementSpan,
} from '../engine/statement.ts'
import type { TrialBalance } from '../engine/trial-balance.ts'
import type { BooksClock } from './books-clock.ts'
import type { LedgerRecord } from '../engine/ledger-record.ts'
import { findRecords, type AuditFilter, type AuditPage, type FoundRecords } from './find-records.ts'
import type { Administration } from './administration.ts'
import type { AccountRecord, BalanceAt, ListedEntry } from '../engine/account-record.ts'
import { closeBooks } from './close-books.ts'
import { forgetEvents } from './forget-events.ts'
import type { ApiKeys } from './api-keys.ts'
import { Ledgers } from './ledgers.ts'
import type {
  AccountChange,
  AccountChangeOutcome,
  AccountFilter,
  AccountStore,
  BooksClosing,
  BooksStore,
  CurrencyStore,
  HoldStore,
  NewAccount,
  Page,
  StatementStore,
  TransactionFilter,
  TransactionPage,
  TransactionStore,
} from './ledger-store.ts'
import { balanceAt, findAccount, listAccounts, listEntries } from './read-accounts.ts'
import { findBatch, findBatchByFingerprint } from './read-batches.ts'
import { effectiveBalanceAt } from './read-effective.ts'
import { latestPosition, readEvents, type EventReader } from './read-events.ts'
import { holdsDue } from './read-holds.ts'
import { registerCurrency } from './register-currency.ts'
import { statementFrame, statementLines } from './read-statement.ts'
import { trialBalance } from './read-trial-balance.ts'
import { findTransaction, findTransactions } from './read-transactions.ts'
import { searchTransactions } from './search-transactions.ts'
import { changeAccount, createAccount } from './write-accounts.ts'
import { WebhookWork } from './webhook-work.ts'
import { Webhooks } from './webhooks.ts'

/** What the reads of a store, and the small writes beside posting, go through. */
type StoreAccess = QueueAccess & BooksClock & EventReader

/** What both stores share besides posting and draining: hot reads as plain SQL, the rest through TypeORM. */
export abstract class LedgerReads
  implements
    AccountStore,
    StatementStore,
    TransactionStore,
    HoldStore,
    CurrencyStore,
    BooksStore,
    EventStore
{
  readonly apiKeys: ApiKeys
  readonly ledgers: Ledgers
  protected readonly access: StoreAccess
  readonly webhooks: Webhooks
  readonly webhookWork: WebhookWork
  readonly #administration: Administration

  constructor(access: StoreAccess, administration: Administration) {
    this.access = access
    this.#administration = administration
    this.apiKeys = administration.apiKeys
    this.ledgers = new Ledgers(administration.source, access)
    this.webhooks = new Webhooks(access)
    this.webhookWork = new WebhookWork(access)
  }

  createAccount(account: NewAccount, witness?: Witness): Promise<boolean> {
    return createAccount(this.access, account, witness)
  }

  findAccount(ledgerId: number, id: string): Promise<AccountRecord | undefined> {
    return findAccount(this.access, ledgerId, id)
  }

  listAccounts(
    ledgerId: number,
    filter: AccountFilter,
    page: Page<string>,
  ): Promise<AccountRecord[]> {
    return listAccounts(this.access, ledgerId, filter, page)
  }

  changeAccount(
    ledgerId: number,
    id: string,
    change: AccountChange,
    witness?: Witness,
  ): Promise<AccountChangeOutcome> {
    return changeAccount(this.access, { ledgerId, id }, change, witness)
  }

  listEntries(ledgerId: number, accountId: string, page: Page<number>): Promise<ListedEntry[]> {
    return listEntries(this.access, ledgerId, accountId, page)
  }

  balanceAt(account: AccountRecord, at: number): Promise<BalanceAt> {
    return balanceAt(this.access, account, at)
  }

  effectiveBalanceAt(account: AccountRecord, at: number): Promise<BalanceAt> {
    return effectiveBalanceAt(this.access, account, at)
  }

  statementFrame(account: AccountRecord, span: StatementSpan): Promise<StatementFrame> {
    return statementFrame(this.access, account, span)
  }

  statementLines(
    account: AccountRecord,
    span: StatementSpan,
    reading: { from: StatementPlace; lastVersion: number; rowsPerRead: number },
  ): AsyncGenerator<StatementLine> {
    return statementLines(this.access, account, span, reading)
  }

  findTransaction(ledgerId: number, id: string): Promise<TransactionRecord | undefined> {
    return findTransaction(this.access, ledgerId, id)
  }

  findTransactions(
    ledgerId: number,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, TransactionRecord>> {
    return findTransactions(this.access, ledgerId, ids)
  }

  listTransactions(
    ledgerId: number,
    filter: TransactionFilter,
    page: { after: string | undefined; size: number },
  ): Promise<TransactionPage> {
    return searchTransactions(this.access, ledgerId, filter, page)
  }

  holdsDue(at: number, size: number): Promise<readonly TransactionRecord[]> {
    return holdsDue(this.access, at, size)
  }

  listCurrencies(ledgerId: number): Promise<Currency[]> {
    return this.#administration.listCurrencies(ledgerId)
  }

  createCurrency(
    ledgerId: number,
    currency: Currency,
    createdAt: number,
    witness?: Witness,
  ): Promise<boolean> {
    return registerCurrency(this.access, ledgerId, currency, { createdAt, witness })
  }

  findLedger(ledgerId: number): Promise<LedgerRecord | undefined> {
    return this.#administration.findLedger(ledgerId)
  }

  trialBalance(
    ledgerId: number,
    when: { axis: Axis; at: number | undefined },
  ): Promise<TrialBalance> {
    return trialBalance(this.access, ledgerId, when)
  }

  closeBooks(ledgerId: number, until: number, witness?: Witness): Promise<BooksClosing> {
    return closeBooks(this.access, ledgerId, until, witness)
  }

  now(): Promise<number> {
    return this.access.now()
  }

  settle(at: number): Promise<void> {
    return this.access.settle(at)
  }

  ledgerIds(): Promise<readonly number[]> {
    return ledgerIds(this.access)
  }

  slotsWaiting(ageMs: number): Promise<readonly { ledgerId: number; slots: readonly number[] }[]> {
    return slotsWaiting(this.access, ageMs)
  }

  noteAttempt(ledgerId: number, places: readonly QueuePlace[], reason: string): Promise<void> {
    return noteAttempt(this.access, ledgerId, places, reason)
  }

  park(ledgerId: number, place: QueuePlace, reason: string): Promise<void> {
    return park(this.access, ledgerId, place, reason)
  }

  cancel(ledgerId: number, id: string, witness?: Witness): Promise<EndOutcome> {
    return cancel(this.access, ledgerId, id, witness)
  }

  resume(ledgerId: number, id: string, witness?: Witness): Promise<EndOutcome> {
    return resume(this.access, ledgerId, id, witness)
  }

  refuse(ledgerId: number, id: string, reason: string, witness?: Witness): Promise<EndOutcome> {
    return refuseParked(this.access, ledgerId, id, reason, witness)
  }

  queueStanding(ledgerId: number, place: QueuePlace): Promise<QueueStanding | undefined> {
    return queueStanding(this.access, ledgerId, place)
  }

  backlog(): Promise<readonly SlotBacklog[]> {
    return backlog(this.access)
  }

  listParked(ledgerId: number, page: Page<string>): Promise<TransactionRecord[]> {
    return listParked(this.access, ledgerId, page)
  }

  endedAmong(ids: readonly { ledgerId: number; id: string }[]): Promise<readonly string[]> {
    return endedAmong(this.access, ids)
  }

  findByKey(ledgerId: number, idempotencyKey: string): Promise<Standing | undefined> {
    return findByKey(this.access, ledgerId, idempotencyKey)
  }

  findBatch(ledgerId: number, id: string): Promise<BatchRecord | undefined> {
    return findBatch(this.access, ledgerId, id)
  }

  findBatchByFingerprint(ledgerId: number, fingerprint: string): Promise<string | undefined> {
    return findBatchByFingerprint(this.access, ledgerId, fingerprint)
  }

  cancelBatch(batch: BatchRecord, witness?: Witness): Promise<readonly TransactionRecord[]> {
    return cancelBatch(this.access, batch, witness)
  }

  async findRecords(
    ledgerId: number | null,
    filter: AuditFilter,
    page: AuditPage,
  ): Promise<FoundRecords> {
    const ledgers = ledgerId === null ? [noLedger, ...(await this.ledgerIds())] : [ledgerId]
    return findRecords(this.access, ledgers, filter, page)
  }

  readEvents(reads: EventReads): Promise<EventPage | LostPlace> {
    return readEvents(this.access, this, reads)
  }

  latestPosition(ledgerId: number): Promise<EventPosition> {
    return latestPosition(this.access, ledgerId)
  }

  forgetEvents(ledgerId: number, before: number, size: number): Promise<number> {
    return forgetEvents(this.access, ledgerId, before, size)
  }

  async cursorSecret(ledgerId: number): Promise<Buffer | undefined> {
    return (await this.#administration.findLedger(ledgerId))?.cursorSecret
  }

  checkReady(): Promise<void> {
    return this.#administration.checkReady()
  }

  protected closeAdministration(): Promise<void> {
    return this.#administration.close()
  }
}
