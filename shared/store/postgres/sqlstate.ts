import { DatabaseError } from 'pg'
import { StoreFailure, type StoreFailureKind } from '../../engine/store-failure.ts'

/** When an error came: while nothing could be committed yet, or once COMMIT had left. */
export type FailureMoment = 'before_commit' | 'commit_sent'

/**
 * Sorts an error of a posting connection. Once COMMIT has left, only errors by which the database says that it rolled
 * back can be trusted; all others leave the outcome unknown (an injected fsync error returned an SQLSTATE
 * and the row was there).
 *
 * Source: PostgreSQL, appendix A, "PostgreSQL Error Codes".
 */
export function storeFailureOf(error: unknown, moment: FailureMoment): StoreFailure {
  if (error instanceof StoreFailure) return error
  const code = codeOf(error)
  const constraint = error instanceof DatabaseError ? error.constraint : undefined
  return new StoreFailure(kindOf(code, constraint, moment), error, { code, constraint })
}

function kindOf(
  code: string | undefined,
  constraint: string | undefined,
  moment: FailureMoment,
): StoreFailureKind {
  // Another batch took the same key or id between our look and our write: look again.
  if (code === '23505' && constraint !== undefined && raced.has(constraint)) return 'not_done'
  if (code !== undefined && (rolledBack.has(code) || neverConnected.has(code))) return 'not_done'
  if (code !== undefined && refused.test(code)) return 'deterministic'
  if (moment === 'commit_sent') return 'unknown'
  if (code === lockNotAvailable) return 'blocked'
  return code?.startsWith('53') === true ? 'capacity' : 'not_done'
}

/** Serialisation failure and deadlock: the database chose this transaction to be rolled back. */
const rolledBack = new Set(['40001', '40P01'])

/** There never was a connection: nobody listens, no such host, the server is starting or stopping. */
const neverConnected = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', '57P03'])

/** `lock_timeout` passed. */
const lockNotAvailable = '55P03'

/** Data errors, constraints, our own guards, and statements that cannot run at all. */
const refused = /^(22|23|LF|42|0A)/

/** Unique constraints over which two valid batches can race. */
const raced = new Set([
  'transactions_pkey',
  'transactions_idempotency_key',
  'entries_pkey',
  'hold_changes_pkey',
  'hold_changes_idempotency_key',
  'batches_pkey',
  'batches_fingerprint',
])

function codeOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
