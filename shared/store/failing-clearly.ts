import { QueryFailedError } from 'typeorm'
import { StoreFailure } from '../engine/store-failure.ts'
import { storeFailureOf } from './postgres/sqlstate.ts'
import { sqliteFailureOf } from './sqlite/failure.ts'

/**
 * Runs administrative work of one statement and turns whatever the driver throws into a `StoreFailure`, so that a
 * database that cannot be reached is a 503 and not a defect. A write that was cut off may have been done: its statement
 * commits by itself.
 */
export async function failingClearly<Result>(
  kind: 'read' | 'write',
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    const cause: unknown = error instanceof QueryFailedError ? error.driverError : error
    const sorted = sqliteFailureOf(cause)
    throw sorted instanceof StoreFailure
      ? sorted
      : storeFailureOf(cause, kind === 'read' ? 'before_commit' : 'commit_sent')
  }
}
