import type { Refusal } from '../ledger/refusal.ts'
import type { HoldChangeWish } from '../ledger/special-wish.ts'

/**
 * A change of a hold that was asked for, as it is stored: what it was, and why not if it was refused. It is what a retry finds. Times
 * are ms since 1970.
 */
export interface HoldChangeRecord {
  readonly id: string
  readonly holdId: string
  readonly wish: HoldChangeWish
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
  /** The end that the hold was given, if it was given another. */
  readonly expiresAt: number | null
  readonly failure: Refusal | null
  readonly createdAt: number
}
