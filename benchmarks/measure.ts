import { startLab, type Lab } from './lab/lab.ts'
import { findK6, type K6Runner } from './load/k6.ts'
import { hasWrk } from './load/wrk.ts'
import { measurements } from './measurements/all.ts'
import { endurance } from './measurements/endurance.ts'
import {
  available,
  runMeasurement,
  type Bench,
  type Measurement,
} from './measurements/measurement.ts'
import type { MeasureOptions } from './options.ts'
import { tableOf } from './report/markdown.ts'
import { Progress } from './report/progress.ts'
import { circumstances, type Table } from './report/result.ts'
import { writeResult } from './report/write.ts'

const warmUpSeconds = 5

/** Measures what was chosen, one after the other, and writes it to `benchmarks/results`. Ends with 1 when something is wrong. */
export async function measure(options: MeasureOptions): Promise<number> {
  const progress = new Progress()
  const chosen = chosenBy(options)
  const lab = await startLab(options.preloaded, progress.tell)
  const tables: Table[] = []
  let facts: Record<string, string>
  try {
    const k6 = await findK6(lab.folder)
    await demandGenerators(chosen, k6)
    facts = factsOf(lab, k6)
    for (const [fact, value] of Object.entries(facts)) progress.say(`${fact}: ${value}`)
    const { seconds, users } = options
    const tell = progress.tell
    const bench: Bench = { lab, k6, seconds, warmUpSeconds, users, p99Ms: undefined, tell }
    const all = available(chosen, bench, progress)
    for (const [index, each] of all.entries()) {
      progress.say(`\n[${index + 1} of ${all.length}] ${each.name}`)
      const table = await runMeasurement(each, bench, progress)
      tables.push(table)
      progress.say(tableOf(table.rows))
      for (const fault of table.faults) progress.say(`WRONG: ${fault}`)
    }
  } finally {
    await lab.stop()
  }
  const faults = tables.reduce((sum, table) => sum + table.faults.length, 0)
  const books =
    faults === 0 ? 'verified clean after each measurement' : `${faults} faults, see below`
  const path = await writeResult({ facts: { ...facts, books }, tables }, nameOf(options))
  progress.say(`\n${faults === 0 ? 'no faults' : `${faults} FAULTS`}; written to ${path}`)
  return faults === 0 ? 0 : 1
}

function chosenBy({ names, minutes }: MeasureOptions): readonly Measurement[] {
  if (minutes !== undefined) return [endurance(minutes)]
  return names.length === 0 ? measurements : measurements.filter(({ name }) => names.includes(name))
}

/** Figures come from real generators or not at all. */
async function demandGenerators(chosen: readonly Measurement[], k6: K6Runner): Promise<void> {
  const needed = new Set(chosen.flatMap(({ needs }) => needs))
  if (needed.has('k6') && !k6.real) {
    throw new Error('k6 is not on the PATH: go install go.k6.io/k6@v1.8.1, or see https://k6.io')
  }
  if (needed.has('wrk') && !(await hasWrk())) {
    throw new Error('wrk is not on the PATH: apt-get install wrk, or brew install wrk')
  }
}

function factsOf(lab: Lab, k6: K6Runner): Record<string, string> {
  return {
    ...circumstances(),
    postgres: `${lab.postgres.how}; ${lab.postgresSettings}`,
    redis: lab.redis.how,
    k6: k6.how,
    processes:
      'one API process, one worker process; generator, service and databases share the machine',
    accounts: String(lab.accounts.length),
    'stored before': `${lab.preloaded.toLocaleString('en')} transactions`,
  }
}

function nameOf({ names, minutes, preloaded }: MeasureOptions): string {
  const parts = minutes === undefined ? names : ['endurance']
  return [...parts, ...(preloaded > 0 ? [`preload-${preloaded}`] : [])].join('-')
}
