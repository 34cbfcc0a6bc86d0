import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvRow } from '../../shared/wire/csv.ts'

test.each(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠'])(
  'text that begins with “%s” gets an apostrophe in front',
  (start) => {
    const row = csvRow([{ text: `${start}1` }])
    expect(parse(row)).toEqual([`'${start}1`])
  },
)

test('what is not the text of somebody else stays as it is, a negative amount too', () => {
  expect(csvRow(['-125.00', 7, null, { text: null }])).toBe('-125.00,7,,\r\n')
})

test('any texts are read back by whoever knows RFC 4180, none as a formula', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' }), { minLength: 1 }), (texts) => {
      const cells = parse(csvRow(texts.map((text) => ({ text }))))
      expect(cells.map((cell) => cell.replace(/^'(?=[=+\-@\t\r\n＝＋－＠])/, ''))).toEqual(
        texts.map((text) => text.replace(/^'(?=[=+\-@\t\r\n＝＋－＠])/, '')),
      )
      for (const cell of cells) expect(cell).not.toMatch(/^[=+\-@\t\r\n]/)
    }),
  )
})

/** Reads one row, as RFC 4180 has it. */
function parse(row: string): string[] {
  const cells: string[] = []
  let cell = ''
  let quoted = false
  for (let at = 0; at < row.length; at += 1) {
    const letter = row[at] ?? ''
    if (quoted && letter === '"' && row[at + 1] === '"') {
      cell += '"'
      at += 1
    } else if (letter === '"') quoted = !quoted
    else if (!quoted && (letter === ',' || row.startsWith('\r\n', at))) {
      cells.push(cell)
      cell = ''
      if (letter === '\r') break
    } else cell += letter
  }
  return cells
}
