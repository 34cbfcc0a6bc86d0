import { StoreFailure } from '../engine/store-failure.ts'
import type { Step, Writer } from './writer.ts'

/** Writes a row that must be new, and what goes with it; false, and nothing written, when one with its unique values is there. */
export async function insertUnlessTaken(writer: Writer, steps: readonly Step[]): Promise<boolean> {
  try {
    return (await writer.apply(steps)) !== undefined
  } catch (error) {
    if (error instanceof StoreFailure && isTakenAccount(error)) return false
    throw error
  }
}

/** On SQLite the trigger `accounts_once` sees it first. */
function isTakenAccount({ code, cause }: StoreFailure): boolean {
  return (
    code === 'SQLITE_CONSTRAINT_TRIGGER' &&
    cause instanceof Error &&
    cause.message.startsWith('the ledger refuses a second account')
  )
}
