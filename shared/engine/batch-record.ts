import type { BatchMode } from './command-batch.ts'

/** A batch that was accepted for later, as it is stored; what has become of it is told by its transactions. */
export interface BatchRecord {
  readonly id: string
  readonly ledgerId: number
  readonly mode: BatchMode
  /** The hash of all its keys and contents, by which a repetition is known; null when a member has no key. */
  readonly fingerprint: string | null
  readonly createdAt: number
  /** In the order given. */
  readonly members: readonly BatchMemberRecord[]
}

/** A member of it: its transaction, or why there is none. */
export interface BatchMemberRecord {
  readonly transactionId: string | null
  readonly problem: StoredProblem | null
  /** Whether the transaction is of another request, or of a member before it, under the same key. */
  readonly replayed: boolean
}

/** Why a member of an independent batch was refused at once and has no transaction. */
export interface StoredProblem {
  readonly code: string
  readonly details: Readonly<Record<string, string | number>>
}
