import { expect, it } from 'vitest'
import { latencyChart } from '../../benchmarks/report/chart.ts'
import { compareResults } from '../../benchmarks/report/compare.ts'
import { markdownOf } from '../../benchmarks/report/markdown.ts'
import { rounded, type Result, type Row, type Table } from '../../benchmarks/report/result.ts'

const table = (rows: readonly Row[], rest: Partial<Table> = {}): Table => ({
  name: 'sync',
  title: 'Synchronous payments',
  note: 'How.',
  faults: [],
  rows,
  ...rest,
})
const result = (tables: readonly Table[], commit = 'aaaaaaa'): Result => ({
  facts: { date: '2026-01-31', commit, node: 'v20' },
  tables,
})

it('figures of the same thing are compared, with the ratio of the second to the first', () => {
  const before = result([table([{ accounts: '2', users: 50, accepted: 2000, p99: 30, errors: 0 }])])
  const after = result(
    [table([{ accounts: '2', users: 50, accepted: 3000, p99: 15, errors: 0 }])],
    'bbbbbbb',
  )
  const lines = compareResults(before, after).split('\n')
  expect(lines).toContain('| commit | aaaaaaa | bbbbbbb |')
  expect(lines).toContain('| 2, 50 users | 2,000 → 3,000, 1.50 | 30 → 15, 0.50 | 0 → 0, 1.00 |')
})

it('what was chosen tells rows apart, and is not compared', () => {
  const rows = (p50: number): Row[] => [
    { script: 'sync', users: 400, offered: 100, p50 },
    { script: 'sync', users: 400, offered: 200, p50: 2 * p50 },
  ]
  const compared = compareResults(result([table(rows(4))]), result([table(rows(1).toReversed())]))
  expect(compared).toContain('| sync, 400 users, 100 offered | 4 → 1, 0.25 |')
  expect(compared).toContain('| sync, 400 users, 200 offered | 8 → 2, 0.25 |')
})

it('from nothing to something there is no ratio', () => {
  const of = (errors: number) => result([table([{ what: 'sync', errors }])])
  expect(compareResults(of(0), of(3))).toContain('| sync | 0 → 3 |')
})

it('only what stands in both is compared, and nothing in common is an error', () => {
  const alone = table([{ what: 'replay', p50: 1 }], { name: 'replay' })
  const both = table([{ what: 'sync', p50: 1 }])
  expect(compareResults(result([alone, both]), result([both]))).not.toContain('replay')
  expect(() => compareResults(result([alone]), result([both]))).toThrow('no figure in common')
})

it('a page has the facts, a table with all columns, what went wrong, and k6’s own words', () => {
  const page = markdownOf(
    result([
      table(
        [
          { what: 'a', p50: 1234.5 },
          { what: 'b', 'end to end': 3 },
        ],
        {
          faults: ['sync: 3 errors'],
          k6: { sync: 'http_reqs: 9' },
        },
      ),
    ]),
    ['chart.svg'],
  )
  expect(page).toContain('- node: v20')
  expect(page).toContain('![latency against rate](chart.svg)')
  expect(page).toContain(
    '| what | p50 | end to end |\n| --- | --- | --- |\n| a | 1,234.5 |  |\n| b |  | 3 |',
  )
  expect(page).toContain('- WRONG: sync: 3 errors')
  expect(page).toContain('```\nhttp_reqs: 9\n```')
})

it('the chart shows the rates at which nothing was dropped', () => {
  const row = (offered: number, dropped: number): Row => ({
    script: 'sync',
    offered,
    p50: 2,
    p99: 9,
    dropped,
  })
  // The library numbers the charts of a process in the names of their styles.
  const chart = (...rows: Row[]) =>
    latencyChart(table(rows), 'here').replace(/zr\d+-(cls-\d+|c)/g, '')
  const svg = chart(row(100, 0), row(200, 0), row(300, 5))
  expect(svg).toMatch(/^<svg /)
  expect(svg).toContain('sync, posted: p99')
  expect(svg).toBe(chart(row(100, 0), row(200, 0)))
  expect(svg).not.toBe(chart(row(100, 0), row(200, 0), row(300, 0)))
})

it('figures keep the digits that mean something', () => {
  expect([0.1234, 1.234, 12.345, 123.45, 2345.6].map(rounded)).toEqual([
    0.12, 1.23, 12.3, 123, 2346,
  ])
})
