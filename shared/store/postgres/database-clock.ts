import type { Prepared } from './posting-connection.ts'

/** For how long a reading is the latest; it counts for as long again. Clocks that differ by 100 ppm go apart by 0.1 ms in it. */
const readingMsMax = 1000

/**
 * About how long a batch is on its way to its lock. Who notes a time, pays, and asks for the balance at that time is not to see the payment, and who
 * notes one after the answer is. Of 4,000 payments in a row, with the database on the same machine, one was posted in the very millisecond in which it was asked for
 * (twelve where the time is read under the lock), and none after that of the answer.
 */
const onTheWayMs = 0.25

/** Reads the clock, in ms since 1970 with parts of them. */
export const tellTime: Prepared = {
  name: 'tell_time',
  text: `select extract(epoch from clock_timestamp()) * 1000`,
}

/**
 * The database's clock as this process knows it from what it was told of late. Each reading is older than when it is heard, by however long that
 * took; the one that was heard soonest tells it best.
 */
export class DatabaseClock {
  #since = Number.NEGATIVE_INFINITY
  #aheadMs = Number.NEGATIVE_INFINITY
  #aheadBeforeMs = Number.NEGATIVE_INFINITY

  /** Takes down a reading that has just come, in ms since 1970. */
  hear(reading: number): void {
    const now = performance.now()
    if (now - this.#since > readingMsMax) {
      this.#aheadBeforeMs =
        now - this.#since > 2 * readingMsMax ? Number.NEGATIVE_INFINITY : this.#aheadMs
      this.#aheadMs = Number.NEGATIVE_INFINITY
      this.#since = now
    }
    this.#aheadMs = Math.max(this.#aheadMs, reading - now)
  }

  /** What it will show when a batch that leaves now takes its lock, rounded as the database rounds it; undefined when nothing was heard of late. */
  estimate(): number | undefined {
    const now = performance.now()
    if (now - this.#since > 2 * readingMsMax) return undefined
    return Math.round(now + onTheWayMs + Math.max(this.#aheadMs, this.#aheadBeforeMs))
  }

  /** Forgets all readings: the clock was set. */
  forget(): void {
    this.#since = Number.NEGATIVE_INFINITY
  }
}
