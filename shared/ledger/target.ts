import type { Priced } from './command.ts'
import type { MinorUnits } from './money.ts'
import type { TransactionStatus } from './transaction.ts'

/** A transaction that another one is about: a hold to capture, a payment to reverse. Its row is locked. */
export interface Target extends Priced {
  readonly id: string
  readonly status: TransactionStatus
  readonly isReversal: boolean
  /** When a hold ends by itself, ms since 1970; null for what is no hold. */
  readonly expiresAt: number | null
  /** How much of each entry, by position, has been captured or reversed so far. */
  readonly resolved: readonly MinorUnits[]
}

/** The targets of a batch, as they stand after the members decided so far. */
export type RunningTargets = Map<string, Target>

/** What is left of each entry of a target, by position. */
export function remainingOf(target: Target): MinorUnits[] {
  return target.entries.map(
    (entry, position) => (entry.amount - (target.resolved[position] ?? 0n)) as MinorUnits,
  )
}

/** A target after some of each entry, by position, has been captured or reversed. */
export function withResolved(target: Target, taken: readonly MinorUnits[]): Target {
  const resolved = target.entries.map(
    (_, position) => ((target.resolved[position] ?? 0n) + (taken[position] ?? 0n)) as MinorUnits,
  )
  return { ...target, resolved }
}
