/** How many readings are kept: of a day, at four a minute. */
const readingsMax = 5760

interface Reading {
  readonly at: number
  readonly nextId: bigint
}

/**
 * Tells how long ago a transaction id was the next to be given, by what was read before. A snapshot's `backend_xmin` everybody
 * may see, but when it was taken only who may read all statistics.
 */
export class SnapshotAges {
  readonly #readings: Reading[] = []

  /** Notes that `nextId` was the next to be given at `at` (ms of a clock that never goes back). */
  read(nextId: bigint, at: number): void {
    if (this.#readings.at(-1)?.nextId === nextId) this.#readings.pop()
    // Of readings that say the same the newest: until then nothing had begun that could be kept from being removed.
    this.#readings.push({ nextId, at })
    if (this.#readings.length > readingsMax) this.#readings.shift()
  }

  /** For how many seconds `id` has not been the next any more: too many by one pause between two readings at the most. */
  secondsSince(id: bigint, at: number): number {
    const known = this.#readings.findLast(({ nextId }) => nextId <= id) ?? this.#readings[0]
    return known === undefined ? 0 : Math.max(0, at - known.at) / 1000
  }
}
