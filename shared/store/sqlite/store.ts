import { statSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { AuditRecord } from '../../engine/audit-record.ts'
import type { BatchReads, BatchState, BatchWrites } from '../../engine/posting-store.ts'
import type {
  AcceptReads,
  AcceptState,
  AcceptWrites,
  BatchAcceptReads,
  BatchAcceptState,
  BatchAcceptWrites,
  DrainDecider,
  DrainOrder,
  DrainRest,
  QueuedCandidate,
} from '../../engine/queue-store.ts'
import type { QueuePlace } from '../../engine/transaction-record.ts'
import { afterTurns } from '../../engine/turns.ts'
import { Administration } from '../administration.ts'
import type { AdministrativeSource } from '../data-source.ts'
import { LedgerReads } from '../ledger-reads.ts'
import type { StoreCondition } from '../condition.ts'
import type { LedgerStore } from '../ledger-store.ts'
import { unwatched, type StoreWatch } from '../store-watch.ts'
import { applySteps } from './apply.ts'
import { openSqlite } from './connection.ts'
import { SqlitePosting } from './post.ts'
import { SqliteQueue } from './queue.ts'
import { SqliteReader } from './reader.ts'

/**
 * How many turns of the event loop others get before each batch and each drain, which hold up the whole process for as long
 * as they take. Node takes in one connection a turn: with one turn a batch, the last of 200 new connections was
 * taken in after 200 batches, that is after seconds.
 */
const turnsBefore = 32

/** The first position at which an event may still appear: there is one writer, and what it has committed is complete. */
const settledPosition = `(select base + 1 from event_numbering where id = 1)`

/** A ledger in a SQLite file that this process alone serves. */
export class SqliteStore extends LedgerReads implements LedgerStore {
  readonly batchesMax = 1
  readonly turnsBefore = turnsBefore
  readonly advice = undefined
  readonly description: string
  readonly #reader: SqliteReader
  readonly #database: Database
  readonly #posting: SqlitePosting
  readonly #queue: SqliteQueue
  readonly #claim: Database
  readonly #path: string
  readonly #watch: StoreWatch

  private constructor(
    path: string,
    claim: Database,
    administration: Administration,
    watch: StoreWatch,
  ) {
    const reader = new SqliteReader(path, watch)
    const database = openSqlite(path)
    super(
      {
        rows: (statement, parameters) => reader.rows(statement, parameters),
        timeParameter: (ms) => reader.timeParameter(ms),
        exactSum: (column) => reader.exactSum(column),
        probe: (table, alias, condition) => reader.probe(table, alias, condition),
        idRows: (first, count) => reader.idRows(first, count),
        keyRange: (owner, operator, columns) => reader.keyRange(owner, operator, columns),
        now: () => Promise.resolve(Date.now()),
        settle,
        apply: (steps) => promised(() => applySteps(database, steps)),
        telling: () => [],
        settledPosition,
      },
      administration,
    )
    this.#reader = reader
    this.#database = database
    this.#posting = new SqlitePosting(database)
    this.#queue = new SqliteQueue(database, this.#posting)
    this.#claim = claim
    this.#path = path
    this.#watch = watch
    const version = this.#database.prepare('select sqlite_version()').pluck().get()
    this.description = `SQLite ${String(version)} at ${path}`
  }

  /** Opens a store whose schema is complete; `claim` is this process's claim on the file. */
  static open(
    path: string,
    claim: Database,
    source: AdministrativeSource,
    watch: StoreWatch = unwatched,
  ): SqliteStore {
    return new SqliteStore(path, claim, new Administration(source), watch)
  }

  post(reads: BatchReads, decide: (state: BatchState) => BatchWrites): Promise<void> {
    return this.#timed('post', () => this.#posting.post(reads, decide))
  }

  accept(reads: AcceptReads, decide: (state: AcceptState) => AcceptWrites): Promise<void> {
    return this.#timed('accept', () => this.#queue.accept(reads, decide))
  }

  acceptBatch(
    reads: BatchAcceptReads,
    decide: (state: BatchAcceptState) => BatchAcceptWrites | undefined,
  ): Promise<void> {
    return this.#timed('accept_batch', () => this.#queue.acceptBatch(reads, decide))
  }

  async drain(order: DrainOrder, decider: DrainDecider): Promise<DrainRest> {
    // Without a turn for others, a backlog of 3,000 was drained to its end before anybody was answered.
    await new Promise<void>((resolve) => {
      afterTurns(turnsBefore, resolve)
    })
    return this.#timed('drain', () => this.#queue.drain(order, decider))
  }

  markInHand(
    ledgerId: number,
    slots: readonly number[],
    choose: (candidates: readonly QueuedCandidate[]) => readonly QueuePlace[],
  ): Promise<DrainRest> {
    return promised(() => this.#queue.markInHand(ledgerId, slots, choose))
  }

  unmarkInHand(ledgerId: number, places: readonly QueuePlace[]): Promise<void> {
    return promised(() => this.#queue.unmarkInHand(ledgerId, places))
  }

  connections(): { readonly open: number; readonly busy: number } {
    return { open: 1, busy: 0 }
  }

  condition(): Promise<StoreCondition> {
    return promised(() => ({
      files: [
        { file: 'database', bytes: bytesOf(this.#path) },
        { file: 'wal', bytes: bytesOf(`${this.#path}-wal`) },
      ],
    }))
  }

  record(records: readonly AuditRecord[]): Promise<void> {
    return promised(() => this.#posting.recordAlone(records))
  }

  async close(): Promise<void> {
    await this.closeAdministration()
    this.#reader.close()
    this.#database.close()
    this.#claim.close()
  }

  /** Runs one database transaction, and tells if it took long: all of its statements are one name here. */
  #timed<Result>(statement: string, work: () => Result): Promise<Result> {
    return promised(() => {
      const begun = performance.now()
      try {
        return work()
      } finally {
        const ms = performance.now() - begun
        if (ms >= this.#watch.slowMs) this.#watch.slow({ statement, ms, rows: undefined })
      }
    })
  }
}

/**
 * A batch reads the clock and is committed without anything of this process in between, and no other process writes: once the
 * clock is past a time, nothing is posted at it any more.
 */
async function settle(at: number): Promise<void> {
  for (let now = Date.now(); now <= at; now = Date.now()) await sleep(at + 1 - now)
}

function bytesOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}

/** Runs synchronous work as a promise: what it throws is a rejection. */
function promised<Result>(work: () => Result): Promise<Result> {
  return new Promise((resolve) => {
    resolve(work())
  })
}
