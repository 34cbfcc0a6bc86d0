import { randomFillSync } from 'node:crypto'
import { v7 } from 'uuid'

const bytesOfId = 16
const pool = Buffer.alloc(bytesOfId * 512)
let used = pool.length

/** The time of the newest id, and the number that orders those of one time. */
let msecs = 0
let seq = 0

/**
 * Makes the id of an account or transaction: a UUID of version 7, which begins with its time, so that new rows come last in
 * every index. Those of one process grow one by one, also within a millisecond and when the clock goes back. Source: RFC 9562, 6.2,
 * method 1. Random bytes are fetched for 512 ids at a time: a system call each was 3 % of a payment.
 */
export function newId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  const random = pool.subarray(used, used + bytesOfId)
  used += bytesOfId
  const now = Date.now()
  if (now > msecs) {
    msecs = now
    // Half of what 32 bits can count is left for the ids that follow within the millisecond.
    seq = random.readUInt32BE(0) >>> 1
  } else seq += 1
  return v7({ random, msecs, seq })
}

/** The time that an id of ours begins with; ms since 1970. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16)
}

const timeMax = 2 ** 48 - 1

/** What comes before every id of a time and later ones, and after every earlier one. */
export function firstIdAt(ms: number): string {
  const hex = Math.min(Math.max(ms, 0), timeMax).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}
