import type { ChainedAccount } from '../../engine/entry-chain.ts'
import type { BatchReads, BatchState, BatchWrites } from '../../engine/posting-store.ts'
import type { StoreWatch } from '../store-watch.ts'
import { Contention } from './contention.ts'
import { DatabaseClock, tellTime } from './database-clock.ts'
import { KnownAccounts } from './known-accounts.ts'
import { postDecidedOn } from './post-decided.ts'
import { PostingLine } from './posting-line.ts'

/** How often a batch looks for accounts that others are posting to, before it waits for their locks instead. */
const looksMax = 3

type Decide = (state: BatchState) => BatchWrites

/**
 * Posts batches without waiting for anything: each is decided by the accounts as this process has left them, and leaves with its lock, the
 * comparison, its write and its commit in one packet, behind the batch before it, whose answer it need not wait for. Under the lock, the
 * database compares the accounts with what they were taken to be, and writes nothing if one of them, a key or the time is another.
 *
 * All go on one connection in the order in which they were decided: none waits for the locks of another, nor for this process between its lock and
 * its commit. Where other processes post to the same accounts it soon rests, since a batch in vain goes the usual way after it.
 */
export class OptimisticPosting {
  readonly #watch: StoreWatch
  readonly #line: PostingLine
  readonly #known = new KnownAccounts()
  readonly #contention = new Contention()
  readonly #clock = new DatabaseClock()
  #isAskingForTime = false

  constructor(url: string, watch: StoreWatch) {
    this.#watch = watch
    this.#line = new PostingLine(url, watch)
  }

  /**
   * Posts a batch, if its accounts are known and nothing else must be read first. Resolves with false if it has to go the usual way: nothing
   * was written then, though `decide` may have been called. Rejects with `StoreFailure`, as the usual way does. One round trip.
   */
  async post(reads: BatchReads, decide: Decide): Promise<boolean> {
    const { ledgerId, accountIds } = reads
    if (mustBeRead(reads) || this.#contention.isToBeAvoided(ledgerId)) return false
    let accounts = this.#known.lookUp(accountIds)
    for (let looks = 1; accounts instanceof Promise && looks < looksMax; looks += 1) {
      await accounts
      accounts = this.#known.lookUp(accountIds)
    }
    if (accounts === undefined || accounts instanceof Promise) return false
    // From here to the sending nothing may come between: the next batch is decided by what this one leaves.
    if (!this.#line.isReady()) return false
    const now = this.#clock.estimate()
    if (now === undefined) {
      this.#askForTime()
      return false
    }
    const state = { now, accounts, standing: [], targets: [], booksClosedUntil: null }
    const writes = decide(state)
    this.#known.learn(writes.accounts)
    const hear = (reading: number) => this.#clock.hear(reading)
    const agreed = await this.#line
      .run(entriesOf(writes), (connection) => postDecidedOn(connection, reads, state, writes, hear))
      .catch((error: unknown) => {
        this.#giveUp(ledgerId)
        throw error
      })
    this.#watch.postedAhead(agreed)
    if (agreed) this.#contention.succeeded(ledgerId)
    else this.#giveUp(ledgerId)
    return agreed
  }

  /** Lets a batch go the usual way, and learns from it how its accounts stand. */
  async learnFrom(
    reads: BatchReads,
    decide: Decide,
    post: (decide: Decide) => Promise<void>,
  ): Promise<void> {
    const tell = this.#known.expect(reads.accountIds)
    let left: readonly ChainedAccount[] = []
    try {
      await post((state) => {
        const writes = decide(state)
        left = [...state.accounts.values(), ...writes.accounts]
        return writes
      })
    } catch (error) {
      left = []
      throw error
    } finally {
      tell(left)
    }
  }

  get counts(): { readonly open: number; readonly busy: number } {
    return this.#line.counts
  }

  close(deadlineMs: number): Promise<void> {
    return this.#line.close(deadlineMs)
  }

  /** What is known may be wrong: the batch itself learns it anew on its way, and others of its ledger keep away meanwhile. */
  #giveUp(ledgerId: number): void {
    this.#clock.forget()
    this.#contention.failed(ledgerId)
  }

  /** Asks the database for the time, beside whatever is posted meanwhile. A failure is met again by the next batch. */
  #askForTime(): void {
    if (this.#isAskingForTime) return
    this.#isAskingForTime = true
    this.#line
      .run(0, (connection) => connection.sendPrepared(tellTime, []))
      .then(({ rows }) => this.#clock.hear(Number(rows[0]?.[0])))
      .catch(() => undefined)
      .finally(() => {
        this.#isAskingForTime = false
      })
  }
}

/** Whether a batch asks for more than its accounts and that its keys are new. */
function mustBeRead({ transactionIds, targetIds, closing, time }: BatchReads): boolean {
  return transactionIds.length > 0 || targetIds.length > 0 || closing || time
}

/** How many entries a batch writes: those of what is posted, and those that are kept with a hold or a refusal. */
function entriesOf({ transactions }: BatchWrites): number {
  return transactions.reduce(
    (sum, { entries, requestedEntries }) => sum + entries.length + requestedEntries.length,
    0,
  )
}
