import { queuedCount, untilDrained } from '../lab/proof.ts'
import { rounded, type Row } from '../report/result.ts'
import type { Bench, Measurement } from './measurement.ts'
import { inSession, type Session } from './session.ts'

/**
 * The queue by itself: how fast requests are accepted while nobody drains, how fast one worker drains what has piled up, and
 * what both do at once. Over a thousand accounts, and with one account in every payment.
 */
export const backlog: Measurement = {
  name: 'backlog',
  needs: ['wrk'],
  run: async (bench) => {
    const rows: Row[] = []
    const faults: string[] = []
    for (const hot of [false, true]) {
      const { session } = await inSession(bench, (open) => measure(bench, open, hot, rows))
      faults.push(...session.faults)
    }
    return {
      name: 'backlog',
      title: 'Accepting and draining',
      note:
        `Closed loop, under wrk, ${bench.users} connections, ${bench.seconds} s. The worker stands still (SIGSTOP) while accepting is measured alone. ` +
        'Posted: from the beginning until nothing was queued any more.',
      rows,
      faults,
    }
  },
}

async function measure(bench: Bench, session: Session, hot: boolean, rows: Row[]): Promise<void> {
  const { database, worker } = session.site
  const accounts = hot ? 'one in every payment' : '1,000'
  const load = { mode: 'async', hot } as const
  await session.wrk('warm-up', { ...load, seconds: Math.max(1, bench.warmUpSeconds) })
  await untilDrained(database)

  const { result: alone, waiting } = await pausing(worker.pid, async () => {
    bench.tell(`accepting alone, accounts: ${accounts}`)
    const result = await session.wrk('accepting', load)
    return { result, waiting: await queuedCount(database) }
  })
  rows.push({
    what: 'accepted, nobody drains',
    accounts,
    'a second': alone.ratePerS,
    p50: alone.p50Ms,
    p99: alone.p99Ms,
  })

  bench.tell(`draining ${waiting}`)
  const drained = await timed(() => untilDrained(database))
  rows.push({
    what: 'drained by one worker',
    accounts,
    'a second': rounded(waiting / drained.seconds),
    p50: '',
    p99: '',
  })

  bench.tell(`both at once, accounts: ${accounts}`)
  const both = await timed(async () => {
    const accepted = await session.wrk('both', load)
    await untilDrained(database)
    return accepted
  })
  const { ratePerS, p50Ms, p99Ms, requests } = both.result
  rows.push(
    { what: 'both at once: accepted', accounts, 'a second': ratePerS, p50: p50Ms, p99: p99Ms },
    {
      what: 'both at once: posted',
      accounts,
      'a second': rounded(requests / both.seconds),
      p50: '',
      p99: '',
    },
  )
}

/** Has a process stand still meanwhile. */
async function pausing<Result>(pid: number, work: () => Promise<Result>): Promise<Result> {
  process.kill(pid, 'SIGSTOP')
  try {
    return await work()
  } finally {
    process.kill(pid, 'SIGCONT')
  }
}

async function timed<Result>(
  work: () => Promise<Result>,
): Promise<{ result: Result; seconds: number }> {
  const begun = performance.now()
  const result = await work()
  return { result, seconds: (performance.now() - begun) / 1000 }
}
