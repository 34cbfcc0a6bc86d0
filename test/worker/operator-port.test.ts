import { afterAll, beforeAll, expect, test } from 'vitest'
import { readinessDetailsSchema } from '../../services/readiness-details.ts'
import { listenForOperators, type OperatorPort } from '../../services/worker/operator-port.ts'
import { sqlite, startService, type Service } from '../support/service.ts'

let service: Service
let port: OperatorPort
let isAway = false
beforeAll(async () => {
  service = await startService(sqlite(), {
    interpose: (store) => ({
      checkReady: () => (isAway ? Promise.reject(new Error('away')) : store.checkReady()),
    }),
  })
  port = await listenForOperators(service, '127.0.0.1', 0)
})
afterAll(async () => {
  await port.close()
  await service.close()
})

const ask = async (path: string, method = 'GET') => {
  const answer = await fetch(`${port.address}${path}`, { method })
  return { answer, text: await answer.text() }
}

test.each(['/health', '/health?probe=1', '/health/ready', '/health/ready?probe=1'])(
  '%s of a worker is answered as the API answers it',
  async (path) => {
    const ours = await ask(path)
    const theirs = await fetch(`${service.url}${path}`)

    expect(ours.answer.status).toBe(200)
    for (const name of ['content-type', 'cache-control']) {
      expect(ours.answer.headers.get(name)).toBe(theirs.headers.get(name))
    }
    expect(JSON.parse(ours.text)).toEqual(await theirs.json())
  },
)

test('/health/ready/details of a worker tell how it does, also when it is not ready', async () => {
  const well = readinessDetailsSchema.parse(JSON.parse((await ask('/health/ready/details')).text))
  isAway = true
  const { answer, text } = await ask('/health/ready/details')
  isAway = false

  expect(well).toMatchObject({ ready: true, stopping: false, store: { fault: null } })
  expect(answer.status).toBe(200)
  expect(readinessDetailsSchema.parse(JSON.parse(text))).toMatchObject({
    ready: false,
    store: { fault: 'away' },
  })
})

test('/metrics of a worker counts what it drains', async () => {
  const { answer, text } = await ask('/metrics')

  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(text).toContain('# TYPE ledgerflow_drained_total counter')
})

test('a database that is away is 503 with Retry-After, and the process is alive all the same', async () => {
  isAway = true
  const { answer, text } = await ask('/health/ready')
  const health = await ask('/health')
  isAway = false

  expect([answer.status, health.answer.status]).toEqual([503, 200])
  expect(answer.headers.get('retry-after')).toBe('1')
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(JSON.parse(text)).toMatchObject({
    code: 'store_unavailable',
    status: 503,
    instance: '/health/ready',
    retryable: true,
  })
})

test.each([
  ['/', 'GET', 404, 'route_not_found', null],
  ['/health/other', 'GET', 404, 'route_not_found', null],
  ['/health', 'POST', 405, 'method_not_allowed', 'GET, HEAD'],
])('%s by %s is %d %s', async (path, method, status, code, allow) => {
  const { answer, text } = await ask(path, method)

  expect(answer.status).toBe(status)
  expect(answer.headers.get('allow')).toBe(allow)
  expect(JSON.parse(text)).toMatchObject({ code, status })
})

test('a worker that is stopping is not ready', async () => {
  port.stopping()

  const { answer, text } = await ask('/health/ready')

  expect(answer.status).toBe(503)
  expect(JSON.parse(text)).toMatchObject({ code: 'overloaded' })
})
