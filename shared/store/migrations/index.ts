import { Ledger0000000000001 } from './0001-ledger.ts'
import { Guards0000000000002 } from './0002-guards.ts'

/** All migrations, in order. A migration that has been released is never changed. */
export const migrations = [Ledger0000000000001, Guards0000000000002] as const
