import { grafanaDashboard } from './grafana-dashboard.ts'
import { prometheusRules } from './prometheus-rules.ts'

/** The files for operators that are made from the code, as they should be. */
export function monitoringFiles(): readonly { readonly path: string; readonly text: string }[] {
  return [
    { path: 'monitoring/grafana-dashboard.json', text: grafanaDashboard() },
    { path: 'monitoring/prometheus-rules.yml', text: prometheusRules() },
  ]
}
