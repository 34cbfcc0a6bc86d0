import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { readK6Summary } from '../../benchmarks/load/k6-summary.ts'

// What k6 1.8.1 wrote of async.js, two users, 400 a second for one second, its setup data left out.
const written = await readFile(new URL('./fixtures/k6-summary.json', import.meta.url), 'utf8')

interface Written {
  metrics: Record<string, Record<string, number> | undefined>
}

function changed(change: (metrics: Written['metrics']) => void): string {
  const summary = JSON.parse(written) as Written
  change(summary.metrics)
  return JSON.stringify(summary)
}

it('what k6 counted and timed is read from its summary', () => {
  expect(readK6Summary(written)).toEqual({
    answers: 181,
    accepted: 181,
    posted: 181,
    errors: 0,
    dropped: 219,
    answerTime: {
      avg: 3.6447210773480676,
      p50: 1.809439,
      p95: 11.386641,
      p99: 23.3681008,
      max: 25.052178,
    },
    endToEndTime: { avg: 8.817679558011049, p50: 7, p95: 24, p99: 31.19999999999999, max: 32 },
  })
})

it('failed checks are errors', () => {
  const text = changed((metrics) => (metrics['checks'] = { passes: 350, fails: 12, value: 0.96 }))
  expect(readK6Summary(text).errors).toBe(12)
})

it('what was never counted is zero, and what was never waited for has no time', () => {
  const text = changed((metrics) => {
    for (const name of ['dropped_iterations', 'transactions_posted', 'end_to_end_time']) {
      delete metrics[name]
    }
  })
  expect(readK6Summary(text)).toMatchObject({ dropped: 0, posted: 0, endToEndTime: undefined })
})

it.each(['checks', 'answer_time'])('a summary without %s is none: nothing was measured', (name) => {
  expect(() => readK6Summary(changed((metrics) => delete metrics[name]))).toThrow(/k6 has/)
})

it('a figure that is missing is not taken for zero', () => {
  const text = changed((metrics) => delete metrics['answer_time']?.['p(99)'])
  expect(() => readK6Summary(text)).toThrow('p(99)')
})
