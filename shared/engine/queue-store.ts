import type { AuditRecord, Witness } from './audit-record.ts'
import type { BatchRecord } from './batch-record.ts'
import type { ChainedAccount, EntryChain } from './entry-chain.ts'
import type { Standing } from './posting-store.ts'
import type { QueuePlace, TransactionRecord } from './transaction-record.ts'

/** What accepting a batch must know before it can decide. All of one ledger. */
export interface AcceptReads {
  readonly ledgerId: number
  readonly idempotencyKeys: readonly string[]
  readonly transactionIds: readonly string[]
  /** How many sequence numbers to take at the most. */
  readonly count: number
}

/** What the store found, and the numbers it gave. */
export interface AcceptState {
  readonly now: number
  readonly standing: readonly Standing[]
  /** The first of `count` numbers, greater than any that was given before this batch began. */
  readonly firstSequence: number
}

/** Everything that accepting writes: what is queued, and who asked for it. */
export interface AcceptWrites {
  readonly transactions: readonly TransactionRecord[]
  readonly records: readonly AuditRecord[]
}

/** What accepting a client's batch must know besides: whether it stands already, by its own id or by what it says. */
export interface BatchAcceptReads extends AcceptReads {
  /** Null unless an earlier try may have been committed. */
  readonly batchId: string | null
  readonly fingerprint: string | null
}

/** What the store found. */
export interface BatchAcceptState extends AcceptState {
  readonly standingBatch: string | undefined
}

/** A place in the queue as it is taken: of a transaction, or of all of an atomic batch, which it names then. */
export interface NewPlace {
  readonly place: QueuePlace
  readonly transactionId: string
  readonly entryCount: number
  readonly orderingKey: string
  readonly batchId: string | null
  /** The trace that led here, if any. */
  readonly traceparent: string | null
}

/** Everything that the acceptance of a client's batch writes: its transactions are queued, or failed. */
export interface BatchAcceptWrites {
  readonly batch: BatchRecord
  readonly transactions: readonly TransactionRecord[]
  readonly places: readonly NewPlace[]
  readonly records: readonly AuditRecord[]
}

/** Which queued transactions to take: the oldest of some slots, or exactly some places. All of one ledger. */
export type DrainOrder =
  | { readonly ledgerId: number; readonly slots: readonly number[] }
  | { readonly ledgerId: number; readonly places: readonly QueuePlace[] }

/** A transaction taken out of the queue, in the database transaction that will end it. */
export interface TakenTransaction {
  readonly transaction: TransactionRecord
  readonly place: QueuePlace
  /** The atomic batch that its place stands for: all of that is taken, its members in their order. */
  readonly batchId: string | null
  /** Its position in that batch. */
  readonly position: number | null
}

/** What was taken, by slot and then in sequence, with the accounts it touches locked. */
export interface DrainState {
  readonly now: number
  readonly accounts: ReadonlyMap<string, ChainedAccount>
  /** The targets of what was taken, with their entries, locked before the accounts. */
  readonly targets: readonly TransactionRecord[]
  readonly taken: readonly TakenTransaction[]
  /** The closing time of the books, which stays as it is until the drain is committed; null when nobody asked. */
  readonly booksClosedUntil: number | null
}

/** Everything a drain writes: each taken transaction as it ended, the targets that changed and the accounts that moved. */
export interface DrainWrites {
  readonly ended: readonly TransactionRecord[]
  readonly targets: readonly TransactionRecord[]
  readonly accounts: readonly ChainedAccount[]
  /** The hash of each entry. */
  readonly links: EntryChain['links']
  readonly at: number
}

/** The engine's side of a drain: what the taken transactions are about and touch, and how they end. All pure. */
export interface DrainDecider {
  /** The transactions that are to be locked, mostly none. */
  targetsOf(taken: readonly TakenTransaction[]): readonly string[]
  accountsOf(
    taken: readonly TakenTransaction[],
    targets: readonly TransactionRecord[],
  ): readonly string[]
  /** Whether one of them names the time at which it takes effect. */
  closingMatters(taken: readonly TakenTransaction[]): boolean
  decide(state: DrainState): DrainWrites
}

/** What a drain did not take of the slots it was sent to. */
export interface DrainRest {
  /** The slots of which it took as many rows as one drain takes of a slot: they may have more. */
  readonly mayHaveMore: readonly number[]
  /** The slots that have work and that somebody else is draining: what came too late for that drain waits on. */
  readonly takenElsewhere: readonly number[]
  /** The slots with rows that processes have died of: none of those was taken, they are to be drained carefully. */
  readonly suspect: readonly number[]
}

/** A queued row that may be taken next, as far as its place, its key and its past go. */
export interface QueuedCandidate {
  readonly place: QueuePlace
  readonly transactionId: string
  readonly orderingKey: string
  /** How many processes have it in hand or have ended with it in hand. */
  readonly deaths: number
}

/** How an attempt to end a queued transaction from outside ended. */
export type EndOutcome =
  | { readonly kind: 'ended'; readonly transaction: TransactionRecord }
  /** It is not queued (any more), or not parked where that was asked for: this is how it stands. */
  | { readonly kind: 'standing'; readonly transaction: TransactionRecord }
  /** It is queued as a part of an atomic batch, which only ends as a whole. */
  | { readonly kind: 'in_batch'; readonly batchId: string }
  | { readonly kind: 'not_found' }

/** How far a queued transaction has come. */
export interface QueueStanding {
  /** How many are queued before it in its slot. */
  readonly ahead: number
  readonly enqueuedAt: number
  readonly attempts: number
  readonly lastError: string | null
  readonly parkedAt: number | null
  readonly parkedReason: string | null
  /** The atomic batch that the place stands for. */
  readonly batchId: string | null
}

/** What waits in one slot. */
export interface SlotBacklog {
  readonly ledgerId: number
  readonly slot: number
  readonly queued: number
  readonly parked: number
  readonly oldestAt: number
}

/** The durable queue: rows in the database, in the same transactions as what they stand for. */
export interface QueueStore {
  /** As of posting (`PostingStore`). */
  readonly turnsBefore: number

  /** Runs one batch of acceptance as one database transaction. Rejects with `StoreFailure`. */
  accept(reads: AcceptReads, decide: (state: AcceptState) => AcceptWrites): Promise<void>

  /** Runs the acceptance of one batch of a client's as one database transaction. Rejects with `StoreFailure`. */
  acceptBatch(
    reads: BatchAcceptReads,
    decide: (state: BatchAcceptState) => BatchAcceptWrites | undefined,
  ): Promise<void>

  findBatch(ledgerId: number, id: string): Promise<BatchRecord | undefined>
  /** The id of the batch that says the same under the same keys. */
  findBatchByFingerprint(ledgerId: number, fingerprint: string): Promise<string | undefined>

  /** Ends what is still queued of a batch as canceled; gives the ids and places of that. */
  cancelBatch(batch: BatchRecord, witness?: Witness): Promise<readonly TransactionRecord[]>

  /**
   * Runs one drain as one database transaction: takes the slots that nobody else is draining, takes their oldest rows,
   * locks the accounts, asks for the decision, writes it, commits. A row whose ordering key is parked stays. Gives what it
   * left in those slots.
   */
  drain(order: DrainOrder, decider: DrainDecider): Promise<DrainRest>

  /**
   * Marks rows as being in hand, as one database transaction of its own: takes the slots that nobody else is draining, shows
   * their oldest rows, as far as one drain would take them, and counts a death in advance for those that `choose`
   * names. Who drains them takes the mark away with them, who lets go of them alive takes it back. Gives what it did
   * not show. Rejects with `StoreFailure`.
   */
  markInHand(
    ledgerId: number,
    slots: readonly number[],
    choose: (candidates: readonly QueuedCandidate[]) => readonly QueuePlace[],
  ): Promise<DrainRest>

  /** Takes such marks back, of those rows that are still there. Rejects with `StoreFailure`. */
  unmarkInHand(ledgerId: number, places: readonly QueuePlace[]): Promise<void>

  /** All ledgers. */
  ledgerIds(): Promise<readonly number[]>

  /** The slots that have had work waiting for `ageMs` or longer. */
  slotsWaiting(ageMs: number): Promise<readonly { ledgerId: number; slots: readonly number[] }[]>

  /** Remembers a failed attempt on queued rows. Best effort: the database may be what failed. */
  noteAttempt(ledgerId: number, places: readonly QueuePlace[], reason: string): Promise<void>

  /** Sets a row aside, visibly: its ordering key waits until an operator resumes, refuses or cancels it. */
  park(ledgerId: number, place: QueuePlace, reason: string): Promise<void>

  /** Ends a queued transaction as canceled, unless a drain has it or had it. One conditional update. */
  cancel(ledgerId: number, id: string, witness?: Witness): Promise<EndOutcome>

  /** Lets a parked transaction be drained again. */
  resume(ledgerId: number, id: string, witness?: Witness): Promise<EndOutcome>

  /** Ends a parked transaction as failed. */
  refuse(ledgerId: number, id: string, reason: string, witness?: Witness): Promise<EndOutcome>

  queueStanding(ledgerId: number, place: QueuePlace): Promise<QueueStanding | undefined>
  backlog(): Promise<readonly SlotBacklog[]>
  listParked(
    ledgerId: number,
    page: { readonly before: string | undefined; readonly size: number },
  ): Promise<TransactionRecord[]>

  /** Those of these transactions that have ended. */
  endedAmong(ids: readonly { ledgerId: number; id: string }[]): Promise<readonly string[]>

  /** The transaction, or the change of a hold, that stands under an idempotency key. */
  findByKey(ledgerId: number, idempotencyKey: string): Promise<Standing | undefined>
}
