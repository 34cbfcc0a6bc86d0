import {
  DashboardBuilder,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  VariableRefresh,
} from '@grafana/grafana-foundation-sdk/dashboard'
import type { DataSourceRef } from '@grafana/grafana-foundation-sdk/common'
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus'
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat'
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries'
import {
  metricGroups,
  metricList,
  processMetricList,
  type MetricDefinition,
} from '../../shared/metric-list.ts'
import { glances, type Glance } from './glances.ts'
import { panelsOf, type Panel } from './panels.ts'

const source: DataSourceRef = { type: 'prometheus', uid: '${datasource}' }

/** Of the 24 columns of a dashboard. */
const glanceSpan = 4
const panelSpan = 8
const glanceHeight = 4
const panelHeight = 7

/** The dashboard as a file for Grafana: at a glance first, then a panel or two for every metric. */
export function grafanaDashboard(): string {
  const board = new DashboardBuilder('LedgerFlow')
    .uid('ledgerflow')
    .description('Written by `npm run dashboard` from the list of metrics that the service registers.')
    .tags(['ledgerflow'])
    .editable()
    .refresh('30s')
    .time({ from: 'now-3h', to: 'now' })
    .withVariable(
      new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'),
    )
    .withVariable(processVariable('job', 'label_values(ledgerflow_queue_backlog, job)'))
    .withVariable(
      processVariable('instance', 'label_values(ledgerflow_queue_backlog{job=~"$job"}, instance)'),
    )
    .withRow(new RowBuilder('At a glance'))
  for (const glance of glances) board.withPanel(statOf(glance))
  const all: [string, MetricDefinition][] = Object.entries({ ...metricList, ...processMetricList })
  for (const group of metricGroups) {
    board.withRow(new RowBuilder(group))
    const panels = all.flatMap(([name, metric]) =>
      metric.group === group ? panelsOf(name, metric) : [],
    )
    for (const panel of panels) board.withPanel(timeseriesOf(panel))
  }
  const built = board.build()
  // Grafana gives ids to panels that have none, other ones each time that it opens the file.
  const panels = built.panels?.map((panel, index) => ({ ...panel, id: index + 1 }))
  return `${JSON.stringify({ ...built, panels }, null, 2)}\n`
}

function processVariable(name: string, query: string): QueryVariableBuilder {
  return new QueryVariableBuilder(name)
    .datasource(source)
    .query(query)
    .refresh(VariableRefresh.OnTimeRangeChanged)
    .multi(true)
    .includeAll(true)
    .allValue('.*')
}

function statOf({ title, description, expr, unit, warnAt }: Glance): StatBuilder {
  const steps = [
    { value: null, color: 'green' },
    ...(warnAt === undefined ? [] : [{ value: warnAt, color: 'red' }]),
  ]
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(source)
    .unit(unit)
    .noValue('none')
    .thresholds(new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps))
    .span(glanceSpan)
    .height(glanceHeight)
    .withTarget(query(expr, '', 0))
}

function timeseriesOf({ title, description, unit, queries }: Panel): TimeseriesBuilder {
  const panel = new TimeseriesBuilder()
    .title(title)
    .description(description)
    .datasource(source)
    .unit(unit)
    .min(0)
    .span(panelSpan)
    .height(panelHeight)
  queries.forEach(({ expr, legend }, index) => panel.withTarget(query(expr, legend, index)))
  return panel
}

function query(expr: string, legend: string, index: number): DataqueryBuilder {
  return new DataqueryBuilder()
    .datasource(source)
    .expr(expr)
    .legendFormat(legend)
    .range()
    .refId(String.fromCodePoint('A'.codePointAt(0)! + index))
}
