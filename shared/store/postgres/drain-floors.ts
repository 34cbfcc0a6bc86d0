/** How long a number may have been taken before its row is committed, generously: an acceptance lasts seconds. */
const lateMsMax = 60_000

/** How many readings are kept: one each second or so, for a minute and a little more. */
const readingsMax = 128

/** What was read of the queue's numbers, in this order: the newest number taken, then which database transactions were open. */
export interface SequenceReading {
  /** When, in ms of a steady clock. */
  readonly at: number
  /** The newest number that had been taken. */
  readonly sequence: number
  /** The oldest database transaction that was open and may write; all before it had ended. */
  readonly oldestOpen: bigint
  /** The number of a database transaction that was taken then, greater than all that had been. */
  readonly newest: bigint
}

/**
 * From where each slot is read. A queue whose rows are deleted leaves dead index entries at its head, and while somebody
 * keeps a snapshot open they cannot be removed: a drain that began at the very head would pass all of them each time. But
 * a row whose number was taken early and committed late must not be passed over. So the floor of a slot is what
 * was seen to be its oldest row, or the newest number whose taker has surely ended, whichever is lower.
 *
 * An acceptance takes its number after its database transaction has its own (`takeSequence`). So once all
 * that were older than a reading have ended, whoever took a number before it has too: mostly a second later. A database
 * transaction of somebody else that writes for long holds that up; then a minute settles it. Readers hold up nothing.
 */
export class DrainFloors {
  readonly #oldestSeen = new Map<string, number>()
  readonly #readings: SequenceReading[] = []
  #settled = 0

  /** Notes a reading. Those of one process only: they come in their order. */
  read(reading: SequenceReading): void {
    this.#readings.push(reading)
    if (this.#readings.length > readingsMax) this.#readings.shift()
    const settled = this.#readings.findLast(
      (earlier) => earlier.newest <= reading.oldestOpen || earlier.at <= reading.at - lateMsMax,
    )
    this.#settled = settled?.sequence ?? 0
  }

  /** Notes that a slot's oldest row had this number; the slot must have no parked row. */
  seen(ledgerId: number, slot: number, oldest: number): void {
    this.#oldestSeen.set(keyOf(ledgerId, slot), oldest)
  }

  /** The number above which a slot is read. */
  floorOf(ledgerId: number, slot: number): number {
    const oldest = this.#oldestSeen.get(keyOf(ledgerId, slot))
    return oldest === undefined ? 0 : Math.min(oldest - 1, this.#settled)
  }
}

function keyOf(ledgerId: number, slot: number): string {
  return `${ledgerId}:${slot}`
}
