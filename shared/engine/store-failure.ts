/**
 * What a store can fail with, sorted once, where the database's own code is read:
 *
 * - `not_done`: the database transaction certainly did not happen (deadlock, serialisation, no connection): run it again.
 * - `blocked`: a lock was held by somebody else for longer than we wait; not done either.
 * - `unknown`: COMMIT was sent and no clear answer came back: run the same command again under the same ids.
 * - `deterministic`: the database refuses what we wrote, and would again: find the culprit.
 * - `capacity`: the database is out of connections, memory or disk: shed load.
 */
export type StoreFailureKind = 'not_done' | 'blocked' | 'unknown' | 'deterministic' | 'capacity'

/** A failure of the store. `kind` says what may be done about it; `code` is the database's own, for the log. */
export class StoreFailure extends Error {
  readonly kind: StoreFailureKind
  readonly code: string | undefined
  /** The constraint that refused, when one did. */
  readonly constraint: string | undefined

  constructor(
    kind: StoreFailureKind,
    cause: unknown,
    origin: { code?: string | undefined; constraint?: string | undefined } = {},
  ) {
    super(`the store failed (${kind}${origin.code === undefined ? '' : `, ${origin.code}`})`, {
      cause,
    })
    this.name = 'StoreFailure'
    this.kind = kind
    this.code = origin.code
    this.constraint = origin.constraint
  }
}

/**
 * What the caller of the engine is told when a valid command could not be answered now: never a refusal, always
 * worth repeating with the same idempotency key.
 */
export type UnavailableCode = 'store_unavailable' | 'outcome_unknown' | 'overloaded'

/** The engine's 503: `outcome_unknown` may have happened, the others certainly did not. */
export class Unavailable extends Error {
  readonly code: UnavailableCode
  readonly retryAfterS: number

  constructor(code: UnavailableCode, retryAfterS: number, cause?: unknown) {
    super(`temporarily unavailable (${code})`, { cause })
    this.name = 'Unavailable'
    this.code = code
    this.retryAfterS = retryAfterS
  }
}
