import type { Database, Statement, Transaction } from 'better-sqlite3'
import type {
  BatchReads,
  BatchState,
  BatchWrites,
  StandingTransaction,
} from '../../engine/posting-store.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import type { LockedAccount } from '../../ledger/account.ts'
import type { TransactionStatus } from '../../ledger/transaction.ts'
import { lockedAccountOf, lockedColumns } from '../locked-account.ts'
import { fingerprint, type Row } from '../rows.ts'
import { sqliteFailureOf } from './failure.ts'

/** Reads one account, through its primary key; the writer's lock on the whole file covers it. */
const lockAccount = `
  select ${lockedColumns}, last_posted_at from accounts where ledger_id = ? and id = ?`

/** Finds the transaction that has a key, through `transactions_idempotency_key`. */
const findByKey = `
  select id, idempotency_key, fingerprint, status from transactions
   where ledger_id = ? and idempotency_key = ?`

/** Finds a transaction by its id, through its primary key. */
const findById = `
  select id, idempotency_key, fingerprint, status from transactions where ledger_id = ? and id = ?`

/** Inserts an entry. It comes before its transaction, whose row then checks that all of them balance. */
const insertEntry = `
  insert into entries
    (ledger_id, account_id, account_version, transaction_id, position, direction, amount,
     balance_after, debits_after, posted_at)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** Inserts a transaction: posted, failed or queued. */
const insertTransaction = `
  insert into transactions
    (ledger_id, id, status, reference, idempotency_key, fingerprint, description, currency, exponent,
     metadata, effective_at, ordering_key, created_at, posted_at, failed_at, failure, requested_entries,
     slot, sequence)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/** Moves an account's totals, through its primary key. */
const moveAccount = `
  update accounts set posted_debits = ?, posted_credits = ?, version = ?, last_posted_at = ?
   where ledger_id = ? and id = ?`

/**
 * Posts batches on the one writing connection of a SQLite file, each as one `begin immediate` transaction. The work is
 * synchronous, so nothing of this process can come between; the commit waits for the disk.
 */
export class SqlitePosting {
  readonly #statements: Record<
    'account' | 'byKey' | 'byId' | 'entry' | 'transaction' | 'move',
    Statement
  >
  readonly #transact: Transaction<(work: () => void) => void>

  constructor(database: Database) {
    this.#statements = {
      account: database.prepare(lockAccount).raw(),
      byKey: database.prepare(findByKey),
      byId: database.prepare(findById),
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
        const accounts = this.accounts(reads.ledgerId, reads.accountIds)
        const state = { now: Date.now(), accounts, standing: this.standing(reads) }
        const writes = decide(state)
        for (const transaction of writes.transactions) {
          this.insertEntries(transaction)
          this.insert(transaction)
        }
        this.move(reads.ledgerId, writes.accounts, writes.at)
      })
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }

  /** Reads accounts; inside a write, nobody else can change them. */
  accounts(ledgerId: number, ids: readonly string[]): ReadonlyMap<string, LockedAccount> {
    const accounts = new Map<string, LockedAccount>()
    for (const id of ids) {
      const row = this.#statements.account.get(ledgerId, id) as unknown[] | undefined
      if (row !== undefined) accounts.set(id, lockedAccountOf(row))
    }
    return accounts
  }

  /** Finds the transactions that stand already, by key and by id. */
  standing(reads: Omit<BatchReads, 'accountIds'>): StandingTransaction[] {
    const rows = [
      ...reads.idempotencyKeys.map((key) => this.#statements.byKey.get(reads.ledgerId, key)),
      ...reads.transactionIds.map((id) => this.#statements.byId.get(reads.ledgerId, id)),
    ] as (Row | undefined)[]
    return rows.flatMap((row) =>
      row === undefined
        ? []
        : {
            id: row['id'] as string,
            idempotencyKey: row['idempotency_key'] as string | null,
            fingerprint: fingerprint(row['fingerprint']),
            status: row['status'] as TransactionStatus,
          },
    )
  }

  /** Writes the totals of accounts that have moved. */
  move(ledgerId: number, accounts: readonly LockedAccount[], at: number): void {
    for (const account of accounts) {
      this.#statements.move.run(
        account.postedDebits.toString(),
        account.postedCredits.toString(),
        account.version,
        at,
        ledgerId,
        account.id,
      )
    }
  }

  /** Writes a transaction's entries, which come before its row is posted. */
  insertEntries(transaction: TransactionRecord): void {
    transaction.entries.forEach((entry, position) =>
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
      ),
    )
  }

  /** Writes a transaction's row. */
  insert(transaction: TransactionRecord): void {
    this.#statements.transaction.run(
      transaction.ledgerId,
      transaction.id,
      transaction.status,
      transaction.reference,
      transaction.idempotencyKey,
      transaction.fingerprint === null ? null : Buffer.from(transaction.fingerprint, 'hex'),
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
    )
  }
}
