import { afterAll, beforeAll, expect, test } from 'vitest'
import { bullmq, sqlite, startService, type Service } from '../support/service.ts'

const origin = 'https://shop.example'
let service: Service
let closed: Service

beforeAll(async () => {
  service = await startService(sqlite(), { queue: bullmq(), border: { corsOrigins: [origin] } })
  closed = await service.another({ border: {} })
})
afterAll(async () => {
  await closed.close()
  await service.close()
})

test.each(['/', '/docs', '/redoc', '/admin/queues', '/health', '/api/v1/accounts', '/nowhere'])(
  'the answer at %s tells browsers to be careful, and nothing of what runs here',
  async (path) => {
    const { headers } = await fetch(`${service.url}${path}`)
    const policy = headers.get('content-security-policy') ?? ''
    const isPage = headers.get('content-type')?.startsWith('text/html')

    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('x-frame-options')).toBe('SAMEORIGIN')
    expect(headers.get('referrer-policy')).toBe('no-referrer')
    expect(headers.get('strict-transport-security')).toContain('max-age=')
    expect(policy).toContain(`frame-ancestors 'none'`)
    expect(policy).toContain(isPage === true ? `default-src 'self'` : `default-src 'none'`)
    expect(headers.get('server') ?? headers.get('x-powered-by')).toBeNull()
  },
)

test('a page of an origin that is allowed may call, and read what it needs', async () => {
  const preflight = await fetch(`${service.url}/api/v1/transactions`, {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'POST' },
  })
  const answer = await fetch(`${service.url}/api/v1/accounts`, { headers: { origin } })

  expect(preflight.status).toBe(204)
  expect(preflight.headers.get('access-control-allow-methods')).toContain('POST')
  expect(preflight.headers.get('access-control-allow-headers')).toContain('idempotency-key')
  expect(answer.headers.get('access-control-allow-origin')).toBe(origin)
  expect(answer.headers.get('access-control-expose-headers')).toContain('idempotency-replayed')
  expect(answer.headers.get('access-control-allow-credentials')).toBeNull()
  expect(answer.headers.get('vary')).toBe('origin')
})

test.each([
  ['of another origin, where one is allowed', () => service, 'https://shop.example.org'],
  ['of no origin', () => service, 'null'],
  ['of any origin, where none is allowed', () => closed, origin],
])('a page %s is told nothing', async (_, at, from) => {
  const answers = await Promise.all(
    ['GET', 'OPTIONS'].map((method) =>
      fetch(`${at().url}/api/v1/accounts`, {
        method,
        headers: { origin: from, 'access-control-request-method': 'POST' },
      }),
    ),
  )

  expect(answers.map(({ status }) => status)).toEqual([200, 405])
  for (const { headers } of answers) expect(headers.get('access-control-allow-origin')).toBeNull()
})
