import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { alerts } from '../../scripts/monitoring/alerts.ts'
import { monitoringFiles } from '../../scripts/monitoring/files.ts'
import { findProgram } from '../../scripts/provision/find-program.ts'
import { runProgram } from '../../scripts/provision/run-program.ts'
import {
  metricList,
  processMetricList,
  type MetricDefinition,
} from '../../shared/metric-list.ts'
import { askedBy } from './promql.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (path: string) => readFile(`${root}/${path}`, 'utf8')
const known: Readonly<Record<string, MetricDefinition>> = { ...metricList, ...processMetricList }

/** What Prometheus itself adds: whether a process answered, and which one a value is of. */
const ofPrometheus = { metric: 'up', labels: ['job', 'instance', 'le'] }

/** A duration as Prometheus writes it. */
const duration = z.string().regex(/^[1-9]\d*[smhd]$/)

/** A file of rules, as far as ours has it. Prometheus, "Alerting rules": unknown fields are refused. */
const ruleFile = z.strictObject({
  groups: z.array(
    z.strictObject({
      name: z.string(),
      rules: z.array(
        z.strictObject({
          alert: z.string().regex(/^LedgerFlow[A-Z][A-Za-z]+$/),
          expr: z.string(),
          for: duration,
          labels: z.strictObject({ severity: z.enum(['critical', 'warning']) }),
          annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
})

/** The part of a dashboard that we judge besides its types, which are Grafana's own. */
const dashboard = z.looseObject({
  schemaVersion: z.number(),
  panels: z.array(
    z.looseObject({
      id: z.number(),
      type: z.enum(['row', 'stat', 'timeseries']),
      title: z.string(),
      gridPos: z.looseObject({ x: z.number(), y: z.number(), w: z.number(), h: z.number() }),
      targets: z.array(z.looseObject({ expr: z.string(), refId: z.string() })).default([]),
    }),
  ),
})

test.each(monitoringFiles())(
  '$path is what `npm run dashboard` writes from the code',
  async ({ path, text }) => {
    expect(await read(path)).toBe(text)
  },
)

describe('the dashboard', async () => {
  const { panels } = dashboard.parse(JSON.parse(await read('monitoring/grafana-dashboard.json')))
  const expressions = panels.flatMap(({ targets }) => targets.map(({ expr }) => expr))

  test('has a panel for every metric, and asks for no other', () => {
    const asked = new Set(expressions.flatMap((expr) => askedBy(expr).metrics.map(familyOf)))

    expect([...asked].toSorted()).toEqual(Object.keys(known).toSorted())
  })

  test('asks for no label that a metric does not have', () => {
    expect(expressions.flatMap(strangeLabels)).toEqual([])
  })

  test('has its panels beside each other and not upon each other', () => {
    const cells = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    )

    expect(new Set(cells).size).toBe(cells.length)
    expect(Math.max(...panels.map(({ gridPos: { x, w } }) => x + w))).toBe(24)
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length)
  })
})

describe('the alert rules', async () => {
  const text = await read('monitoring/prometheus-rules.yml')
  const rules = ruleFile.parse(parse(text)).groups.flatMap((group) => group.rules)

  test('ask only for metrics and labels that there are', () => {
    const asked = rules.flatMap(({ expr }) => askedBy(expr).metrics.map(familyOf))

    const missing = asked.filter((name) => known[name] === undefined)
    expect(new Set(missing)).toEqual(new Set([ofPrometheus.metric]))
    expect(rules.flatMap(({ expr }) => strangeLabels(expr))).toEqual([])
  })

  test('have a section of the runbook each, in its order, and it has none besides', async () => {
    const headings = (await read('docs/operations.md')).matchAll(/^#+ (LedgerFlow[A-Z]\w+)$/gm)

    expect([...headings].map(([, name]) => name)).toEqual(alerts.map(({ name }) => name))
    expect(rules.map(({ alert, annotations: { runbook } }) => [alert, runbook])).toEqual(
      alerts.map(({ name }) => [name, `docs/operations.md#${name.toLowerCase()}`]),
    )
  })

  test('are taken by promtool, where it is at hand', async () => {
    const promtool = await findProgram('promtool')
    const path = `${root}/monitoring/prometheus-rules.yml`

    const said = promtool === undefined ? '' : await runProgram(promtool, ['check', 'rules', path])

    expect(said).toMatch(promtool === undefined ? /^$/ : `SUCCESS: ${alerts.length} rules found`)
  })

  test('with a fault in them are found by all that looks at them', () => {
    const broken = structuredClone(parse(text)) as z.output<typeof ruleFile>
    Object.assign(broken.groups[0]?.rules[0] ?? {}, { every: '1m' })

    expect(ruleFile.safeParse(broken).success).toBe(false)
    expect(() => askedBy('sum by (le (ledgerflow_queue_backlog))')).toThrow('not PromQL')
    expect(askedBy('rate(ledgerflow_nothing[5m])').metrics).toEqual(['ledgerflow_nothing'])
    expect(strangeLabels('sum by (account) (ledgerflow_queue_backlog)')).toEqual(['account'])
  })
})

/** The metric that a series is of: a histogram has three. */
function familyOf(series: string): string {
  const family = series.replace(/_(?:bucket|sum|count)$/, '')
  return known[family]?.type === 'histogram' ? family : series
}

/** The labels of an expression that none of its metrics has. */
function strangeLabels(expr: string): string[] {
  const { metrics, labels } = askedBy(expr)
  const theirs = new Set(metrics.flatMap((name) => known[familyOf(name)]?.labels ?? []))
  return labels.filter((label) => !theirs.has(label) && !ofPrometheus.labels.includes(label))
}
