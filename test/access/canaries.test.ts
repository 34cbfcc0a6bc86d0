import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { usualTimeouts } from '../../services/api/http-server.ts'
import { amounts } from '../api/bad-requests/amounts.ts'
import {
  accountBodies,
  canary,
  canaryDigits,
  payment,
  posting,
  type AccountName,
  type BadRequest,
  type World,
} from '../api/bad-requests/bad-request.ts'
import { batches } from '../api/bad-requests/batches.ts'
import { bodies } from '../api/bad-requests/bodies.ts'
import { entryLists } from '../api/bad-requests/entries.ts'
import { fields } from '../api/bad-requests/fields.ts'
import { holds } from '../api/bad-requests/holds.ts'
import { idempotencyKeys } from '../api/bad-requests/idempotency-keys.ts'
import { paths } from '../api/bad-requests/paths.ts'
import { queries } from '../api/bad-requests/queries.ts'
import { exchange, type RawAnswer } from '../api/raw-http.ts'
import { createStore, startService, type ListeningService } from '../api/service.ts'
import { makeKey } from '../support/keys.ts'

const requests = [
  amounts,
  entryLists,
  fields,
  paths,
  idempotencyKeys,
  bodies,
  queries,
  holds,
  batches,
].flat()
const requestsAtOnce = 25

const anyId = '0198c0de-7a11-7000-8000-00000000a11c'
const names = Object.keys(accountBodies) as AccountName[]
const world: World = {
  ids: Object.fromEntries(names.map((name) => [name, anyId])) as Record<AccountName, string>,
  transactions: { hold: anyId, paid: anyId },
  accountCursor: 'x',
  usdCursor: 'x',
  entryCursor: 'x',
  foreignCursor: 'x',
}

let service: ListeningService
let key: string

beforeAll(async () => {
  const { location } = await createStore('sqlite')
  service = await startService(location, usualTimeouts, { asking: 'always' })
  key = await makeKey(service.store, 'admin')
})
afterAll(() => service.close())

test('bad input with a good key leaves neither itself nor the key in the log', async () => {
  const statuses = await sendAll(requests, [`authorization: Bearer ${key}`])

  expect(statuses.filter((status) => status === 401 || status === 403)).toEqual([])
  expect(service.logged()).toContain(`"credential":"key:${key.slice(0, 15)}"`)
  expectNoCanary()
})

test.each([
  ['a wrong key', [`authorization: Bearer lf_0123456789ab_${canary.padEnd(43, 'x')}`]],
  ['a wrong token', [`authorization: Bearer ${canary}.${canary}.${canary}`]],
  ['a scheme that there is not', [`authorization: ${canary} ${canary}`]],
  ['no credential', []],
])('with %s everything is refused, and nothing of it is in the log', async (_, headers) => {
  const statuses = await sendAll(requests, headers)

  // What cannot be read at all, and addresses that are none, are answered before anybody is asked who they are.
  expect(statuses.filter((status) => ![400, 401, 404, 405, 414].includes(status))).toEqual([])
  expect(statuses.filter((status) => status === 401).length).toBeGreaterThan(200)
  expectNoCanary()
})

test('nor is it in the audit log', async () => {
  const { records } = await service.store.findRecords(null, {}, { size: 200 })
  const written = JSON.stringify(records)

  expect(records.length).toBeGreaterThan(5)
  for (const secret of [canary, canaryDigits, key.slice(16)]) expect(written).not.toContain(secret)
})

test('nor is the name of a ledger that there is not', async () => {
  const [answer] = await exchange(
    service.port,
    withHeaders(posting(payment(world)), [`authorization: Bearer ${key}`, `ledger: ${canary}`]),
  )

  expect(answer?.status).toBe(400)
  expect(answer?.text).not.toContain(canary)
  expectNoCanary()
})

test('who may not is answered before the body is there, and the body that comes later does nothing', async () => {
  const bytes = posting({ name: 'late', account_type: 'asset', currency: 'USD' }).toString()
  const [head = '', body = ''] = bytes.replace('/transactions', '/accounts').split('\r\n\r\n')
  const received = await new Promise<string>((resolve, reject) => {
    const socket = connect(service.port, '127.0.0.1')
    let text = ''
    socket.write(`${head}\r\n\r\n`)
    // The request is known by then, and its body is not.
    setTimeout(() => socket.write(body), 50)
    socket.on('data', (data) => (text += String(data)))
    socket.on('close', () => {
      resolve(text)
    })
    socket.on('error', reject)
  })
  const accounts = await service.store.listAccounts(1, {}, { before: undefined, size: 10 })

  expect(received).toMatch(/^HTTP\/1\.1 401 /)
  expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1)
  expect(accounts.filter(({ name }) => name === 'late')).toEqual([])
})

function expectNoCanary(): void {
  const log = service.logged()
  expect(log).not.toContain(canary)
  expect(log).not.toContain(canaryDigits)
  expect(log).not.toContain(key.slice(16))
}

async function sendAll(all: readonly BadRequest[], headers: readonly string[]): Promise<number[]> {
  const statuses: number[] = []
  for (let first = 0; first < all.length; first += requestsAtOnce) {
    const some = all.slice(first, first + requestsAtOnce)
    const answers = await Promise.all(
      some.map((request) =>
        exchange(service.port, withHeaders(request.bytes(world), headers), request),
      ),
    )
    statuses.push(...answers.flat().map(({ status }: RawAnswer) => status))
  }
  return statuses
}

/** The request with more headers. */
function withHeaders(bytes: Buffer, headers: readonly string[]): Buffer {
  const lineEnd = bytes.indexOf('\r\n') + 2
  const more = Buffer.from(headers.map((header) => `${header}\r\n`).join(''))
  return Buffer.concat([bytes.subarray(0, lineEnd), more, bytes.subarray(lineEnd)])
}
