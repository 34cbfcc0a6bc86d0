import type { AccountRecord } from '../../engine/account-record.ts'
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
import type { QueuePlace, TransactionRecord } from '../../engine/transaction-record.ts'
import { Administration } from '../administration.ts'
import { placeOf, type AdministrativeSource } from '../data-source.ts'
import { LedgerReads } from '../ledger-reads.ts'
import type { StoreCondition } from '../condition.ts'
import type { LedgerStore } from '../ledger-store.ts'
import { unwatched, type StoreWatch } from '../store-watch.ts'
import { acceptOn } from './accept.ts'
import { acceptBatchOn } from './accept-batch.ts'
import { applyOn } from './apply.ts'
import { commitWith } from './commit.ts'
import { drainOn } from './drain.ts'
import { DrainFloors } from './drain-floors.ts'
import { markInHandOn, unmarkInHandOn } from './mark-in-hand.ts'
import { keepPositionsGrowing } from './keep-positions-growing.ts'
import { OptimisticPosting } from './optimistic-posting.ts'
import { postOn } from './post.ts'
import { PostingPool } from './posting-pool.ts'
import { readCondition } from './read-condition.ts'
import { PostgresReader } from './reader.ts'
import { ReadsTogether } from './reads-together.ts'
import { requireSettings } from './require-settings.ts'
import { readSequenceOn } from './sequence-reading.ts'
import { readClock, settle } from './settle.ts'
import { SnapshotAges } from './snapshot-ages.ts'
import { settledPosition, tellingStep } from './tell-events.ts'
import { storeFailureOf } from './sqlstate.ts'

/** Batches of one kind under way at once. More only wait for each other's locks and for the disk. */
const batchesMax = 2

/** Connections that write: two batches each of posting one by one and in batches, of accepting and of draining, and one dry run. */
const postingConnections = 4 * batchesMax + 1

/** Connections for accounts, cancels and what operators change: however many come, they take none from posting. */
const changeConnections = 6

/** Longer than a batch waits for one: nobody has waited before, and fifty accounts created at once wait for each other. */
const changeWaitMsMax = 900

/** How often the newest number of the queue is read, for the floors of the slots. */
const sequenceReadingMs = 1000

const closeDeadlineMs = 5000

/** A ledger in Postgres: writing on connections of its own, reads on others, administration through TypeORM. */
export class PostgresStore extends LedgerReads implements LedgerStore {
  readonly batchesMax = batchesMax
  readonly turnsBefore = 1
  readonly description: string
  readonly advice: string | undefined
  readonly #posting: PostingPool
  readonly #optimistic: OptimisticPosting
  readonly #changes: PostingPool
  readonly #reader: PostgresReader
  readonly #together: ReadsTogether
  readonly #floors = new DrainFloors()
  readonly #ages = new SnapshotAges()
  #sequenceReadAt = Number.NEGATIVE_INFINITY

  private constructor(
    url: string,
    administration: Administration,
    about: { description: string; advice: string | undefined; watch: StoreWatch },
  ) {
    const { watch } = about
    const reader = new PostgresReader(url, { watch })
    const changes = new PostingPool(url, changeConnections, {
      name: 'changes',
      watch,
      waitMsMax: changeWaitMsMax,
    })
    super(
      {
        rows: (statement, parameters) => reader.rows(statement, parameters),
        timeParameter: (ms) => reader.timeParameter(ms),
        exactSum: (column) => reader.exactSum(column),
        probe: (...asked) => reader.probe(...asked),
        idRows: (first, count) => reader.idRows(first, count),
        keyRange: (owner, operator, columns) => reader.keyRange(owner, operator, columns),
        now: () => readClock(reader),
        settle: (at) => settle(reader, at),
        apply: (steps) => changes.lend((connection) => applyOn(connection, steps)),
        telling: (happenings) => happenings.map((one, index) => tellingStep(one, index + 1)),
        settledPosition,
      },
      administration,
    )
    this.#reader = reader
    this.#together = new ReadsTogether(reader)
    this.#posting = new PostingPool(url, postingConnections, { name: 'posting', watch })
    this.#optimistic = new OptimisticPosting(url, watch)
    this.#changes = changes
    this.description = about.description
    this.advice = about.advice
  }

  /** Opens a store whose schema is complete. */
  static async open(
    url: string,
    source: AdministrativeSource,
    watch: StoreWatch = unwatched,
  ): Promise<PostgresStore> {
    await requireSettings(url)
    await keepPositionsGrowing(source)
    return new PostgresStore(url, new Administration(source), {
      description: await describe(source, url),
      advice: await adviseOnRole(source),
      watch,
    })
  }

  async post(reads: BatchReads, decide: (state: BatchState) => BatchWrites): Promise<void> {
    if (await this.#optimistic.post(reads, decide)) return
    await this.#optimistic.learnFrom(reads, decide, (observed) =>
      this.#posting.lend((connection) => postOn(connection, reads, observed)),
    )
  }

  accept(reads: AcceptReads, decide: (state: AcceptState) => AcceptWrites): Promise<void> {
    return this.#posting.lend((connection) => acceptOn(connection, reads, decide))
  }

  acceptBatch(
    reads: BatchAcceptReads,
    decide: (state: BatchAcceptState) => BatchAcceptWrites | undefined,
  ): Promise<void> {
    return this.#posting.lend((connection) => acceptBatchOn(connection, reads, decide))
  }

  drain(order: DrainOrder, decider: DrainDecider): Promise<DrainRest> {
    return this.#posting.lend((connection) => drainOn(connection, order, decider, this.#floors))
  }

  markInHand(
    ledgerId: number,
    slots: readonly number[],
    choose: (candidates: readonly QueuedCandidate[]) => readonly QueuePlace[],
  ): Promise<DrainRest> {
    return this.#posting.lend((connection) =>
      markInHandOn(connection, { ledgerId, slots }, choose, this.#floors),
    )
  }

  unmarkInHand(ledgerId: number, places: readonly QueuePlace[]): Promise<void> {
    return this.#posting.lend((connection) => unmarkInHandOn(connection, ledgerId, places))
  }

  override findAccount(ledgerId: number, id: string): Promise<AccountRecord | undefined> {
    return this.#together.account(ledgerId, id)
  }

  override findTransaction(ledgerId: number, id: string): Promise<TransactionRecord | undefined> {
    return this.#together.transaction(ledgerId, id)
  }

  override async findTransactions(
    ledgerId: number,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, TransactionRecord>> {
    const found = await Promise.all(ids.map((id) => this.#together.transaction(ledgerId, id)))
    return new Map(found.flatMap((one) => (one === undefined ? [] : [[one.id, one] as const])))
  }

  override async endedAmong(
    wanted: readonly { ledgerId: number; id: string }[],
  ): Promise<readonly string[]> {
    const found = await Promise.all(
      wanted.map(({ ledgerId, id }) => this.#together.transaction(ledgerId, id)),
    )
    return found.flatMap((one) => (one === undefined || one.status === 'queued' ? [] : one.id))
  }

  override async slotsWaiting(
    ageMs: number,
  ): Promise<readonly { ledgerId: number; slots: readonly number[] }[]> {
    const now = performance.now()
    if (now - this.#sequenceReadAt >= sequenceReadingMs) {
      this.#sequenceReadAt = now
      await this.#readSequence(now)
    }
    return super.slotsWaiting(ageMs)
  }

  /**
   * For the floors of the slots. Without an answer they stay where they are, which is always safe; what is wrong with the database,
   * the sweep is about to hear as well.
   */
  async #readSequence(at: number): Promise<void> {
    await this.#changes
      .lend((connection) => readSequenceOn(connection, at))
      .then(
        (reading) => this.#floors.read(reading),
        () => undefined,
      )
  }

  connections(): { readonly open: number; readonly busy: number } {
    const [pool, line] = [this.#posting.counts, this.#optimistic.counts]
    return { open: pool.open + line.open, busy: pool.busy + line.busy }
  }

  async condition(): Promise<StoreCondition> {
    return { server: await readCondition(this.#reader, this.#ages) }
  }

  record(records: readonly AuditRecord[]): Promise<void> {
    return this.#changes.lend(async (connection) => {
      await connection.send('begin').catch((error: unknown) => {
        throw storeFailureOf(error, 'before_commit')
      })
      await commitWith(connection, undefined, records)
    })
  }

  async close(): Promise<void> {
    await Promise.all(
      [this.#posting, this.#optimistic, this.#changes].map((one) => one.close(closeDeadlineMs)),
    )
    await Promise.allSettled([this.#reader.close(), this.closeAdministration()])
  }
}

async function describe(source: AdministrativeSource, url: string): Promise<string> {
  const [row] = await source.dataSource.query<{ server_version: string }[]>('show server_version')
  return `Postgres ${row?.server_version ?? ''} at ${placeOf(url)}`
}

/** The service should own nothing, so that nobody who takes it over can drop the guards. */
async function adviseOnRole(source: AdministrativeSource): Promise<string | undefined> {
  const [row] = await source.dataSource.query<{ owner: boolean }[]>(
    `select pg_has_role(tableowner, 'usage') as owner from pg_tables
      where tablename = 'entries' and schemaname = any(current_schemas(false))`,
  )
  if (row?.owner !== true) return undefined
  return (
    'the service runs with the role that owns the tables and could drop their guards; ' +
    'npm run grant-service-role makes a role that owns nothing'
  )
}
