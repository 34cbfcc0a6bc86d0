import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NewTransactionJson } from '../support/api-client.ts'
import { DrainGate } from '../support/drain-gate.ts'
import { balanceOf, openPeople, payment, type People } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

describe.each(shapes)('canceling on $name', (shape) => {
  const gate = new DrainGate()
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start({ interpose: gate.interpose })
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
  })
  afterEach(() => gate.open())
  afterAll(() => ledger.close())

  const cashToAlice = (rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.cash, credit: people.alice, amount: '1.00', ...rest })
  const queue = async (transaction = cashToAlice()) =>
    (await ledger.api.queueTransaction(transaction)).body
  const ended = async (id: string) => (await ledger.api.transaction(id, { wait: 30 })).body

  it('ends what is queued, for good', async () => {
    await gate.shut()
    const queued = await queue()
    const answer = await ledger.api.cancel(queued.id)
    expect(answer.status).toBe(200)
    expect(answer.body).toMatchObject({ id: queued.id, status: 'canceled', posted_at: null })
    expect(answer.body).not.toHaveProperty('queue')
    expect(answer.body.entries).toEqual(queued.entries)
    expect(answer.body.status_history.map(({ status }) => status)).toEqual(['queued', 'canceled'])
    const behind = await queue()
    gate.open()
    await ended(behind.id)
    expect((await ledger.api.transaction(queued.id)).body).toEqual(answer.body)
    expect(await balanceOf(ledger.api, people.alice)).toBe('1.00')
  })

  it('is granted once', async () => {
    await gate.shut()
    const { id } = await queue()
    const answers = await Promise.all(Array.from({ length: 10 }, () => ledger.api.cancel(id)))
    expect(answers.map(({ code }) => code).toSorted()).toEqual([
      ...Array.from({ length: 9 }, () => 'already_canceled'),
      'ok',
    ])
  })

  it('is refused for what has ended, and the answer says how', async () => {
    const posted = await ended((await queue()).id)
    const out = payment({ debit: people.bob, credit: people.alice, amount: '1.00' })
    const failed = await ended((await queue(out)).id)
    const sync = (await ledger.api.postTransaction(cashToAlice())).body
    for (const [id, code] of [
      [posted.id, 'already_posted'],
      [sync.id, 'already_posted'],
      [failed.id, 'already_failed'],
    ] as const) {
      expect((await ledger.api.cancel(id)).problem).toMatchObject({
        status: 409,
        code,
        transaction_id: id,
      })
    }
  })

  it('is refused for what is not there', async () => {
    expect((await ledger.api.cancel(randomUUID())).code).toBe('not_found')
    expect((await ledger.api.cancel('order-4711')).code).toBe('not_found')
  })

  it('takes no body', async () => {
    await gate.shut()
    const { id } = await queue()
    const path = `/api/v1/transactions/${id}/cancel`
    expect((await ledger.api.post(path, { reason: 'x' })).code).toBe('invalid_request')
    expect((await ledger.api.post(path, {})).status).toBe(200)
  })

  it('and posting never both win, fifty times', async () => {
    await gate.shut()
    const queued: string[] = []
    for (let n = 0; n < 50; n += 1) {
      queued.push((await queue(cashToAlice({ ordering_key: `key ${n % 10}` }))).id)
    }
    const before = queued.slice(0, 25).map((id) => ledger.api.cancel(id))
    gate.open()
    const after = queued.slice(25).map((id) => ledger.api.cancel(id))
    const answers = await Promise.all([...before, ...after])
    const ends = await Promise.all(queued.map((id) => ended(id)))
    for (const [n, answer] of answers.entries()) {
      const pair = [answer.code, ends[n]?.status]
      expect([
        ['ok', 'canceled'],
        ['already_posted', 'posted'],
      ]).toContainEqual(pair)
    }
    const posted = ends.filter(({ status }) => status === 'posted').length
    expect(await balanceOf(ledger.api, people.alice)).toBe(`${posted}.00`)
    const { items } = (await ledger.api.entries(people.alice, { limit: 200 })).body
    expect(items).toHaveLength(posted)
  })
})
