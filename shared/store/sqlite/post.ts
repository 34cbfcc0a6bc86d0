import type { Database, Statement, Transaction } from 'better-sqlite3'
import { linkOf, type ChainedAccount, type EntryChain } from '../../engine/entry-chain.ts'
import type { AuditRecord } from '../../engine/audit-record.ts'
import type { HoldChangeRecord } from '../../engine/hold-change-record.ts'
import type { BatchReads, BatchState, BatchWrites, Standing } from '../../engine/posting-store.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import { recordingSteps } from '../audit-log.ts'
import { chainHead, lockedAccountOf, lockedColumns } from '../locked-account.ts'
import { entryOf, holdChangeOf, standingTransactionOf, transactionOf, type Row } from '../rows.ts'
import { currenciesText, resolvedText, wishText } from '../stored-columns.ts'
import { sqliteFailureOf } from './failure.ts'

/** Reads one account, through its primary key; the writer's lock on the whole file covers it. */
const lockAccount = `
  select ${lockedColumns}, last_posted_at, ${chainHead('lower(hex(chain_hash))')}
    from accounts where ledger_id = ? and id = ?`

/** Finds the transaction that has a key, through `transactions_idempotency_key`. */
const findByKey = `
  select id, idempotency_key, fingerprint, status from transactions
   where ledger_id = ? and idempotency_key = ?`

/** Finds a transaction by its id, through its primary key. */
const findById = `
  select id, idempotency_key, fingerprint, status from transactions where ledger_id = ? and id = ?`

/** Find the change of a hold, through `hold_changes_idempotency_key` and its primary key. */
const findChangeByKey = `select * from hold_changes where ledger_id = ? and idempotency_key = ?`
const findChangeById = `select * from hold_changes where ledger_id = ? and id = ?`

/** Read a transaction that others are about, as on Postgres unless it is queued, and its entries. */
const lockTarget = `select * from transactions where ledger_id = ? and id = ? and status <> 'queued'`
const entriesOfTarget = `
  select * from entries where ledger_id = ? and transaction_id = ? order by position`
/** The closing time of a ledger's books; inside a write, nobody else can change it. */
const closingTime = `select books_closed_until from ledgers where id = ?`

/** Inserts an entry. It comes before its transaction, whose row then checks that all of them balance. */
const insertEntry = `
  insert into entries
    (ledger_id, account_id, account_version, transaction_id, position, direction, amount,
     balance_after, debits_after, posted_at, hash, follows_version)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** Inserts a transaction: posted, held, failed or queued. */
const insertTransaction = `
  insert into transactions
    (ledger_id, id, status, reference, idempotency_key, fingerprint, description, currency, exponent,
     metadata, effective_at, ordering_key, created_at, posted_at, failed_at, failure, requested_entries,
     slot, sequence, wish, currencies, reversal_of, hold_id, held_at, expires_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertHoldChange = `
  insert into hold_changes
    (ledger_id, id, hold_id, wish, idempotency_key, fingerprint, expires_at, failure, created_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** Writes who asked for what is being written. */
const insertRecords = `insert into audit_log (ledger_id, id, records) values (?, ?, ?)`

/** Writes what has become of a transaction that others are about. */
const updateTarget = `
  update transactions set status = ?, expires_at = ?, resolved_entries = ?, resolved_at = ?
   where ledger_id = ? and id = ?`

/** Moves an account's totals and the head of its chain, through its primary key. */
const moveAccount = `
  update accounts
     set posted_debits = ?, posted_credits = ?, held_debits = ?, held_credits = ?, version = ?,
         last_posted_at = ?, chain_hash = ?, chain_version = ?, newest_transaction_id = ?,
         newest_transaction_version = ?
   where ledger_id = ? and id = ?`

/**
 * Posts batches on the one writing connection of a SQLite file, each as one `begin immediate` transaction. The work is
 * synchronous, so nothing of this process can come between; the commit waits for the disk.
 */
export class SqlitePosting {
  readonly #statements: Record<
    | 'account'
    | 'closing'
    | 'byKey'
    | 'byId'
    | 'changeByKey'
    | 'changeById'
    | 'target'
    | 'targetEntries'
    | 'entry'
    | 'transaction'
    | 'change'
    | 'updateTarget'
    | 'records'
    | 'move',
    Statement
  >
  readonly #transact: Transaction<(work: () => void) => void>

  constructor(database: Database) {
    this.#statements = {
      account: database.prepare(lockAccount).raw(),
      closing: database.prepare(closingTime).pluck(),
      byKey: database.prepare(findByKey),
      byId: database.prepare(findById),
      changeByKey: database.prepare(findChangeByKey),
      changeById: database.prepare(findChangeById),
      target: database.prepare(lockTarget),
      targetEntries: database.prepare(entriesOfTarget),
      change: database.prepare(insertHoldChange),
      updateTarget: database.prepare(updateTarget),
      records: database.prepare(insertRecords),
      entry: database.prepare(insertEntry),
      transaction: database.prepare(insertTransaction),
      move: database.prepare(moveAccount),
    }
    this.#transact = database.transaction((work: () => void) => work())
  }

  /** Runs one batch; throws `StoreFailure`, or what `decide` throws. */
  post(reads: BatchReads, decide: (state: BatchState) => BatchWrites): void {
    try {
      this.#transact.immediate(() => {
        const { ledgerId } = reads
        const targets = this.targets(ledgerId, reads.targetIds)
        const accounts = this.accounts(ledgerId, reads.accountIds)
        const booksClosedUntil = this.closing(ledgerId, reads.closing)
        const standing = this.standing(reads)
        const writes = decide({ now: Date.now(), accounts, standing, targets, booksClosedUntil })
        for (const transaction of writes.transactions) {
          this.insertEntries(transaction, writes.links)
          this.insert(transaction)
        }
        this.resolve(writes.targets)
        for (const change of writes.holdChanges) this.#insertChange(ledgerId, change)
        this.move(ledgerId, writes.accounts)
        this.record(writes.records)
      })
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }

  /** Reads accounts; inside a write, nobody else can change them. */
  accounts(ledgerId: number, ids: readonly string[]): ReadonlyMap<string, ChainedAccount> {
    const accounts = new Map<string, ChainedAccount>()
    for (const id of ids) {
      const row = this.#statements.account.get(ledgerId, id) as unknown[] | undefined
      if (row !== undefined) accounts.set(id, lockedAccountOf(row))
    }
    return accounts
  }

  /** Reads the transactions that others are about, with their entries. */
  targets(ledgerId: number, ids: readonly string[]): TransactionRecord[] {
    return ids.flatMap((id) => {
      const row = this.#statements.target.get(ledgerId, id) as Row | undefined
      if (row === undefined) return []
      const entries = this.#statements.targetEntries.all(ledgerId, id) as Row[]
      return transactionOf(row, entries.map(entryOf))
    })
  }

  /** Reads the closing time of the books if it matters. */
  closing(ledgerId: number, matters: boolean): number | null {
    return matters ? ((this.#statements.closing.get(ledgerId) ?? null) as number | null) : null
  }

  /** Finds the transactions and the changes of holds that stand already, by key and by id. */
  standing(reads: Pick<BatchReads, 'ledgerId' | 'idempotencyKeys' | 'transactionIds'>): Standing[] {
    const { byKey, byId, changeByKey, changeById } = this.#statements
    const { ledgerId } = reads
    const found = (ofKey: Statement, ofId: Statement) =>
      [
        ...reads.idempotencyKeys.map((key) => ofKey.get(ledgerId, key)),
        ...reads.transactionIds.map((id) => ofId.get(ledgerId, id)),
      ].filter((row): row is Row => row !== undefined)
    return [
      ...found(byKey, byId).map(standingTransactionOf),
      ...found(changeByKey, changeById).map(holdChangeOf),
    ]
  }

  /** Writes the totals of accounts that have moved, and the heads of their chains. */
  move(ledgerId: number, accounts: readonly ChainedAccount[]): void {
    for (const account of accounts) {
      this.#statements.move.run(
        account.postedDebits.toString(),
        account.postedCredits.toString(),
        account.heldDebits.toString(),
        account.heldCredits.toString(),
        account.version,
        account.lastPostedAt,
        account.chainHash === null ? null : Buffer.from(account.chainHash, 'hex'),
        account.version,
        account.newestTransaction?.id ?? null,
        account.newestTransaction?.version ?? null,
        ledgerId,
        account.id,
      )
    }
  }

  /** Writes records of what changed nothing; throws `StoreFailure`. */
  recordAlone(records: readonly AuditRecord[]): void {
    try {
      this.#transact.immediate(() => this.record(records))
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }

  /** Writes who asked for what is being written. */
  record(records: readonly AuditRecord[]): void {
    if (records.length === 0) return
    for (const { parameters } of recordingSteps(records)) {
      this.#statements.records.run(...parameters)
    }
  }

  /** Writes what has become of targets. */
  resolve(targets: readonly TransactionRecord[]): void {
    for (const target of targets) {
      this.#statements.updateTarget.run(
        target.status,
        target.expiresAt,
        resolvedText(target),
        target.resolvedAt,
        target.ledgerId,
        target.id,
      )
    }
  }

  #insertChange(ledgerId: number, change: HoldChangeRecord): void {
    this.#statements.change.run(
      ledgerId,
      change.id,
      change.holdId,
      wishText(change),
      change.idempotencyKey,
      fingerprintBytes(change),
      change.expiresAt,
      change.failure === null ? null : JSON.stringify(change.failure),
      change.createdAt,
    )
  }

  /** Writes a transaction's entries with their links; they come before its row is posted. */
  insertEntries(transaction: TransactionRecord, links: EntryChain['links']): void {
    transaction.entries.forEach((entry, position) => {
      const { hash, followsVersion } = linkOf(links, transaction.id, position)
      this.#statements.entry.run(
        transaction.ledgerId,
        entry.accountId,
        entry.accountVersion,
        transaction.id,
        position,
        entry.direction,
        entry.amount.toString(),
        entry.balanceAfter.toString(),
        entry.debitsAfter.toString(),
        transaction.postedAt,
        Buffer.from(hash, 'hex'),
        followsVersion,
      )
    })
  }

  /** Writes a transaction's row. */
  insert(transaction: TransactionRecord): void {
    this.#statements.transaction.run(
      transaction.ledgerId,
      transaction.id,
      transaction.status,
      transaction.reference,
      transaction.idempotencyKey,
      fingerprintBytes(transaction),
      transaction.description,
      transaction.currency,
      transaction.exponent,
      Object.keys(transaction.metadata).length > 0 ? JSON.stringify(transaction.metadata) : null,
      transaction.effectiveAt,
      transaction.orderingKey,
      transaction.createdAt,
      transaction.postedAt,
      transaction.failedAt,
      transaction.failure === null ? null : JSON.stringify(transaction.failure),
      transaction.requestedEntries.length > 0 ? JSON.stringify(transaction.requestedEntries) : null,
      transaction.place?.slot ?? null,
      transaction.place?.sequence ?? null,
      wishText(transaction),
      currenciesText(transaction),
      transaction.reversalOf,
      transaction.holdId,
      transaction.heldAt,
      transaction.expiresAt,
    )
  }
}

function fingerprintBytes({ fingerprint }: { fingerprint: string | null }): Buffer | null {
  return fingerprint === null ? null : Buffer.from(fingerprint, 'hex')
}
