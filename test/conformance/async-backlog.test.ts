import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewTransactionJson } from '../support/api-client.ts'
import { openPeople, payment, type People } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

const backlogMax = 10

describe.each(shapes)('a queue that is full on $name', (shape) => {
  let ledger: Service
  let people: People
  const keys = Array.from({ length: backlogMax }, () => randomUUID())
  beforeAll(async () => {
    ledger = await shape.start({ worker: false, backlogMax })
    people = await openPeople(ledger.api)
  })
  afterAll(() => ledger.close())

  const cashToAlice = (rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.cash, credit: people.alice, amount: '1.00', ...rest })
  const queue = (rest: Partial<NewTransactionJson> = {}) =>
    ledger.api.queueTransaction(cashToAlice(rest))

  it('takes the last one that it may have and not one more', async () => {
    for (const idempotency_key of keys) {
      expect((await queue({ idempotency_key })).status).toBe(202)
    }
    const full = await queue()
    expect(full.problem).toMatchObject({ status: 503, code: 'queue_full', retryable: true })
    const seconds = Number(full.headers.get('retry-after'))
    expect(seconds).toBeGreaterThanOrEqual(1)
    expect(seconds).toBeLessThanOrEqual(60)
  })

  it('is told so by the count as well', async () => {
    await until('all are counted', async () => {
      const { backlog, parked } = (await ledger.api.queue()).body
      return backlog === backlogMax && parked === 0
    })
    expect((await queue()).code).toBe('queue_full')
  })

  it('keeps nothing of what it does not take, so that the key is free', async () => {
    const [idempotency_key, reference] = [randomUUID(), randomUUID()]
    expect((await queue({ idempotency_key, reference })).code).toBe('queue_full')
    expect((await ledger.api.transactions({ reference })).body.items).toEqual([])
    const posted = await ledger.api.postTransaction(cashToAlice({ idempotency_key, reference }))
    expect([posted.status, posted.replayed]).toEqual([201, false])
  })

  it('answers replays all the same', async () => {
    const [idempotency_key = ''] = keys
    const again = await queue({ idempotency_key })
    expect([again.status, again.replayed]).toEqual([202, true])
    const other = await queue({ idempotency_key, reference: 'other' })
    expect(other.problem).toMatchObject({
      code: 'idempotency_key_reused',
      differing_fields: ['reference'],
    })
  })

  it('does not hinder what is posted at once, or refused by itself', async () => {
    expect((await ledger.api.postTransaction(cashToAlice())).status).toBe(201)
    expect((await queue({ currency: 'NOPE' })).code).toBe('currency_unknown')
  })

  it('stays full until it is a tenth below what it may have', async () => {
    const ids = (await ledger.api.transactions({ status: 'queued' })).body.items.map(({ id }) => id)
    const [newest = '', second = ''] = ids
    const counted = (backlog: number) =>
      until(
        `${backlog} are counted`,
        async () => (await ledger.api.queue()).body.backlog === backlog,
      )
    await ledger.api.cancel(newest)
    await counted(backlogMax - 1)
    expect((await queue()).code).toBe('queue_full')
    await ledger.api.cancel(second)
    await counted(backlogMax - 2)
    expect((await queue()).status).toBe(202)
  })

  it('is free again by itself when a worker has drained it', async () => {
    await until('it is full', async () => (await queue()).code === 'queue_full')
    await ledger.startWorker()
    expect(await until('it takes more', async () => (await queue()).status === 202)).toBe(true)
  })
})
