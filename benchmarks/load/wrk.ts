import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../../scripts/provision/find-program.ts'
import { runProgram } from '../../scripts/provision/run-program.ts'
import { throwAwayFolder } from '../../scripts/provision/throw-away-folder.ts'

const posting = new URL('./posting.lua', import.meta.url).pathname
const batches = new URL('./batches.lua', import.meta.url).pathname

/** What to load a service with: payments of two entries between random accounts, each under a key of its own. */
export interface WrkLoad {
  readonly address: string
  readonly accounts: readonly string[]
  readonly connections: number
  readonly seconds: number
  /** Default: sync. */
  readonly mode?: 'sync' | 'async'
  /** The first account is in every payment. */
  readonly hot?: boolean
  /** Posts batches of so many instead; a rate is then one of batches. */
  readonly batchSize?: number
}

/** What a service made of a load. */
export interface WrkResult {
  readonly requests: number
  readonly ratePerS: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly errors: number
}

let runs = 0

/** Whether wrk is on the PATH. */
export async function hasWrk(): Promise<boolean> {
  return (await findProgram('wrk')) !== undefined
}

/**
 * Loads a service in a closed loop with wrk, which takes a fraction of the processor that k6 does. When it ends it hangs up on
 * the requests that are under way, so more may be posted than it counts. Throws when wrk is not on the PATH.
 */
export async function loadWithWrk(load: WrkLoad): Promise<WrkResult> {
  const folder = await throwAwayFolder()
  try {
    const file = join(folder, 'accounts')
    await writeFile(file, load.accounts.join('\n'))
    runs += 1
    const { address, mode = 'sync', batchSize } = load
    const [script, path] =
      batchSize === undefined
        ? [posting, `/transactions?mode=${mode}`]
        : [batches, '/transactions/batch']
    const target = `${address}/api/v1${path}`
    const options = ['-t1', `-c${load.connections}`, `-d${load.seconds}s`, '-s', script, target]
    const prefix = `wrk-${process.pid}-${Date.now()}-${runs}`
    const form = batchSize?.toString() ?? (load.hot === true ? 'hot' : 'uniform')
    const stdout = await runProgram('wrk', [...options, '--', file, prefix, form])
    const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Omit<
      WrkResult,
      'ratePerS'
    > & { seconds: number }
    const { seconds, ...rest } = summary
    return { ...rest, ratePerS: Math.round(rest.requests / seconds) }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
