import type { Lab } from '../lab/lab.ts'
import type { K6Runner } from '../load/k6.ts'
import type { Progress } from '../report/progress.ts'
import type { Table } from '../report/result.ts'

/** What every measurement has at hand. */
export interface Bench {
  readonly lab: Lab
  readonly k6: K6Runner
  /** How long each load lasts. */
  readonly seconds: number
  /** How long the service is loaded first, unmeasured: code is compiled, connections are opened, plans are made. */
  readonly warmUpSeconds: number
  /** Users of a k6 load that does not say. */
  readonly users: number
  /** Replaces the scripts' own thresholds of the time to answer, in ms. */
  readonly p99Ms: number | undefined
  /** Shows what is going on. */
  readonly tell: (progress: string) => void
}

/** Something that can be measured by itself, by its name. */
export interface Measurement {
  readonly name: string
  /** Load generators without which it cannot be done. */
  readonly needs: readonly ('k6' | 'wrk')[]
  /** A route without which it cannot be done. */
  readonly route?: string
  readonly run: (bench: Bench) => Promise<Table>
}

/** Runs a measurement. One that breaks off is a fault of its own, so that the others go on. */
export async function runMeasurement(
  each: Measurement,
  bench: Bench,
  progress: Progress,
): Promise<Table> {
  progress.begin(each.name)
  try {
    return await each.run(bench)
  } catch (error) {
    const reason = error instanceof Error ? (error.stack ?? error.message) : String(error)
    return { name: each.name, title: 'broke off', note: '', rows: [], faults: [reason] }
  } finally {
    progress.end()
  }
}

/** Those that this version of the service has the routes for; says which are left out. */
export function available(
  chosen: readonly Measurement[],
  { lab }: Bench,
  progress: Progress,
): readonly Measurement[] {
  const there = (each: Measurement) => each.route === undefined || lab.routes.has(each.route)
  for (const each of chosen) {
    if (!there(each)) progress.say(`left out: ${each.name}, there is no ${each.route} yet`)
  }
  return chosen.filter(there)
}
