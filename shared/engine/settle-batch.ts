import { setTimeout as sleep } from 'node:timers/promises'
import { StoreFailure, Unavailable } from './store-failure.ts'
import type { Traced } from './traced.ts'

/** How long a batch is tried again before its members are told to come back. */
const retryBudgetMs = 2000

/** The pause before a retry grows from the first to the second, with full jitter. */
const retryPauseMsMin = 5
const retryPauseMsMax = 200

/** What the running of batches tells whoever measures it. */
export interface BatchObserver {
  batchDone(size: number, tookMs: number, members: readonly Traced[]): void
  retried(failure: StoreFailure, about: RetriedBatch): void
  split(failure: StoreFailure): void
}

/** A batch that is about to be tried again: how often it was, how much is in it, and for how long it has been tried. */
export interface RetriedBatch {
  readonly attempts: number
  readonly size: number
  readonly tookMs: number
}

/**
 * Writes one batch as one database transaction; `mayHaveHappened` says that an earlier try may have been
 * committed although no answer came back. The outcomes answer the members by position. Rejects with `StoreFailure`.
 */
export type TryBatch<Member, Outcome> = (
  members: readonly Member[],
  mayHaveHappened: boolean,
) => Promise<readonly Outcome[]>

/**
 * Runs one batch to its end, whatever the database does meanwhile. Never rejects: each member is answered for
 * itself, because a batch that had to be split may be done in part.
 *
 * - Not done: again after a pause, until the budget is spent; then `Unavailable`.
 * - Unknown: the same, with a look for what the earlier try left behind.
 * - Blocked by a lock that somebody else holds for long: each member by itself, so that one does not stall the others.
 * - Refused by the database: halved until the culprit stands alone, which gets the failure itself.
 */
export async function settleBatch<Member extends Traced, Outcome>(
  members: readonly Member[],
  tryBatch: TryBatch<Member, Outcome>,
  observer: BatchObserver,
  earlierTryMayHaveHappened = false,
): Promise<readonly PromiseSettledResult<Outcome>[]> {
  const begun = performance.now()
  let mayHaveHappened = earlierTryMayHaveHappened
  for (let attempt = 0; ; attempt += 1) {
    const tried = await tryBatch(members, mayHaveHappened).catch(storeFailure)
    if (!(tried instanceof StoreFailure)) {
      observer.batchDone(members.length, performance.now() - begun, members)
      return tried.map((value) => ({ status: 'fulfilled', value }))
    }
    if (tried.kind === 'unknown') mayHaveHappened = true
    const settle = (part: readonly Member[]) =>
      settleBatch(part, tryBatch, observer, mayHaveHappened)
    if (members.length > 1 && tried.kind === 'deterministic') {
      observer.split(tried)
      const middle = members.length >> 1
      const first = await settle(members.slice(0, middle))
      return [...first, ...(await settle(members.slice(middle)))]
    }
    if (members.length > 1 && tried.kind === 'blocked') {
      observer.split(tried)
      return (await Promise.all(members.map((member) => settle([member])))).flat()
    }
    if (tried.kind === 'deterministic') return allRejected(members, tried)

    const pauseMs = retryPauseMs(attempt)
    const outOfTime = performance.now() - begun + pauseMs > retryBudgetMs
    if (tried.kind === 'capacity' || outOfTime) {
      const code = mayHaveHappened ? 'outcome_unknown' : 'store_unavailable'
      return allRejected(members, new Unavailable(code, 1, tried))
    }
    const tookMs = performance.now() - begun
    observer.retried(tried, { attempts: attempt + 1, size: members.length, tookMs })
    await sleep(pauseMs)
  }
}

/** Passes a failure of the store on as a value; anything else is a defect and stays thrown. */
function storeFailure(error: unknown): StoreFailure {
  if (error instanceof StoreFailure) return error
  throw error
}

function allRejected(members: readonly unknown[], reason: Error): PromiseRejectedResult[] {
  return members.map(() => ({ status: 'rejected', reason }))
}

function retryPauseMs(attempt: number): number {
  return Math.random() * Math.min(retryPauseMsMax, retryPauseMsMin * 2 ** attempt)
}
