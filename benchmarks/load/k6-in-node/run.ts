import { Worker } from 'node:worker_threads'
import type { K6Result, K6Summary, Times } from '../k6-summary.ts'
import { answerSize, type FromUser, type UserData } from './messages.ts'

/**
 * Runs a script of `benchmarks/k6` where there is no k6: each user is a thread of Node, its k6 modules are ours, and this
 * thread sends its requests. Good for checking answers; the times are mostly our own. Closed loop only.
 */
export async function runK6InNode(
  script: string,
  variables: Readonly<Record<string, string>>,
): Promise<K6Result> {
  if (variables['RATE']) throw new Error('an open loop needs k6 itself')
  const iterations = new SharedArrayBuffer(4)
  const userData = { script, variables, iterations }
  const setUp = await runUser({ ...userData, setUp: undefined })
  const count = Number(variables['VUS'])
  const users = await Promise.all(
    Array.from({ length: count }, () => runUser({ ...userData, setUp: setUp.data })),
  )
  const summary = summaryOf([setUp, ...users])
  const text = `${count} users in Node: ${summary.answers} answers, ${summary.errors} errors\n`
  return { summary, text, passed: summary.errors === 0 }
}

type UserEnd = Extract<FromUser, { kind: 'ended' }>

/** Runs one thread to its end, sending what it asks for. */
function runUser(userData: Omit<UserData, 'answer'>): Promise<UserEnd> {
  const answer = new SharedArrayBuffer(answerSize)
  const worker = new Worker(new URL('./user.js', import.meta.url), {
    execArgv: [],
    workerData: { ...userData, answer } satisfies UserData,
  })
  return new Promise((resolve, reject) => {
    worker.on('message', (message: FromUser) => {
      if (message.kind === 'ended') resolve(message)
      else sendFor(message, answer).catch(reject)
    })
    worker.once('error', reject)
    worker.once('exit', (code) => reject(new Error(`a user ended with ${code}`)))
  })
}

async function sendFor(
  { method, url, body, headers }: Extract<FromUser, { kind: 'request' }>,
  answer: SharedArrayBuffer,
): Promise<void> {
  const begun = performance.now()
  // Like k6: no answer is one of status 0.
  const response = await fetch(url, { method, body: body ?? null, headers }).then(
    async (found) => ({
      status: found.status,
      headers: Object.fromEntries([...found.headers].map(([name, value]) => [titled(name), value])),
      body: await found.text(),
    }),
    () => ({ status: 0, headers: {}, body: '' }),
  )
  const bytes = Buffer.from(JSON.stringify({ ...response, ms: performance.now() - begun }))
  new Uint8Array(answer, 8).set(bytes)
  const [state, length] = [0, 1]
  const head = new Int32Array(answer, 0, 2)
  Atomics.store(head, length, bytes.length)
  Atomics.store(head, state, 1)
  Atomics.notify(head, state)
}

/** `idempotency-replayed` as Go writes it: `Idempotency-Replayed`. */
function titled(name: string): string {
  return name.replace(/(^|-)[a-z]/g, (start) => start.toUpperCase())
}

function summaryOf(ends: readonly UserEnd[]): K6Summary {
  const counted = (name: string) => ends.reduce((sum, end) => sum + (end.counts[name] ?? 0), 0)
  const timed = (name: string) => timesOf(ends.flatMap((end) => end.times[name] ?? []))
  const answerTime = timed('answer_time')
  if (answerTime === undefined) throw new Error('nothing was answered')
  return {
    answers: counted('answers'),
    accepted: counted('transactions_accepted'),
    posted: counted('transactions_posted'),
    errors: counted('failed checks'),
    dropped: 0,
    answerTime,
    endToEndTime: timed('end_to_end_time'),
  }
}

function timesOf(times: readonly number[]): Times | undefined {
  if (times.length === 0) return undefined
  const sorted = times.toSorted((a, b) => a - b)
  const at = (part: number) => sorted[Math.min(sorted.length - 1, Math.floor(part * sorted.length))]
  const avg = sorted.reduce((sum, time) => sum + time, 0) / sorted.length
  return { avg, p50: at(0.5) ?? 0, p95: at(0.95) ?? 0, p99: at(0.99) ?? 0, max: sorted.at(-1) ?? 0 }
}
