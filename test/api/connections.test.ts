import { once } from 'node:events'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { exchange, requestBytes } from './raw-http.ts'
import { createStore, startService, type ListeningService, type Witness } from './service.ts'

const accountsPath = '/api/v1/accounts'
const body = { name: 'Alice', account_type: 'liability', currency: 'USD' }
const opening = requestBytes('POST', accountsPath, { body, headers: { connection: null } })

let service: ListeningService
let witness: Witness

beforeAll(async () => {
  const store = await createStore('sqlite')
  const timeouts = { requestMs: 400, headersMs: 200, keepAliveMs: 75_000, checkMs: 20 }
  service = await startService(store.location, timeouts)
  witness = await store.witness()
})
afterAll(async () => {
  await witness.close()
  await service.close()
})

test.each([
  ['a body that does not come', opening.subarray(0, opening.length - 5)],
  ['headers that do not end', Buffer.from('GET /health HTTP/1.1\r\nhost: ledger.test\r\n')],
  ['nothing at all', Buffer.alloc(0)],
  [
    'a chunked body that does not end',
    requestBytes('POST', accountsPath, {
      body: '5\r\n{"nam\r\n',
      headers: { 'content-length': null, 'transfer-encoding': 'chunked' },
    }),
  ],
])('%s is waited for only so long: 408', async (_, bytes) => {
  const before = await witness.rows()

  const answers = await exchange(service.port, bytes)

  expect(answers.map(({ status }) => status)).toEqual([408])
  expect(answers[0]?.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(JSON.parse(answers[0]?.body ?? '')).toMatchObject({
    code: 'request_timeout',
    retryable: true,
  })
  expect(await witness.rows()).toBe(before)
})

test('a body of a wrong type is refused soon, although the client never finishes it', async () => {
  const { location } = await createStore('sqlite')
  const patient = await startService(location)
  try {
    const bytes = requestBytes('POST', accountsPath, {
      body: 'name=',
      headers: { 'content-type': 'text/plain', 'content-length': '5000' },
    })

    const answers = await exchange(patient.port, bytes)

    expect(answers.map(({ status }) => status)).toEqual([415])
  } finally {
    await patient.close()
  }
})

test('what was sent before garbage is answered before it, so that no answer is taken for another', async () => {
  const answers = await exchange(
    service.port,
    Buffer.concat([opening, opening, Buffer.from('garbage\r\n\r\n')]),
  )

  expect(answers.map(({ status }) => status)).toEqual([201, 201, 400])
})

test('headers of a megabyte are refused with an answer, and not with a reset', async () => {
  const headers = { 'x-long': 'x'.repeat(1024 * 1024) }

  const answers = await exchange(service.port, requestBytes('GET', '/health', { headers }))

  expect(answers.map(({ status }) => status)).toEqual([431])
})

test('a client that never closes its side does not keep the service from stopping', async () => {
  const { location } = await createStore('sqlite')
  const stopped = await startService(location)
  const socket = connect({ port: stopped.port, host: '127.0.0.1', allowHalfOpen: true })
  socket.on('error', () => {})
  socket.write('garbage\r\n\r\n')
  socket.resume()
  await once(socket, 'end')

  await expect(stopped.close()).resolves.toBeUndefined()

  socket.destroy()
}, 10_000)
