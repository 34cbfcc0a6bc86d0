import { afterAll, beforeAll, expect, test } from 'vitest'
import { createStore, startService, type ListeningService } from './service.ts'

let service: ListeningService
let url: string
beforeAll(async () => {
  service = await startService((await createStore('sqlite')).location)
  url = `http://127.0.0.1:${service.port}`
})
afterAll(() => service.close())

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The lines that the log has since some time. */
function linesSince(length: number): Record<string, unknown>[] {
  const lines = service.logged().slice(length).trim().split('\n')
  return lines.map((line) => JSON.parse(line) as Record<string, unknown>)
}

test.each([
  ['a word', 'order-4711'],
  ['one character', 'a'],
  ['128 characters', `A1_.:-${'x'.repeat(122)}`],
])('a request’s own id comes back: %s', async (_, given) => {
  const answer = await fetch(`${url}/api/v1/accounts`, { headers: { 'x-request-id': given } })

  expect(answer.headers.get('x-request-id')).toBe(given)
})

test.each([
  ['none', undefined],
  ['an empty one', ''],
  ['129 characters', 'x'.repeat(129)],
  ['a blank within', 'order 4711'],
  ['a quote', 'order"4711'],
  ['two', 'order-1, order-2'],
])('with %s a request gets an id of ours', async (_, given) => {
  const headers = given === undefined ? {} : { 'x-request-id': given }
  const answer = await fetch(`${url}/api/v1/accounts`, { headers })

  expect(answer.headers.get('x-request-id')).toMatch(uuid)
})

test.each([
  ['an answer', 'GET', '/api/v1/accounts', undefined, 200],
  ['what is not there', 'GET', '/api/v1/nothing', undefined, 404],
  ['a body that is none', 'POST', '/api/v1/accounts', '{', 400],
])('every line about a request has its id: %s', async (_, method, path, body, status) => {
  const before = service.logged().length
  const headers = { 'x-request-id': 'followed', 'content-type': 'application/json' }
  const answer = await fetch(`${url}${path}`, { method, headers, ...(body ? { body } : {}) })

  expect([answer.status, answer.headers.get('x-request-id')]).toEqual([status, 'followed'])
  await expect.poll(() => service.logged().length).toBeGreaterThan(before)
  expect(linesSince(before).map(({ request }) => request)).toEqual(
    linesSince(before).map(() => 'followed'),
  )
})
