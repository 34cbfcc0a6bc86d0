import { rounded, type Row, type Table } from '../report/result.ts'
import type { Measurement } from './measurement.ts'
import { MemoryWatch } from '../lab/memory.ts'
import { inSession, type Outcome } from './session.ts'

/** The load scripts, each measured on a site of its own: users who go on as soon as they are answered. */
export const scenarios: readonly Measurement[] = [
  scenario('sync', 'Synchronous payments, 1,000 accounts'),
  scenario('async', 'Asynchronous payments, 1,000 accounts, each waited for until it is posted'),
  scenario('hot-pair', 'Synchronous payments between two accounts'),
  scenario('hot-account', 'Synchronous payments with one account in every one'),
  scenario('mixed', 'Of five requests one posts, four read balances and transactions'),
  scenario('replay', 'Idempotent replays of a hundred payments'),
  {
    ...scenario('batch', 'Batches of 100 payments, all or nothing'),
    route: '/api/v1/transactions/batch',
  },
]

function scenario(name: string, title: string): Measurement {
  return {
    name,
    needs: ['k6'],
    run: async (bench): Promise<Table> => {
      const { result, session } = await inSession(bench, async (open) => {
        await open.warmUp(name)
        bench.tell(`${bench.users} users for ${bench.seconds} s`)
        const memory = new MemoryWatch([open.site.api, open.site.worker])
        const outcome = await open.k6(name, { script: name })
        return { outcome, memory: memory.end() }
      })
      const [api, worker] = result.memory
      return {
        name,
        title,
        note:
          'Closed loop, under k6. Rates are a second, times ms. Cores and memory: averages and peaks of the load, its drain included; ' +
          'bytes: for each transaction posted.',
        rows: [{ ...figuresOf(result.outcome), 'api MiB': peak(api), 'worker MiB': peak(worker) }],
        faults: session.faults,
        k6: session.summaries,
      }
    },
  }
}

/** What there is to say of a load. Rates are a second, times are ms. */
export function figuresOf({ load, summary, usage, drainS }: Outcome): Row {
  const { seconds } = load
  const { answerTime, endToEndTime } = summary
  const each = (bytes: number) => (summary.accepted > 0 ? Math.round(bytes / summary.accepted) : '')
  return {
    users: load.users,
    ...(load.ratePerS === undefined ? {} : { offered: load.ratePerS }),
    answered: rounded(summary.answers / seconds),
    accepted: rounded(summary.accepted / seconds),
    completed: rounded(summary.posted / (seconds + drainS)),
    p50: rounded(answerTime.p50),
    p95: rounded(answerTime.p95),
    p99: rounded(answerTime.p99),
    max: rounded(answerTime.max),
    ...(endToEndTime === undefined
      ? {}
      : {
          'end to end p50': rounded(endToEndTime.p50),
          'end to end p99': rounded(endToEndTime.p99),
          'end to end max': rounded(endToEndTime.max),
        }),
    errors: summary.errors,
    ...coresOf(usage.cores),
    'bytes on disk': each(usage.databaseBytes),
    'bytes of WAL': each(usage.walBytes),
  }
}

function peak(samples: readonly number[] | undefined): number | string {
  return samples === undefined || samples.length === 0 ? '' : Math.round(Math.max(...samples))
}

function coresOf(cores: Outcome['usage']['cores']): Row {
  return Object.fromEntries(
    Object.entries(cores).map(([name, used]) => [`${name} cores`, rounded(used)]),
  )
}
