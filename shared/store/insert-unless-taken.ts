import { StoreFailure } from '../engine/store-failure.ts'
import { failingClearly } from './failing-clearly.ts'

/** Runs an insert; false when a row with its unique values is there already. */
export async function insertUnlessTaken(insert: () => Promise<unknown>): Promise<boolean> {
  try {
    await failingClearly('write', insert)
    return true
  } catch (error) {
    if (error instanceof StoreFailure && uniqueViolations.has(error.code ?? '')) return false
    throw error
  }
}

const uniqueViolations = new Set([
  '23505',
  'SQLITE_CONSTRAINT_UNIQUE',
  'SQLITE_CONSTRAINT_PRIMARYKEY',
  // Of the triggers only `accounts_once` meets an insert of ours.
  'SQLITE_CONSTRAINT_TRIGGER',
])
