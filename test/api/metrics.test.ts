import { afterAll, beforeAll, expect, test } from 'vitest'
import { openPeople, payment, type People } from '../support/people.ts'
import { sqlite, startService, type Service } from '../support/service.ts'

let service: Service
let people: People
beforeAll(async () => {
  service = await startService(sqlite())
  people = await openPeople(service.api)
})
afterAll(() => service.close())

/** A figure of `/metrics`, by its name and labels; 0 when it is not there yet. */
async function figure(name: string, ...labels: string[]): Promise<number> {
  const text = await (await fetch(`${service.url}/metrics`)).text()
  const lines = text.split('\n').filter((line) => new RegExp(`^${name}[ {]`).test(line))
  const found = lines.find((line) => labels.every((label) => line.includes(label)))
  return Number(found?.split(' ').at(-1) ?? 0)
}

test.each([
  ['with a key, and not its replays', { idempotency_key: 'refused' }, 'insufficient_funds', 3],
  ['without a key', {}, 'insufficient_funds', 1],
  ['in the currency of no account', { currency: 'EUR' }, 'currency_mismatch', 1],
])('a transaction that is refused is counted once: %s', async (_, rest, code, times) => {
  const request = payment({ debit: people.alice, credit: people.bob, amount: '1.00', ...rest })
  const before = await figure('ledgerflow_refusals_total', `code="${code}"`)

  for (let time = 0; time < times; time += 1) {
    expect((await service.api.postTransaction(request)).code).toBe(code)
  }

  expect(await figure('ledgerflow_refusals_total', `code="${code}"`)).toBe(before + 1)
})

test('one that is queued and refused when it is posted is counted once', async () => {
  const request = payment({ debit: people.alice, credit: people.bob, amount: '1.00' })
  const before = await figure('ledgerflow_refusals_total', 'code="insufficient_funds"')

  const answer = await service.api.inMode('async').postTransaction(request)

  expect(answer.code).toBe('insufficient_funds')
  expect(await figure('ledgerflow_refusals_total', 'code="insufficient_funds"')).toBe(before + 1)
  expect(await figure('ledgerflow_drained_total', 'status="failed"')).toBe(1)
})

test('requests are counted by route and never by address, batches by size, connections by state', async () => {
  const route = ['method="GET"', 'route="/api/v1/accounts/:id"', 'status="200"']
  await service.api.account(people.alice)

  const counted = () => figure('ledgerflow_http_request_duration_seconds_count', ...route)
  await expect.poll(counted).toBe(1)
  expect(await figure('ledgerflow_posting_batch_size_count')).toBeGreaterThan(0)
  expect(await figure('ledgerflow_posting_connections', 'state="idle"')).toBe(1)
})
