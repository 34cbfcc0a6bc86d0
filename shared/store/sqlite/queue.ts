import type { Database, Statement, Transaction } from 'better-sqlite3'
import { orderingKeyOf } from '../../engine/accept.ts'
import type { EntryChain } from '../../engine/entry-chain.ts'
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
  TakenTransaction,
} from '../../engine/queue-store.ts'
import { traced } from '../../engine/traced.ts'
import type { QueuePlace, TransactionRecord } from '../../engine/transaction-record.ts'
import { transactionOf, type Row } from '../rows.ts'
import { currenciesText, resolvedText } from '../stored-columns.ts'
import { sqliteFailureOf } from './failure.ts'
import type { SqlitePosting } from './post.ts'

/** The most rows of one drain, shared among the slots. Smaller than on Postgres: it holds up the whole process. */
const rowsMax = 256
const rowsOfSlotMin = 4

/** The most entries of one drain, unless a single row has more. */
const entriesMax = 2000

/** Takes a block of numbers. */
const takeNumbers = `update accept_counter set value = value + ? where id = 1 returning value`

const insertQueued = `
  insert into queued_transactions
    (ledger_id, slot, sequence, transaction_id, entry_count, ordering_key, enqueued_at, batch_id,
     traceparent)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?)`

const insertBatch = `
  insert into batches (ledger_id, id, mode, fingerprint, created_at) values (?, ?, ?, ?, ?)`

const insertMember = `
  insert into batch_members (ledger_id, batch_id, position, transaction_id, problem, replayed)
  values (?, ?, ?, ?, ?, ?)`

/** A batch by its id or by what it says, through its primary key and `batches_fingerprint`. */
const findBatch = `
  select id from batches where ledger_id = :ledgerId and id = :batchId
  union all
  select id from batches
   where ledger_id = :ledgerId and fingerprint is not null and fingerprint = :fingerprint`

/** The transactions of an atomic batch, as on Postgres. */
const membersOfBatch = `
  select t.*, m.position as taken_position from batch_members m
    cross join transactions t on t.ledger_id = m.ledger_id and t.id = m.transaction_id
   where m.ledger_id = ? and m.batch_id = ? and m.replayed = 0 and t.status = 'queued'
   order by m.position`

/** A row whose ordering key has a parked row before it waits for that one. */
const notBehindParked = `
  not exists (select 1 from queued_transactions p
               where p.ledger_id = q.ledger_id and p.slot = q.slot
                 and p.ordering_key = q.ordering_key
                 and p.parked_at is not null and p.sequence < q.sequence)`

/** The oldest rows of a slot that may be drained, through the primary key. */
const oldestOfSlot = `
  select q.slot, q.sequence, q.entry_count as entryCount, q.transaction_id as transactionId,
         q.ordering_key as orderingKey, q.deaths
    from queued_transactions q
   where q.ledger_id = ? and q.slot = ? and q.parked_at is null and ${notBehindParked}
   order by q.sequence limit ?`

/** One row, if it is still there and may be drained. */
const rowAtPlace = `
  select q.slot, q.sequence from queued_transactions q
   where q.ledger_id = ? and q.slot = ? and q.sequence = ? and q.parked_at is null
     and ${notBehindParked}`

const dequeue = `
  delete from queued_transactions where ledger_id = ? and slot = ? and sequence = ?
  returning transaction_id as transactionId, batch_id as batchId, traceparent`

const addDeaths = `
  update queued_transactions set deaths = max(0, deaths + ?)
   where ledger_id = ? and slot = ? and sequence = ?`

const queuedById = `select * from transactions where ledger_id = ? and id = ? and status = 'queued'`

/** Ends a queued transaction; its entries are there already and must balance by now. */
const endQueued = `
  update transactions
     set status = ?, posted_at = ?, failed_at = ?, failure = ?, held_at = ?, expires_at = ?,
         resolved_at = ?, resolved_entries = ?, currencies = ?,
         requested_entries = case when ? = 'posted' then null else requested_entries end
   where ledger_id = ? and id = ?`

/** Accepts and drains on the writing connection of a SQLite file: the same steps as on Postgres, without locks. */
export class SqliteQueue {
  readonly #posting: SqlitePosting
  readonly #statements: Record<
    | 'numbers'
    | 'insert'
    | 'insertBatch'
    | 'insertMember'
    | 'findBatch'
    | 'members'
    | 'oldest'
    | 'place'
    | 'dequeue'
    | 'queued'
    | 'end'
    | 'deaths',
    Statement
  >
  readonly #transact: Transaction<(work: () => void) => void>

  constructor(database: Database, posting: SqlitePosting) {
    this.#posting = posting
    this.#statements = {
      numbers: database.prepare(takeNumbers).pluck(),
      insert: database.prepare(insertQueued),
      oldest: database.prepare(oldestOfSlot),
      place: database.prepare(rowAtPlace),
      dequeue: database.prepare(dequeue),
      insertBatch: database.prepare(insertBatch),
      insertMember: database.prepare(insertMember),
      findBatch: database.prepare(findBatch).pluck(),
      members: database.prepare(membersOfBatch),
      queued: database.prepare(queuedById),
      end: database.prepare(endQueued),
      deaths: database.prepare(addDeaths),
    }
    this.#transact = database.transaction((work: () => void) => work())
  }

  /** Runs one batch of acceptance; throws `StoreFailure`, or what `decide` throws. */
  accept(reads: AcceptReads, decide: (state: AcceptState) => AcceptWrites): void {
    this.#immediately(() => {
      const standing = this.#posting.standing(reads)
      const last = this.#statements.numbers.get(reads.count) as number
      const state = { now: Date.now(), standing, firstSequence: last - reads.count + 1 }
      const writes = decide(state)
      for (const transaction of writes.transactions) this.#insert(transaction)
      this.#posting.record(writes.records)
    })
  }

  /** Runs the acceptance of one batch of a client's; throws as `accept` does. */
  acceptBatch(
    reads: BatchAcceptReads,
    decide: (state: BatchAcceptState) => BatchAcceptWrites | undefined,
  ): void {
    this.#immediately(() => {
      const { ledgerId, batchId, fingerprint, count } = reads
      const standingBatch = this.#statements.findBatch.get({ ledgerId, batchId, fingerprint })
      const last = this.#statements.numbers.get(count) as number
      const writes = decide({
        now: Date.now(),
        standing: this.#posting.standing(reads),
        firstSequence: last - count + 1,
        standingBatch: standingBatch as string | undefined,
      })
      if (writes === undefined) return
      this.#insertBatch(writes)
      this.#posting.record(writes.records)
    })
  }

  /** Runs one drain; throws `StoreFailure`, or what the decider throws. */
  drain(order: DrainOrder, decider: DrainDecider): DrainRest {
    let taken: TakenTransaction[] = []
    let suspect = new Set<number>()
    this.#immediately(() => {
      const chosen = this.#choose(order)
      suspect = suspectSlots(chosen)
      taken = suspect.size > 0 ? [] : this.#take(order.ledgerId, chosen)
      if (taken.length === 0) return
      const targets = this.#posting.targets(order.ledgerId, decider.targetsOf(taken))
      const touched = decider.accountsOf(taken, targets)
      const accounts = this.#posting.accounts(order.ledgerId, touched)
      const booksClosedUntil = this.#posting.closing(order.ledgerId, decider.closingMatters(taken))
      const state = { now: Date.now(), accounts, targets, taken, booksClosedUntil }
      const writes = decider.decide(state)
      for (const transaction of writes.ended) this.#end(transaction, writes.links)
      this.#posting.resolve(writes.targets)
      this.#posting.move(order.ledgerId, writes.accounts)
    })
    if ('places' in order) return { mayHaveMore: [], takenElsewhere: [], suspect: [] }
    const entries = taken.reduce((sum, row) => sum + row.transaction.requestedEntries.length, 0)
    const full = taken.length >= rowsMax || entries >= entriesMax || suspect.size > 0
    const mayHaveMore = order.slots.filter(
      (slot) =>
        !suspect.has(slot) && (full || countOf(taken, slot) >= rowsOfSlot(order.slots.length)),
    )
    return { mayHaveMore, takenElsewhere: [], suspect: [...suspect] }
  }

  /** Marks rows as being in hand; throws `StoreFailure`, or what `choose` throws. */
  markInHand(
    ledgerId: number,
    slots: readonly number[],
    choose: (candidates: readonly QueuedCandidate[]) => readonly QueuePlace[],
  ): DrainRest {
    let oldest: readonly QueuedRow[] = []
    this.#immediately(() => {
      oldest = this.#oldestOf(ledgerId, slots)
      this.#addDeaths(1, ledgerId, choose(oldest.map(candidateOf)))
    })
    const size = rowsOfSlot(slots.length)
    const full = oldest.length >= rowsMax
    const mayHaveMore = slots.filter(
      (slot) => full || oldest.filter((row) => row.slot === slot).length >= size,
    )
    return { mayHaveMore, takenElsewhere: [], suspect: [] }
  }

  /** Takes marks back, of those rows that are still there; throws `StoreFailure`. */
  unmarkInHand(ledgerId: number, places: readonly QueuePlace[]): void {
    this.#immediately(() => this.#addDeaths(-1, ledgerId, places))
  }

  #addDeaths(deaths: 1 | -1, ledgerId: number, places: readonly QueuePlace[]): void {
    for (const { slot, sequence } of places) {
      this.#statements.deaths.run(deaths, ledgerId, slot, sequence)
    }
  }

  #take(ledgerId: number, chosen: readonly QueuePlace[]): TakenTransaction[] {
    return chosen.flatMap(({ slot, sequence }) => {
      const place = { slot, sequence }
      const { transactionId, batchId, traceparent } = this.#statements.dequeue.get(
        ledgerId,
        slot,
        sequence,
      ) as DequeuedRow
      const rows =
        batchId === null
          ? this.#statements.queued.all(ledgerId, transactionId)
          : this.#statements.members.all(ledgerId, batchId)
      return (rows as Row[]).map((row) => ({
        transaction: traced(transactionOf(row, []), traceparent),
        place,
        batchId,
        position: (row['taken_position'] as number | undefined) ?? null,
      }))
    })
  }

  /** What is wanted by its place is there without its past: whoever wants it knows that. */
  #choose(order: DrainOrder): (QueuePlace & { readonly deaths?: number })[] {
    if ('slots' in order) return this.#oldestOf(order.ledgerId, order.slots)
    return order.places.flatMap(
      ({ slot, sequence }) =>
        this.#statements.place.all(order.ledgerId, slot, sequence) as QueuePlace[],
    )
  }

  #oldestOf(ledgerId: number, slots: readonly number[]): QueuedRow[] {
    const size = rowsOfSlot(slots.length)
    const ofSlots = slots.map(
      (slot) => this.#statements.oldest.all(ledgerId, slot, size) as QueuedRow[],
    )
    return withinBounds(inTurns(ofSlots))
  }

  #insert(transaction: TransactionRecord): void {
    this.#posting.insert(transaction)
    const { ledgerId, place, id, createdAt } = transaction
    this.#statements.insert.run(
      ledgerId,
      place?.slot,
      place?.sequence,
      id,
      transaction.requestedEntries.length,
      orderingKeyOf(transaction),
      createdAt,
      null,
      transaction.traceparent ?? null,
    )
  }

  #insertBatch({ batch, transactions, places }: BatchAcceptWrites): void {
    const { ledgerId, id, mode, fingerprint, createdAt, members } = batch
    this.#statements.insertBatch.run(ledgerId, id, mode, fingerprint, createdAt)
    members.forEach(({ transactionId, problem, replayed }, position) =>
      this.#statements.insertMember.run(
        ledgerId,
        id,
        position,
        transactionId,
        problem === null ? null : JSON.stringify(problem),
        replayed ? 1 : 0,
      ),
    )
    for (const transaction of transactions) this.#posting.insert(transaction)
    for (const taken of places) {
      const { place, transactionId, entryCount, orderingKey, batchId, traceparent } = taken
      this.#statements.insert.run(
        ledgerId,
        place.slot,
        place.sequence,
        transactionId,
        entryCount,
        orderingKey,
        createdAt,
        batchId,
        traceparent,
      )
    }
  }

  #end(transaction: TransactionRecord, links: EntryChain['links']): void {
    this.#posting.insertEntries(transaction, links)
    this.#statements.end.run(
      transaction.status,
      transaction.postedAt,
      transaction.failedAt,
      transaction.failure === null ? null : JSON.stringify(transaction.failure),
      transaction.heldAt,
      transaction.expiresAt,
      transaction.resolvedAt,
      resolvedText(transaction),
      currenciesText(transaction),
      transaction.status,
      transaction.ledgerId,
      transaction.id,
    )
  }

  #immediately(work: () => void): void {
    try {
      this.#transact.immediate(work)
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }
}

function rowsOfSlot(slots: number): number {
  return Math.max(rowsOfSlotMin, Math.floor(rowsMax / slots))
}

function countOf(taken: readonly TakenTransaction[], slot: number): number {
  return taken.filter((row) => row.place.slot === slot).length
}

/** What stands at a place that was taken. */
interface DequeuedRow {
  readonly transactionId: string
  readonly batchId: string | null
  readonly traceparent: string | null
}

/** A row of the queue that may be taken. */
interface QueuedRow extends QueuePlace {
  readonly entryCount: number
  readonly transactionId: string
  readonly orderingKey: string
  readonly deaths: number
}

function candidateOf({ slot, sequence, ...rest }: QueuedRow): QueuedCandidate {
  return { place: { slot, sequence }, ...rest }
}

/** The slots with a row that a process has died of. */
function suspectSlots(rows: readonly (QueuePlace & { readonly deaths?: number })[]): Set<number> {
  return new Set(rows.flatMap(({ slot, deaths = 0 }) => (deaths > 0 ? slot : [])))
}

/** Each slot's first row before anybody's second; within a slot the order stays. */
function inTurns(ofSlots: readonly (readonly QueuedRow[])[]): QueuedRow[] {
  const longest = Math.max(0, ...ofSlots.map((rows) => rows.length))
  return Array.from({ length: longest }, (_, rank) =>
    ofSlots.flatMap((rows) => rows[rank] ?? []),
  ).flat()
}

function withinBounds(rows: readonly QueuedRow[]): QueuedRow[] {
  let entries = 0
  const end = rows.findIndex((row, index) => {
    const full = index > 0 && (index >= rowsMax || entries >= entriesMax)
    entries += row.entryCount
    return full
  })
  return rows.slice(0, end === -1 ? undefined : end)
}
