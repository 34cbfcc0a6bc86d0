// What the stand-ins for k6's modules share within one user's thread.
import { parentPort, workerData } from 'node:worker_threads'

const requestMsMax = 60_000
const answerHead = new Int32Array(workerData.answer, 0, 2)
const iterations = new Int32Array(workerData.iterations)

/** What was counted, and the times that were taken, by name. */
export const counts = {}
export const times = {}

/** The number of the iteration that runs: no other user has it. */
export let iterationInTest = -1

/** Takes the next number. */
export function beginIteration() {
  iterationInTest = Atomics.add(iterations, 0, 1)
}

/** Adds to what is counted under a name. */
export function count(name, number) {
  counts[name] = (counts[name] ?? 0) + number
}

/** Has the main thread send a request and stands still until it is answered, as k6 does. */
export function request(method, url, body, headers = {}) {
  Atomics.store(answerHead, 0, 0)
  parentPort.postMessage({ kind: 'request', method, url, body, headers })
  if (Atomics.wait(answerHead, 0, 0, requestMsMax) === 'timed-out') {
    throw new Error(`${method} ${url} was not answered in ${requestMsMax} ms`)
  }
  const bytes = new Uint8Array(workerData.answer, 8, answerHead[1])
  return JSON.parse(new TextDecoder().decode(bytes.slice()))
}
