import type { Logger } from './log.ts'

/** How many lines of one kind a second may have. */
const linesMax = 5
const usualWindowMs = 1000

/**
 * Writes lines of one kind, a few a second at the most: what makes one comes by the thousand when it comes. The first line
 * of the next second says how many were left out.
 */
export class SparingLog {
  readonly #log: Logger
  readonly #windowMs: number
  #since = Number.NEGATIVE_INFINITY
  #lines = 0
  #leftOut = 0

  constructor(log: Logger, windowMs = usualWindowMs) {
    this.#log = log
    this.#windowMs = windowMs
  }

  warn(fields: Readonly<Record<string, unknown>>, message: string): void {
    const now = performance.now()
    if (now - this.#since >= this.#windowMs) {
      this.#since = now
      this.#lines = 0
    }
    if (this.#lines >= linesMax) {
      this.#leftOut += 1
      return
    }
    this.#lines += 1
    const leftOut = this.#leftOut
    this.#leftOut = 0
    this.#log.warn(leftOut === 0 ? fields : { ...fields, leftOut }, message)
  }
}
