import { numberText, tableOf } from './markdown.ts'
import type { Result, Row, Table } from './result.ts'

/** The figures of two results side by side, with the ratio of the second to the first; only what stands in both. */
export function compareResults(first: Result, second: Result): string {
  const sections = first.tables.flatMap((before) => {
    const after = second.tables.find(({ name }) => name === before.name)
    const rows = after === undefined ? [] : compareTables(before, after)
    return rows.length === 0 ? [] : [`## ${before.name}: ${before.title}\n\n${tableOf(rows)}`]
  })
  if (sections.length === 0) throw new Error('the two results have no figure in common')
  return `${factsApart(first, second)}\n\n${sections.join('\n\n')}\n`
}

/** Rows with the same words are of the same thing. */
function compareTables(before: Table, after: Table): Row[] {
  return before.rows.flatMap((row) => {
    const other = after.rows.find((candidate) => wordsOf(candidate) === wordsOf(row))
    const figures = other === undefined ? {} : compareRows(row, other)
    return Object.keys(figures).length === 0 ? [] : [{ what: wordsOf(row), ...figures }]
  })
}

/** Each figure that both have, as `before → after, ratio`. */
function compareRows(before: Row, after: Row): Row {
  const cells = Object.entries(before).flatMap(([figure, was]) => {
    const is = after[figure]
    if (chosen.has(figure) || typeof was !== 'number' || typeof is !== 'number') return []
    const ratio = was === is ? 1 : is / was
    const said = Number.isFinite(ratio) ? `, ${ratio.toFixed(2)}` : ''
    return [[figure, `${numberText(was)} → ${numberText(is)}${said}`]]
  })
  return Object.fromEntries(cells) as Row
}

/** What a row is of: its words, and the numbers that were chosen and not measured. */
function wordsOf(row: Row): string {
  return Object.entries(row)
    .filter(([name, value]) => chosen.has(name) || (typeof value === 'string' && !found.has(name)))
    .map(([name, value]) => (typeof value === 'number' ? `${value} ${name}` : value))
    .filter((word) => word !== '')
    .join(', ')
}

const chosen = new Set(['users', 'offered'])
const found = new Set(['ratio', 'flat'])

function factsApart(first: Result, second: Result): string {
  const names = new Set([...Object.keys(first.facts), ...Object.keys(second.facts)])
  const rows = [...names]
    .map((fact) => ({
      fact,
      before: first.facts[fact] ?? '',
      after: second.facts[fact] ?? '',
    }))
    .filter(({ before, after }) => before !== after)
  return rows.length === 0 ? 'Both were measured under the same circumstances.' : tableOf(rows)
}
