import { join } from 'node:path'
import { openAccounts } from '../lab/accounts.ts'
import { startOneAtATime, startService } from '../lab/measured-process.ts'
import { faultsIn, readBooks } from '../lab/proof.ts'
import { loadWithWrk, type WrkResult } from '../load/wrk.ts'
import type { Row } from '../report/result.ts'
import type { Bench, Measurement } from './measurement.ts'
import { inSession } from './session.ts'

const rounds = 3
const loads = [50, 200].flatMap((connections) => [
  { accounts: '1,000', hot: false, connections },
  { accounts: '2', hot: true, connections },
])
type Load = (typeof loads)[number]

/**
 * Group commit against one database transaction a request, one statement at a time, which is the usual way: in turns, in the
 * same run, with the same generator; over a thousand accounts and between two. Once bare, and once with all that we promise, whose books
 * are verified as ours are. And the embedded shape, on SQLite.
 */
export const yardstick: Measurement = {
  name: 'yardstick',
  needs: ['wrk'],
  run: async (bench) => {
    const { result: rows, session } = await inSession(bench, async (open) => {
      const promisingUrl = await bench.lab.createDatabase()
      const bare = await startOneAtATime(open.site.databaseUrl, 'one-at-a-time')
      const promising = await startOneAtATime(promisingUrl, 'same-promises')
      let promised = bench.lab.preloaded
      try {
        const compared = await compare(bench, {
          ours: (load) => open.wrk('sync', load),
          bare: (load) => open.wrk('one at a time, bare', { address: bare.address, ...load }),
          promising: async (load) => {
            const target = { address: promising.address, ...load }
            const result = await open.wrk('one at a time, same promises', target)
            promised += result.requests - result.errors
            return result
          },
        })
        bench.tell('verifying the books of the yardstick')
        const books = await readBooks(promisingUrl)
        open.faults.push(...faultsIn(books, promised, { exact: false }))
        return compared
      } finally {
        await Promise.all([bare.stop(), promising.stop()])
      }
    })
    return {
      name: 'yardstick',
      title: 'Group commit against one statement at a time',
      note:
        `Closed loop, under wrk, in turns, ${rounds} rounds of ${roundSeconds(bench)} s each; the figures are medians. Ratio: of group commit ` +
        'to it, under the same load. Bare: three tables and no checks. Same promises: our tables, guards, keys, events and chained entries.',
      rows: [...rows, ...(await embedded(bench, session.faults))],
      faults: session.faults,
    }
  },
}

type Loader = (load: {
  accounts: readonly string[]
  connections: number
  seconds: number
}) => Promise<WrkResult>

async function compare(
  bench: Bench,
  by: { ours: Loader; bare: Loader; promising: Loader },
): Promise<Row[]> {
  for (const loader of Object.values(by)) {
    await loader({
      accounts: bench.lab.accounts,
      connections: 50,
      seconds: Math.max(1, bench.warmUpSeconds),
    })
  }
  const rows: Row[] = []
  for (const load of loads) {
    bench.tell(`${load.accounts} accounts, ${load.connections} connections`)
    const [bare, promising, ours]: [WrkResult[], WrkResult[], WrkResult[]] = [[], [], []]
    for (let round = 0; round < rounds; round += 1) {
      bare.push(await by.bare(over(bench, bench.lab.accounts, load)))
      promising.push(await by.promising(over(bench, bench.lab.accounts, load)))
      ours.push(await by.ours(over(bench, bench.lab.accounts, load)))
    }
    const ratioTo = (usual: readonly WrkResult[]) =>
      (median(ours, 'ratePerS') / median(usual, 'ratePerS')).toFixed(1)
    rows.push(
      row('Postgres, one at a time, bare', load, bare, ratioTo(bare)),
      row('Postgres, one at a time, same promises', load, promising, ratioTo(promising)),
      row('Postgres, group commit', load, ours),
    )
  }
  return rows
}

/** The embedded shape: one process, a SQLite file. */
async function embedded(bench: Bench, faults: string[]): Promise<Row[]> {
  const service = await startService({
    databaseUrl: `sqlite:${join(bench.lab.folder, `yardstick-${Date.now()}.db`)}`,
  })
  try {
    const { address } = service
    const accounts = await openAccounts(address, bench.lab.accounts.length)
    await loadWithWrk({
      address,
      accounts,
      connections: 50,
      seconds: Math.max(1, bench.warmUpSeconds),
    })
    const rows: Row[] = []
    for (const load of loads) {
      bench.tell(`SQLite, ${load.accounts} accounts, ${load.connections} connections`)
      const results: WrkResult[] = []
      for (let round = 0; round < rounds; round += 1) {
        results.push(await loadWithWrk({ address, ...over(bench, accounts, load) }))
      }
      rows.push(row('SQLite, group commit', load, results))
    }
    const errors = rows.reduce((sum, { errors: count }) => sum + Number(count), 0)
    if (errors > 0) faults.push(`SQLite: ${errors} errors`)
    return rows
  } finally {
    await service.stop()
  }
}

function over(bench: Bench, accounts: readonly string[], { hot, connections }: Load) {
  const seconds = roundSeconds(bench)
  return { accounts: hot ? accounts.slice(0, 2) : accounts, connections, seconds }
}

function roundSeconds({ seconds }: Bench): number {
  return Math.max(1, Math.round(seconds / 4))
}

function row(
  what: string,
  { accounts, connections }: Load,
  results: readonly WrkResult[],
  ratio = '',
): Row {
  return {
    what,
    accounts,
    connections: String(connections),
    'requests a second': median(results, 'ratePerS'),
    p50: median(results, 'p50Ms'),
    p95: median(results, 'p95Ms'),
    p99: median(results, 'p99Ms'),
    errors: results.reduce((sum, { errors }) => sum + errors, 0),
    ratio,
  }
}

function median(results: readonly WrkResult[], figure: keyof WrkResult): number {
  const sorted = results.map((result) => result[figure]).toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
