import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../../scripts/provision/find-program.ts'
import { readK6Summary, type K6Result } from './k6-summary.ts'
import { runK6InNode } from './k6-in-node/run.ts'

/** What a script is told; see `benchmarks/k6/load.js`. */
export interface K6Load {
  /** A script of `benchmarks/k6`, without its ending. */
  readonly script: string
  readonly address: string
  readonly accountsFile: string
  readonly users: number
  readonly seconds: number
  /** Iterations a second in an open loop. */
  readonly ratePerS?: number
  readonly pauseS?: number
  readonly p99Ms?: number
}

/** A way to run the scripts. */
export interface K6Runner {
  /** For the facts of a run. */
  readonly how: string
  /** True: k6 itself. False: the stand-in, good for checking answers, not for measuring. */
  readonly real: boolean
  readonly run: (load: K6Load) => Promise<K6Result>
}

const scripts = new URL('../k6/', import.meta.url)
/** k6's own code for "a threshold was crossed". */
const thresholdsCrossed = 99

/** k6 on the PATH, or else our stand-in for it. */
export async function findK6(folder: string): Promise<K6Runner> {
  const program = await findProgram('k6')
  if (program === undefined) {
    return {
      how: 'NOT k6 (not on the PATH) but its scripts in Node',
      real: false,
      run: (load) => runK6InNode(scriptOf(load), variablesOf(load)),
    }
  }
  const { text } = await run(program, ['version'], {})
  return { how: text.trim(), real: true, run: (load) => runK6(program, folder, load) }
}

async function runK6(program: string, folder: string, load: K6Load): Promise<K6Result> {
  const summaryFile = join(folder, 'k6-summary.json')
  const parameters = ['run', '--quiet', '--summary-export', summaryFile, scriptOf(load)]
  const { code, text } = await run(program, parameters, variablesOf(load))
  if (code !== 0 && code !== thresholdsCrossed) throw new Error(`k6 ended with ${code}:\n${text}`)
  const summary = readK6Summary(await readFile(summaryFile, 'utf8'))
  return { summary, text, passed: code === 0 }
}

async function run(
  program: string,
  parameters: readonly string[],
  variables: Record<string, string>,
): Promise<{ code: number | null; text: string }> {
  const child = spawn(program, parameters, {
    env: { ...process.env, K6_NO_USAGE_REPORT: 'true', NO_COLOR: 'true', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (some: string) => (text += some))
  }
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, text }
}

function scriptOf({ script }: K6Load): string {
  return new URL(`${script}.js`, scripts).pathname
}

function variablesOf(load: K6Load): Record<string, string> {
  return {
    BASE_URL: load.address,
    ACCOUNTS_FILE: load.accountsFile,
    VUS: String(load.users),
    DURATION: `${load.seconds}s`,
    RATE: load.ratePerS === undefined ? '' : String(load.ratePerS),
    PAUSE: load.pauseS === undefined ? '' : String(load.pauseS),
    P99_MS: load.p99Ms === undefined ? '' : String(load.p99Ms),
  }
}
