import { parser } from '@prometheus-io/lezer-promql'

/** What an expression asks for. */
export interface Asked {
  readonly metrics: readonly string[]
  readonly labels: readonly string[]
}

/** Parses PromQL with Prometheus' own grammar and says what it names. Throws where it is not PromQL. */
export function askedBy(expr: string): Asked {
  // Grafana puts the width of the screen in before it asks.
  const text = expr.replaceAll('$__rate_interval', '5m')
  const metrics = new Set<string>()
  const labels = new Set<string>()
  parser.parse(text).iterate({
    enter: ({ type, from, to }) => {
      if (type.isError) throw new Error(`not PromQL at ${from}: ${text}`)
      if (type.name === 'Identifier') metrics.add(text.slice(from, to))
      if (type.name === 'LabelName') labels.add(text.slice(from, to))
    },
  })
  return { metrics: [...metrics], labels: [...labels] }
}
