/** How long a number may have been taken before its row is committed, generously: an acceptance lasts seconds. */
const lateMsMax = 60_000

/** How many readings of the sequence are kept: one each few seconds, for a minute. */
const readingsMax = 32

/**
 * From where each slot is read. A queue whose rows are deleted leaves dead index entries at its head, and while somebody
 * keeps a snapshot open they cannot be removed: a drain that began at the very head would pass all of them each time. But
 * a row whose number was taken early and committed late must not be passed over. So the floor of a slot is what
 * was seen to be its oldest row, or the newest number taken more than a minute ago, whichever is lower.
 */
export class DrainFloors {
  readonly #oldestSeen = new Map<string, number>()
  readonly #readings: { readonly at: number; readonly sequence: number }[] = []

  /** Notes the newest number that had been taken at `at` (ms of a steady clock). */
  read(sequence: number, at: number): void {
    this.#readings.push({ at, sequence })
    if (this.#readings.length > readingsMax) this.#readings.shift()
  }

  /** Notes that a slot's oldest row had this number; the slot must have no parked row. */
  seen(ledgerId: number, slot: number, oldest: number): void {
    this.#oldestSeen.set(keyOf(ledgerId, slot), oldest)
  }

  /** The number above which a slot is read. */
  floorOf(ledgerId: number, slot: number): number {
    const oldest = this.#oldestSeen.get(keyOf(ledgerId, slot))
    if (oldest === undefined) return 0
    return Math.min(oldest - 1, this.#settledSequence())
  }

  #settledSequence(): number {
    const before = performance.now() - lateMsMax
    return this.#readings.findLast((reading) => reading.at <= before)?.sequence ?? 0
  }
}

function keyOf(ledgerId: number, slot: number): string {
  return `${ledgerId}:${slot}`
}
