import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Four times what the suite may take on two cores; past it, it hangs. */
const RUN_MS_MAX = 20 * 60_000

/** The fault suite, which has a configuration of its own, takes up to 25 minutes, its long forms longer. */
const FAULTS_MS_MAX = 90 * 60_000
const VITEST = fileURLToPath(new URL('../node_modules/vitest/vitest.mjs', import.meta.url))

/** The part of vitest's JSON report that we count. */
interface Report {
  numPassedTests: number
  numFailedTests: number
  testResults: { status: string; assertionResults: { status: string }[] }[]
}

/**
 * Runs vitest once with the given arguments and ends with a plain last line `N passed, N failed`,
 * which counts tests. A run that fails without a failed test (a file that does not load, an
 * unhandled rejection, a crash) counts as one failed.
 */
async function test(parameters: readonly string[]): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'ledgerflow-report-'))
  const reportFile = join(folder, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportFile}`]
    const exitCode = await runVitest(['run', ...reporters, ...parameters])
    const { passed, failed } = count(await readReport(reportFile), exitCode)
    console.log(`${passed} passed, ${failed} failed`)
    return exitCode
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function runVitest(parameters: readonly string[]): Promise<number> {
  // A process group of its own, so that nothing the tests have started can outlive them.
  const vitest = spawn(process.execPath, [VITEST, ...parameters], {
    stdio: 'inherit',
    detached: true,
  })
  const msMax = parameters.includes('--config') ? FAULTS_MS_MAX : RUN_MS_MAX
  const deadline = setTimeout(() => {
    console.error(`the tests have not ended after ${msMax / 60_000} minutes: ending them`)
    vitest.kill('SIGKILL')
  }, msMax)
  // We outlive it to print the last line, so a signal to end goes to it.
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => vitest.kill(signal))
  const [code] = (await once(vitest, 'exit')) as [number | null]
  clearTimeout(deadline)
  endGroup(vitest.pid)
  return code ?? 1
}

/**
 * Ends what is left of a process group, as a worker in the midst of a test when vitest itself was
 * killed.
 */
function endGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // Nothing was left: as it should be.
  }
}

async function readReport(file: string): Promise<Report | undefined> {
  const text = await readFile(file, 'utf8').catch(() => undefined)
  return text === undefined ? undefined : (JSON.parse(text) as Report)
}

function count(report: Report | undefined, exitCode: number): { passed: number; failed: number } {
  if (report === undefined) return { passed: 0, failed: 1 }
  const brokenFiles = report.testResults.filter(
    (file) =>
      file.status === 'failed' &&
      !file.assertionResults.some((assertion) => assertion.status === 'failed'),
  ).length
  const failed = report.numFailedTests + brokenFiles
  return { passed: report.numPassedTests, failed: exitCode !== 0 && failed === 0 ? 1 : failed }
}

process.exitCode = await test(process.argv.slice(2))
