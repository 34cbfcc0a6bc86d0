import { spawn } from 'node:child_process'
import { once } from 'node:events'

/** Each static check is an npm script of its own, so that it can be run alone. */
const STATIC_CHECKS = [
  'check:format',
  'check:lint',
  'check:types',
  'check:architecture',
  'check:unused',
] as const

/**
 * Runs every check, also after one has failed, so that one run shows all there is to repair; with
 * `--static`, all but the tests and the short load. Ends with `N passed, N failed`, which counts checks, and fails
 * when one did.
 */
async function check(parameters: readonly string[]): Promise<number> {
  const names = parameters.includes('--static')
    ? STATIC_CHECKS
    : [...STATIC_CHECKS, 'test', 'bench -- --quick']
  const failed: string[] = []
  for (const name of names) {
    console.log(`\n== ${name}`)
    if (!(await succeeds(name))) failed.push(name)
  }
  console.log('')
  for (const name of names) console.log(`${failed.includes(name) ? 'FAILED' : 'ok    '}  ${name}`)
  console.log(`${names.length - failed.length} passed, ${failed.length} failed`)
  return failed.length === 0 ? 0 : 1
}

async function succeeds(script: string): Promise<boolean> {
  const run = spawn('npm', ['run', '--silent', ...script.split(' ')], { stdio: 'inherit' })
  const [code] = (await once(run, 'exit')) as [number | null]
  return code === 0
}

process.exitCode = await check(process.argv.slice(2))
