import { afterAll, beforeAll, expect, test } from 'vitest'
import { exchange, requestBytes } from './raw-http.ts'
import { createStore, startService, type ListeningService } from './service.ts'

let service: ListeningService
beforeAll(async () => {
  service = await startService((await createStore('sqlite')).location)
})
afterAll(() => service.close())

const id = '0198c0de-7a11-7000-8000-00000000a11c'

test.each([
  ['GET', `/api/v1/accounts/${id}`, `/api/v1/accounts/${id}`],
  ['GET', `/api/v1/accounts/${id}/balance?at=x`, `/api/v1/accounts/${id}/balance`],
  ['GET', '/api/v1/accounts/alice', '/api/v1/accounts/{id}'],
  ['GET', '/api/v1/transactions?limit=0', '/api/v1/transactions'],
  ['DELETE', '/api/v1/accounts', '/api/v1/accounts'],
  ['DELETE', `/api/v1/transactions/${id}/cancel`, `/api/v1/transactions/${id}/cancel`],
  ['PUT', '/api/v1/accounts/alice?name=alice', '/api/v1/accounts/{id}'],
  ['TRACE', `http://ledger.test/api/v1/accounts/${id}`, `/api/v1/accounts/${id}`],
  ['GET', '/api/v1/alice', '/'],
])('the error of %s %s names its address: %s', async (method, path, instance) => {
  const [answer] = await exchange(service.port, requestBytes(method, path))

  expect(JSON.parse(answer?.body ?? '')).toMatchObject({ instance })
})
