import type { MetricDefinition } from '../../shared/metric-list.ts'

/** A panel of the dashboard. */
export interface Panel {
  readonly title: string
  readonly description: string
  /** Grafana's name of the unit. */
  readonly unit: string
  readonly queries: readonly { readonly expr: string; readonly legend: string }[]
}

/** The processes that the dashboard is asked for. */
export const selector = '{job=~"$job", instance=~"$instance"}'

const units = { seconds: 's', bytes: 'bytes', count: 'short' } as const
const interval = '[$__rate_interval]'

/** How a metric is drawn: by its type, its unit and its labels alone. */
export function panelsOf(name: string, metric: MetricDefinition): Panel[] {
  switch (metric.type) {
    case 'counter':
      return [counterPanel(name, metric)]
    case 'gauge':
      return [gaugePanel(name, metric)]
    case 'histogram':
      return metric.labels === undefined
        ? [spreadPanel(name, metric)]
        : [spreadPanel(name, metric), ratePanel(name, metric)]
  }
}

function counterPanel(name: string, metric: MetricDefinition): Panel {
  const rate = `rate(${name}${selector}${interval})`
  const expr = `${metric.across ?? 'sum'}${by(metric)} (${rate})`
  const unit = metric.unit === 'count' ? 'cps' : units[metric.unit]
  return panel(metric, `${metric.title}, a second`, unit, [{ expr, legend: legendOf(metric) }])
}

function gaugePanel(name: string, metric: MetricDefinition): Panel {
  const expr = `${metric.across ?? 'max'}${by(metric)} (${name}${selector})`
  return panel(metric, metric.title, units[metric.unit], [{ expr, legend: legendOf(metric) }])
}

/** The middle and the tail. */
function spreadPanel(name: string, metric: MetricDefinition): Panel {
  const buckets = `sum by (le) (rate(${name}_bucket${selector}${interval}))`
  const queries = [0.5, 0.99].map((quantile) => ({
    expr: `histogram_quantile(${quantile}, ${buckets})`,
    legend: `p${quantile * 100}`,
  }))
  return panel(metric, metric.title, units[metric.unit], queries)
}

function ratePanel(name: string, metric: MetricDefinition): Panel {
  const expr = `sum${by(metric)} (rate(${name}_count${selector}${interval}))`
  return panel(metric, `${metric.title}, a second`, 'cps', [{ expr, legend: legendOf(metric) }])
}

function panel(
  { help: description }: MetricDefinition,
  title: string,
  unit: string,
  queries: Panel['queries'],
): Panel {
  return { title, description, unit, queries }
}

function by({ labels = [] }: MetricDefinition): string {
  return labels.length === 0 ? '' : ` by (${labels.join(', ')})`
}

function legendOf({ labels = [], title }: MetricDefinition): string {
  return labels.length === 0 ? title : labels.map((label) => `{{${label}}}`).join(' ')
}
