import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { problemAdvice } from '../../services/api/pages/problem-advice.ts'
import { problemCodes, problems } from '../../shared/wire/problems.ts'
import { exchange, requestBytes, type RawAnswer } from './raw-http.ts'
import { createStore, startService, type ListeningService } from './service.ts'

let service: ListeningService

beforeAll(async () => {
  const { location } = await createStore('sqlite')
  service = await startService(location)
})
afterAll(() => service.close())

test.each(['/', '/errors', '/docs', '/redoc'])(
  'the page %s loads what is served here and nothing from elsewhere',
  async (path) => {
    const page = await get(path)

    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain(`default-src 'self'`)
    expect(policy).not.toMatch(/https?:|\*/)
    const addresses = [...page.body.matchAll(/\b(?:src|href)="([^"#]+)/g)].map(([, to = '']) => to)
    for (const address of addresses.filter((to) => !to.startsWith('data:'))) {
      expect(address).toMatch(/^\/(?!\/)/)
      expect({ address, status: (await get(address)).status }).toEqual({ address, status: 200 })
    }
  },
)

test('the script of ReDoc names no network of its maker', async () => {
  const { body } = await get('/redoc/redoc.standalone.js')

  expect(body.length).toBeGreaterThan(100_000)
  expect(/\bcdn\.|fonts\.(?:googleapis|gstatic)/.exec(body)?.[0]).toBeUndefined()
})

test('the first page says what runs here, without its version and place', async () => {
  const { body } = await get('/')

  expect(body).toContain('runs here on SQLite')
  expect(body).not.toMatch(/SQLite \d|\.db/)
  expect(body).toContain('http://ledger.test/api/v1/transactions')
})

test('the first page repeats no Host that is none', async () => {
  const host = 'a"><script>'
  const [page] = await exchange(service.port, requestBytes('GET', '/', { headers: { host } }))

  expect(page?.status).toBe(200)
  expect(page?.body).not.toContain('<script>')
})

test('the page of errors has a row to which the type of every problem leads', async () => {
  const { body } = await get('/errors')

  for (const code of problemCodes) expect(body).toContain(`<tr id="${code}">`)
})

test('docs/errors.md says of every code what the page says', async () => {
  const docs = await readFile(new URL('../../docs/errors.md', import.meta.url), 'utf8')
  const rows = docs.split('\n').filter((line) => line.startsWith('| `'))

  const expected = problemCodes.map((code) => {
    const { status, title } = problems[code]
    const { advice, details } = problemAdvice[code]
    return [`\`${code}\``, String(status), title, advice, details.join(', ')]
  })
  expect(rows.map((row) => row.slice(1, -1).split('|').map(cellText))).toEqual(expected)
})

/** A cell without its padding, and without the backticks of the details' names. */
function cellText(cell: string, index: number): string {
  return index === 4 ? cell.trim().replaceAll('`', '') : cell.trim()
}

async function get(path: string): Promise<RawAnswer> {
  const [answer] = await exchange(service.port, requestBytes('GET', path))
  if (answer === undefined) throw new Error(`no answer at ${path}`)
  return answer
}
