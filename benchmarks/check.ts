import { startLab } from './lab/lab.ts'
import { findK6 } from './load/k6.ts'
import { available, runMeasurement, type Bench } from './measurements/measurement.ts'
import { scenarios } from './measurements/scenarios.ts'
import { Progress } from './report/progress.ts'
import type { Table } from './report/result.ts'

/** Enough for batches to form, no more. */
const users = 8
const seconds = 2

/**
 * Runs every load script for a moment and measures nothing: no error, everything that was accepted is posted and in the books
 * once, the books are clean. Ends with the line `N passed, N failed`, which counts scripts. Without k6 the scripts run in Node.
 */
export async function check(): Promise<number> {
  const progress = new Progress()
  const lab = await startLab(0, progress.tell)
  const tables: Table[] = []
  try {
    const k6 = await findK6(lab.folder)
    progress.say(`load: ${k6.how}`)
    if (!k6.real) {
      progress.say(
        'WARNING: k6 was NOT run. Its scripts run in Node instead, which checks as much and measures nothing.',
      )
    }
    const tell = progress.tell
    const bench: Bench = { lab, k6, seconds, warmUpSeconds: 0, users, p99Ms: 60_000, tell }
    for (const each of available(scenarios, bench, progress)) {
      tables.push(await runMeasurement(each, bench, progress))
    }
  } finally {
    await lab.stop()
  }
  for (const { name, faults } of tables) {
    console.log(faults.length === 0 ? `ok      ${name}` : `FAILED  ${name}: ${faults.join('; ')}`)
  }
  const failed = tables.filter(({ faults }) => faults.length > 0).length
  console.log(`${tables.length - failed} passed, ${failed} failed`)
  return failed === 0 ? 0 : 1
}
