import { memoryCourse, MemoryWatch } from '../lab/memory.ts'
import { rounded, type Row } from '../report/result.ts'
import type { Measurement } from './measurement.ts'
import { figuresOf } from './scenarios.ts'
import { inSession } from './session.ts'

const scripts = ['sync', 'async']

/** The same load for many minutes, on both paths: whether the memory of the API and of the worker stays flat. */
export function endurance(minutes: number): Measurement {
  return {
    name: 'endurance',
    needs: ['k6'],
    run: async (bench) => {
      const { result: rows, session } = await inSession(bench, async (open) => {
        const found: Row[] = []
        for (const script of scripts) {
          bench.tell(`${script}, ${bench.users} users for ${minutes} minutes`)
          const memory = new MemoryWatch([open.site.api, open.site.worker])
          const outcome = await open.k6(script, { script, seconds: minutes * 60 })
          const figures = figuresOf(outcome)
          const [api, worker] = memory.end()
          found.push(
            row(script, 'api', api ?? [], figures),
            row(script, 'worker', worker ?? [], figures),
          )
        }
        return found
      })
      return {
        name: 'endurance',
        title: `The same load for ${minutes} minutes`,
        note:
          'MiB held by the process: medians of the second, the sixth and the last tenth of the time. Flat: the last is at most a ' +
          'tenth above the second.',
        rows,
        faults: session.faults,
        k6: session.summaries,
      }
    },
  }
}

function row(script: string, name: string, samples: readonly number[], figures: Row): Row {
  const course = memoryCourse(samples)
  const { accepted = '', completed = '', p99 = '', errors = '' } = figures
  return {
    script,
    process: name,
    'MiB early': rounded(course?.early ?? Number.NaN),
    'MiB middle': rounded(course?.middle ?? Number.NaN),
    'MiB late': rounded(course?.late ?? Number.NaN),
    'MiB at most': rounded(course?.peak ?? Number.NaN),
    flat: course === undefined ? 'too short to say' : course.flat ? 'yes' : 'NO',
    accepted,
    completed,
    p99,
    errors,
  }
}
