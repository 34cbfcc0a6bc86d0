/**
 * Compares group commit with one database transaction a request, in one run on one machine: a thousand accounts and two, 50 and
 * 200 connections, on a fresh Postgres with default settings (fsync on); and group commit on SQLite. The two are
 * loaded in turns, several rounds, and the figure is the ratio.
 *
 * npm run bench:group-commit [-- rounds seconds]
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { provisionPostgres } from '../scripts/provision/postgres.ts'
import { throwAwayFolder } from '../scripts/provision/throw-away-folder.ts'
import { openAccounts } from './lab/accounts.ts'
import { circumstances, writeResult } from './lab/results.ts'
import { startOneAtATime, startService } from './lab/service.ts'
import { loadWithWrk, type LoadResult } from './load/wrk.ts'

const rounds = Number(process.argv[2] ?? 3)
const seconds = Number(process.argv[3] ?? 5)
const warmUpSeconds = 3

interface Scenario {
  readonly name: string
  readonly accounts: readonly string[]
  readonly connections: number
}

const postgres = await provisionPostgres({ durable: true, ownServer: true })
const folder = await throwAwayFolder()
const url = await postgres.createDatabase('bench')

const ours = await startService(url)
const wallets = await openAccounts(ours.address, 1000)
const theirs = await startOneAtATime(url)
const scenarios = scenariosOver(wallets)

const rows: Record<string, string | number>[] = []
await warmUp([ours.address, theirs.address], wallets)
for (const scenario of scenarios) {
  const group: LoadResult[] = []
  const single: LoadResult[] = []
  for (let round = 0; round < rounds; round += 1) {
    single.push(await measure(theirs.address, scenario))
    group.push(await measure(ours.address, scenario))
  }
  rows.push(row('Postgres, one at a time', scenario, single))
  rows.push({
    ...row('Postgres, group commit', scenario, group),
    ratio: (median(group, 'ratePerS') / median(single, 'ratePerS')).toFixed(1),
  })
}
await ours.stop()
await theirs.stop()
await postgres.stop()

const embedded = await startService(`sqlite:${join(folder, 'bench.db')}`)
const embeddedWallets = await openAccounts(embedded.address, 1000)
await warmUp([embedded.address], embeddedWallets)
for (const scenario of scenariosOver(embeddedWallets)) {
  const results: LoadResult[] = []
  for (let round = 0; round < rounds; round += 1) {
    results.push(await measure(embedded.address, scenario))
  }
  rows.push(row('SQLite, group commit', scenario, results))
}
await embedded.stop()
await rm(folder, { recursive: true, force: true })

writeResult(
  'group-commit',
  circumstances({ postgres: postgres.how, generator: 'wrk, closed loop, one thread' }),
  rows,
)

function scenariosOver(accounts: readonly string[]): Scenario[] {
  return [50, 200].flatMap((connections) => [
    { name: '1,000 accounts', accounts, connections },
    { name: '2 accounts', accounts: accounts.slice(0, 2), connections },
  ])
}

async function warmUp(addresses: readonly string[], accounts: readonly string[]): Promise<void> {
  for (const address of addresses) {
    await loadWithWrk({ address, accounts, connections: 50, seconds: warmUpSeconds })
  }
}

function measure(address: string, { accounts, connections }: Scenario): Promise<LoadResult> {
  return loadWithWrk({ address, accounts, connections, seconds })
}

function row(
  what: string,
  { name, connections }: Scenario,
  results: readonly LoadResult[],
): Record<string, string | number> {
  return {
    what,
    accounts: name,
    connections,
    'rate a second': median(results, 'ratePerS'),
    'p50 ms': median(results, 'p50Ms'),
    'p99 ms': median(results, 'p99Ms'),
    errors: results.reduce((sum, result) => sum + result.errors, 0),
    ratio: '',
  }
}

function median(results: readonly LoadResult[], figure: keyof LoadResult): number {
  const sorted = results.map((result) => result[figure]).toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? Number.NaN
}
