/** A statement that took long: by its name in the code, never its text or its parameters. */
export interface SlowStatement {
  readonly statement: string
  readonly ms: number
  /** How many rows it gave or changed; undefined where it failed. */
  readonly rows: number | undefined
}

/** What a store tells whoever watches it. Must not throw. */
export interface StoreWatch {
  /** From how many milliseconds on a statement is slow. */
  readonly slowMs: number
  slow(statement: SlowStatement): void
  /** Work has waited for a connection of a pool; it may have been turned away after that. */
  waited(pool: string, ms: number): void
  /** A batch was sent as it was decided ahead of its lock; under the lock, everything was as it was taken to be, or not. */
  postedAhead(agreed: boolean): void
}

/** Nobody watches. */
export const unwatched: StoreWatch = {
  slowMs: Number.POSITIVE_INFINITY,
  slow: () => {},
  waited: () => {},
  postedAhead: () => {},
}
