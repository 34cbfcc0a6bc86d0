import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const script = new URL('./posting.lua', import.meta.url).pathname

/** What to load a service with: payments of two entries between random accounts, each under a key of its own. */
export interface Load {
  readonly address: string
  readonly accounts: readonly string[]
  readonly connections: number
  readonly seconds: number
  /** Default: sync. */
  readonly mode?: 'sync' | 'async'
  /** The first account is in every payment. */
  readonly hot?: boolean
}

/** What a service made of a load. */
export interface LoadResult {
  readonly ratePerS: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  readonly errors: number
}

let runs = 0

/**
 * Loads a service in a closed loop with wrk, which takes a tenth of the processor that a generator in JavaScript
 * would. Throws when wrk is not on the PATH (Debian: apt-get install wrk).
 */
export async function loadWithWrk(load: Load): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerflow-load-'))
  try {
    const file = join(folder, 'accounts')
    await writeFile(file, load.accounts.join('\n'))
    runs += 1
    const prefix = `${process.pid}-${Date.now()}-${runs}`
    const { stdout } = await run('wrk', [
      '-t1',
      `-c${load.connections}`,
      `-d${load.seconds}s`,
      '-s',
      script,
      `${load.address}/api/v1/transactions?mode=${load.mode ?? 'sync'}`,
      '--',
      file,
      prefix,
      load.hot === true ? 'hot' : 'uniform',
    ])
    const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Omit<
      LoadResult,
      'ratePerS'
    > & { requests: number; seconds: number }
    const { requests, seconds, ...rest } = summary
    return { ratePerS: Math.round(requests / seconds), ...rest }
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
