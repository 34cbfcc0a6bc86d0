import { rounded, type Row } from '../report/result.ts'
import type { Measurement } from './measurement.ts'
import { inSession, type Outcome } from './session.ts'

const userCounts = [10, 25, 50]
/** What the users of that service's own measurement rest between requests, in seconds: their number ÷ their rate − their latency. */
const pauseS = 0.13

/**
 * The measurement by which the service that ours takes after presents itself: 10, 25 and 50 users for 20 s, two entries a
 * transaction. Once with the pause of its users, where only latency can differ, and once without, where rate does.
 */
export const users: Measurement = {
  name: 'users',
  needs: ['k6'],
  run: async (bench) => {
    const { result: rows, session } = await inSession(bench, async (open) => {
      await open.warmUp('sync')
      const found: Row[] = []
      for (const pause of [pauseS, 0]) {
        for (const count of userCounts) {
          const name = `${count} users, pause ${pause} s`
          bench.tell(`${name}, for ${bench.seconds} s`)
          const load = { script: 'sync', users: count, pauseS: pause }
          found.push(row(pause, await open.k6(name, load)))
        }
      }
      return found
    })
    return {
      name: 'users',
      title: 'Ten, 25 and 50 users, with a pause and without',
      note:
        `All rows are ours, measured here: synchronous payments of two entries, ${bench.seconds} s each, one API process. Quoted, not measured: the service ` +
        'that ours takes after published 340 requests a second from one process; its users pause 0.13 s between requests, so that 50 ' +
        'of them can ask at most 385 times a second, however fast the service is. With that pause only the latency says ' +
        'something; without it the rate does.',
      rows,
      faults: session.faults,
      k6: session.summaries,
    }
  },
}

function row(pause: number, { load, summary }: Outcome): Row {
  const { answerTime } = summary
  return {
    'pause s': pause === 0 ? 'none' : String(pause),
    users: String(load.users),
    'requests a second': rounded(summary.answers / load.seconds),
    average: rounded(answerTime.avg),
    p50: rounded(answerTime.p50),
    p95: rounded(answerTime.p95),
    p99: rounded(answerTime.p99),
    max: rounded(answerTime.max),
    errors: summary.errors,
  }
}
