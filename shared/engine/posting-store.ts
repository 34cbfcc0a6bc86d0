import type { TransactionStatus } from '../ledger/transaction.ts'
import type { ChainedAccount, EntryChain } from './entry-chain.ts'
import type { AuditRecord } from './audit-record.ts'
import type { HoldChangeRecord } from './hold-change-record.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** What one batch of posting must know before it can decide. All of one ledger. */
export interface BatchReads {
  readonly ledgerId: number
  /** The accounts to lock, each once. */
  readonly accountIds: readonly string[]
  /** The idempotency keys to look up, each once. */
  readonly idempotencyKeys: readonly string[]
  /** Transactions and changes of holds that an earlier try may have written although no answer came back. */
  readonly transactionIds: readonly string[]
  /** The transactions to lock, each once, because others are about them; mostly none. */
  readonly targetIds: readonly string[]
  /** Whether a member names the time at which it takes effect, so that the closing time of the books matters. */
  readonly closing: boolean
  /** Whether a member names a time that must lie in the future, so that the time is to be read and not estimated. */
  readonly time: boolean
}

/** A transaction that stands already, as far as a retry needs to know it. */
export interface StandingTransaction {
  readonly id: string
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
  readonly status: TransactionStatus
}

/** What the store knows under a name that may be given only once: a transaction, or the change of a hold. */
export type Standing = StandingTransaction | HoldChangeRecord

/**
 * What the store found, under locks that are held until the batch is committed; or what it takes to be so and compares under them, before
 * anything is written.
 */
export interface BatchState {
  /** The database's clock after the locks were granted, or an estimate of it just before, in ms since 1970. */
  readonly now: number
  readonly accounts: ReadonlyMap<string, ChainedAccount>
  readonly standing: readonly Standing[]
  /** The targets with their entries, locked before the accounts. One that is still queued is left out: it is not to be waited for. */
  readonly targets: readonly TransactionRecord[]
  /** The closing time of the books, which stays as it is until the batch is committed; null when nobody asked. */
  readonly booksClosedUntil: number | null
}

/** Everything a batch writes, in one statement where the database can. */
export interface BatchWrites {
  /** New rows, posted, held or failed, with their entries. */
  readonly transactions: readonly TransactionRecord[]
  /** The targets of which something was captured, reversed, released or put off, as they stand afterwards. */
  readonly targets: readonly TransactionRecord[]
  /** New changes of holds: done, or refused under a key. */
  readonly holdChanges: readonly HoldChangeRecord[]
  /** The accounts whose totals moved, posted or held, as they stand afterwards. */
  readonly accounts: readonly ChainedAccount[]
  /** How each entry is joined to those before it. */
  readonly links: EntryChain['links']
  /** Who asked for what of it. */
  readonly records: readonly AuditRecord[]
  /** When all of it happens: the rows' `created_at`, `posted_at`, `failed_at`. Ms since 1970. */
  readonly at: number
}

/**
 * The border between the engine and a database. One call is one database transaction: lock and look up, ask the
 * (synchronous, pure) decision, write what it returns, commit. Nothing can be written in any other way.
 */
export interface PostingStore {
  /** How many batches may be under way at once: 1 where the database has one writer. */
  readonly batchesMax: number

  /**
   * How many turns of the event loop belong to others before a batch: 1 where it is written elsewhere; more where writing
   * holds up the process, since Node takes in one new connection a turn.
   */
  readonly turnsBefore: number

  /**
   * Runs one batch. Resolves after COMMIT was acknowledged; rejects with `StoreFailure`.
   * `decide` may be called again, with another state, when the batch is run again: its last answer counts.
   */
  post(reads: BatchReads, decide: (state: BatchState) => BatchWrites): Promise<void>
}
