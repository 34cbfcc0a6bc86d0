/** What the text of a cell must not begin with: a spreadsheet would take it for a formula. Source: OWASP, "CSV Injection". */
const formulaStart = /^[=+\-@\t\r\n＝＋－＠]/

/**
 * Writes one row of CSV. Text that a spreadsheet would run gets an apostrophe in front, which a spreadsheet does not show. Source:
 * RFC 4180. Only text of somebody else is treated so: amounts stay plain numbers, negative ones too.
 */
export function csvRow(cells: readonly (CsvText | string | number | null)[]): string {
  return `${cells.map(cellOf).join(',')}\r\n`
}

/** Text that somebody else wrote. */
export interface CsvText {
  readonly text: string | null
}

function cellOf(cell: CsvText | string | number | null): string {
  if (cell === null) return ''
  if (typeof cell !== 'object') return String(cell)
  const { text } = cell
  if (text === null) return ''
  const defused = formulaStart.test(text) ? `'${text}` : text
  return /[",\r\n]|^\s|\s$/.test(defused) ? `"${defused.replaceAll('"', '""')}"` : defused
}
