import { problemCodes, problems } from '../../../shared/wire/problems.ts'
import { escapeHtml, page } from './page.ts'
import { problemAdvice } from './problem-advice.ts'

/** The page that the `type` of every problem leads to. */
export function errorsPage(): string {
  const rows = problemCodes.map(row).join('\n        ')
  return page(
    'LedgerFlow errors',
    `<h1>Errors</h1>
    <p>Every error is <code>application/problem+json</code> (RFC 9457): <code>type</code>, <code>title</code>,
    <code>status</code>, <code>detail</code>, <code>instance</code>, a stable <code>code</code> and whether it is
    <code>retryable</code>. <code>errors</code> lists places in the request as <code>pointer</code> and
    <code>detail</code>. <a href="/">What else is here</a></p>
    <table>
      <thead><tr><th>Code</th><th>Status</th><th>Meaning and what to do</th><th>Details</th></tr></thead>
      <tbody>
        ${rows}
      </tbody>
    </table>`,
  )
}

function row(code: (typeof problemCodes)[number]): string {
  const { status, title, retryable } = problems[code]
  const { advice, details } = problemAdvice[code]
  const cells = [
    `<code>${code}</code>`,
    `${status}${retryable ? '<small>retryable</small>' : ''}`,
    `${escapeHtml(title)}.<small>${withCode(advice)}</small>`,
    details.map((name) => `<code>${name}</code>`).join(' '),
  ]
  return `<tr id="${code}">${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`
}

/** Text with its spans in backticks as code. */
function withCode(text: string): string {
  return escapeHtml(text).replace(/`([^`]+)`/g, '<code>$1</code>')
}
