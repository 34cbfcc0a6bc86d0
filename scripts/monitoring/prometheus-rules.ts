import { stringify } from 'yaml'
import { alerts, type Alert } from './alerts.ts'

/** Where the runbook is, in this repository. */
const runbook = 'docs/operations.md'

/** The alert rules as a file for Prometheus: what `rule_files` names. */
export function prometheusRules(): string {
  const group = { name: 'ledgerflow', rules: alerts.map(ruleOf) }
  const head = '# Written by `npm run dashboard` from scripts/monitoring/alerts.ts.\n'
  return head + stringify({ groups: [group] }, { lineWidth: 0 })
}

function ruleOf({ name, severity, expr, for: duration, summary }: Alert) {
  return {
    alert: name,
    expr,
    for: duration,
    labels: { severity },
    annotations: { summary, runbook: `${runbook}#${name.toLowerCase()}` },
  }
}
