import { QueryFailedError } from 'typeorm'
import { StoreFailure } from '../engine/store-failure.ts'
import { storeFailureOf } from './postgres/sqlstate.ts'
import { sqliteFailureOf } from './sqlite/failure.ts'

/** How long administrative work is waited for: longer than a statement may take, so only a database that is silent reaches it. */
const deadlineMs = 6000

/**
 * Runs administrative work of one statement and turns whatever the driver throws into a `StoreFailure`, so that a
 * database that cannot be reached, or takes the statement and says nothing more, is a 503 and not a defect. A write that was
 * cut off may have been done: its statement commits by itself.
 */
export async function failingClearly<Result>(
  kind: 'read' | 'write',
  work: () => Promise<Result>,
  ms = deadlineMs,
): Promise<Result> {
  try {
    return await answeredWithin(ms, work())
  } catch (error) {
    const cause: unknown = error instanceof QueryFailedError ? error.driverError : error
    const sorted = sqliteFailureOf(cause)
    throw sorted instanceof StoreFailure
      ? sorted
      : storeFailureOf(cause, kind === 'read' ? 'before_commit' : 'commit_sent')
  }
}

/** Rejects when there is no answer in time; the work goes on by itself then, and its connection is of use again after it. */
async function answeredWithin<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`the database has not answered for ${ms} ms`))
    }, ms)
  })
  try {
    return await Promise.race([work, deadline])
  } finally {
    clearTimeout(timer)
  }
}
