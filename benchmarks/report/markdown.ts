import type { Result, Row, Table } from './result.ts'

/** A result as a page: the facts, one table a measurement, what went wrong, k6's own summaries. */
export function markdownOf(result: Result, charts: readonly string[] = []): string {
  const facts = Object.entries(result.facts).map(([name, value]) => `- ${name}: ${value}`)
  const pictures = charts.map((file) => `![latency against rate](${file})`)
  const parts = [
    `# Measured on ${result.facts['date']} at ${result.facts['commit']}`,
    facts.join('\n'),
    ...pictures,
    ...result.tables.map(sectionOf),
    ...summariesOf(result.tables),
  ]
  return `${parts.join('\n\n')}\n`
}

function sectionOf({ name, title, note, rows, faults }: Table): string {
  const wrong = faults.map((fault) => `- WRONG: ${fault}`)
  return [
    `## ${name}: ${title}`,
    note,
    tableOf(rows),
    ...(wrong.length === 0 ? [] : [wrong.join('\n')]),
  ].join('\n\n')
}

/** Rows as a table; the columns are those of all rows, in the order of their first appearance. */
export function tableOf(rows: readonly Row[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return [columns, columns.map(() => '---'), ...rows.map((row) => columns.map((c) => cell(row[c])))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function cell(value: string | number | undefined): string {
  if (typeof value !== 'number') return value ?? ''
  return Number.isNaN(value) ? '' : numberText(value)
}

/** A number with commas between thousands. */
export function numberText(value: number): string {
  return value.toLocaleString('en')
}

function summariesOf(tables: readonly Table[]): string[] {
  const summaries = tables.flatMap(({ name, k6 = {} }) =>
    Object.entries(k6).map(
      ([load, text]) =>
        `<details><summary>${name === load ? name : `${name}: ${load}`}</summary>\n\n` +
        `\`\`\`\n${text.trim()}\n\`\`\`\n\n</details>`,
    ),
  )
  return summaries.length === 0 ? [] : [`## k6’s own summaries`, ...summaries]
}
