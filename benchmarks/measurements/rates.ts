import type { Row } from '../report/result.ts'
import type { Bench, Measurement } from './measurement.ts'
import { figuresOf } from './scenarios.ts'
import { inSession, type Session } from './session.ts'

const ladder = [100, 250, 500, 1000, 1500, 2000, 2500, 3000, 4000, 5000]
/** Requests in the air at the most: one that is due beyond it is dropped, and counted. */
const inTheAir = 400
/** A rate of which more than this part was dropped is beyond what the service takes; higher ones would be too. */
const droppedMax = 0.02

/** Latency at fixed rates of arrival (open loop), up to the first rate that is too much. The chart is drawn from it. */
export const rates: Measurement = {
  name: 'rates',
  needs: ['k6'],
  run: async (bench) => {
    const rows: Row[] = []
    const faults: string[] = []
    const summaries: Record<string, string> = {}
    for (const script of ['sync', 'async']) {
      const { session } = await inSession(bench, (open) => climb(bench, open, script, rows))
      faults.push(...session.faults)
      Object.assign(summaries, session.summaries)
    }
    return {
      name: 'rates',
      title: 'Latency against rate',
      note:
        `Open loop, under k6: payments are sent when they are due, whether earlier ones are answered or not, ${inTheAir} in the air ` +
        'at the most. Dropped: due, and never sent for want of room there; a rate with drops is more than this machine takes.',
      rows,
      faults,
      k6: summaries,
    }
  },
}

async function climb(bench: Bench, session: Session, script: string, rows: Row[]): Promise<void> {
  await session.warmUp(script)
  const seconds = Math.max(1, Math.round(bench.seconds / 2))
  for (const ratePerS of ladder) {
    const name = `${script} at ${ratePerS} a second`
    bench.tell(`${name} for ${seconds} s`)
    // Where it breaks is the finding, so no threshold of time.
    const outcome = await session.k6(name, {
      script,
      ratePerS,
      users: inTheAir,
      seconds,
      p99Ms: 60_000,
    })
    const { dropped } = outcome.summary
    rows.push({ script, ...figuresOf(outcome), dropped })
    if (dropped > droppedMax * ratePerS * seconds) return
  }
}
