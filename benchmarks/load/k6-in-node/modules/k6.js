import { count } from '../thread.js'

/** Judges a value; a judgement that does not hold is counted. */
export function check(value, judgements) {
  const failed = Object.values(judgements).filter((holds) => !holds(value)).length
  count('failed checks', failed)
  return failed === 0
}

/** Stands still. */
export function sleep(seconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000)
}
