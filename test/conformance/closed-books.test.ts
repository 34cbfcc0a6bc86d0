import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DrainGate } from '../support/drain-gate.ts'
import { openPeople, payment, type People } from '../support/people.ts'

import { shapesOfBothStores, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

const closedUntil = '2024-12-31T23:59:59.999Z'
const firstOpen = '2025-01-01T00:00:00.000Z'

describe.each(shapesOfBothStores)('closed books on $name', (shape) => {
  const gate = new DrainGate()
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start({ interpose: (store) => gate.interpose(store) })
    people = await openPeople(ledger.api)
  })
  afterAll(async () => {
    gate.open()
    await ledger.close()
  })

  const dated = (effective_at: string | null, rest = {}) =>
    payment({ debit: people.cash, credit: people.alice, amount: '1.00', effective_at, ...rest })
  const close = (books_closed_until: string | null) =>
    ledger.api.changeLedger({ books_closed_until })

  // In this order: the closing time only moves forward.
  it('are open at first, and any time is taken', async () => {
    expect((await ledger.api.ledger()).body).toMatchObject({
      name: 'default',
      books_closed_until: null,
    })
    expect((await ledger.api.postTransaction(dated('1999-12-31T00:00:00Z'))).status).toBe(201)
  })

  it('stay open when nothing is asked for', async () => {
    expect((await ledger.api.changeLedger({})).body.books_closed_until).toBeNull()
    expect((await close(null)).body.books_closed_until).toBeNull()
  })

  it('are closed until a time, which the ledger tells from then on', async () => {
    expect((await close(closedUntil)).body.books_closed_until).toBe(closedUntil)
    expect((await ledger.api.ledger()).body.books_closed_until).toBe(closedUntil)
  })

  it.each([
    ['the closing time itself is refused', closedUntil, 'books_closed'],
    ['a millisecond later is posted', firstOpen, 'ok'],
    ['the future is posted', '2099-01-01T00:00:00Z', 'ok'],
    ['no time at all is posted', null, 'ok'],
  ])('%s', async (_, effective_at, code) => {
    expect((await ledger.api.postTransaction(dated(effective_at))).code).toBe(code)
  })

  it('say of a refusal which times it is about', async () => {
    const { problem } = await ledger.api.postTransaction(dated('2024-06-30T12:00:00+02:00'))
    expect(problem).toMatchObject({
      status: 422,
      effective_at: '2024-06-30T10:00:00.000Z',
      books_closed_until: closedUntil,
    })
  })

  it('do not change the answer to a request that was posted before', async () => {
    const transaction = dated('2025-03-01T00:00:00Z', { idempotency_key: randomUUID() })
    const first = await ledger.api.postTransaction(transaction)
    await close('2025-03-31T23:59:59.999Z')
    const again = await ledger.api.postTransaction(transaction)
    expect([again.status, again.replayed, again.body.id]).toEqual([201, true, first.body.id])
    const queuedAgain = await ledger.api.queueTransaction(transaction)
    expect([queuedAgain.status, queuedAgain.body.id]).toEqual([201, first.body.id])
  })

  it('refuse what is to be queued at once, and keep the refusal under its key', async () => {
    const transaction = dated(closedUntil, { idempotency_key: randomUUID() })
    const { problem } = await ledger.api.queueTransaction(transaction)
    expect(problem.code).toBe('books_closed')
    const { transaction_id: id } = problem as unknown as { transaction_id: string }
    const { body } = await ledger.api.transaction(id)
    expect(body.status_history.map(({ status }) => status)).toEqual(['failed'])
    expect((await ledger.api.queueTransaction(dated(closedUntil))).code).toBe('books_closed')
  })

  it('refuse what was accepted before they were closed and is posted afterwards', async () => {
    await gate.shut()
    const queued = (await ledger.api.queueTransaction(dated('2025-06-15T00:00:00Z'))).body
    const later = (await ledger.api.queueTransaction(dated('2025-07-01T00:00:00Z'))).body
    expect((await close('2025-06-30T23:59:59.999Z')).status).toBe(200)
    gate.open()
    const ended = (await ledger.api.transaction(queued.id, { wait: 10 })).body
    expect(ended).toMatchObject({ status: 'failed', failure: { code: 'books_closed' } })
    expect((await ledger.api.transaction(later.id, { wait: 10 })).body.status).toBe('posted')
  })

  it.each([
    ['an earlier time', '2020-01-01T00:00:00Z'],
    ['no time', null],
  ])('are not opened again, by %s', async (_, time) => {
    const before = (await ledger.api.ledger()).body
    const { problem } = await close(time)
    expect(problem).toMatchObject({
      status: 409,
      code: 'books_stay_closed',
      books_closed_until: before.books_closed_until,
    })
    expect((await ledger.api.ledger()).body).toEqual(before)
  })

  it('are closed again until the same time without a complaint', async () => {
    const { books_closed_until: time } = (await ledger.api.ledger()).body
    expect((await close(time)).status).toBe(200)
  })

  it('are not closed for the future', async () => {
    const { problem } = await close('2099-12-31T00:00:00Z')
    expect(problem).toMatchObject({
      status: 400,
      code: 'invalid_request',
      errors: [{ pointer: 'books_closed_until' }],
    })
  })

  it('take nothing more once closing was answered, however many processes post meanwhile', async () => {
    const other = await ledger.another()
    try {
      for (const round of [1, 2, 3, 4]) {
        const { cash, bob } = await openPeople(ledger.api)
        const effective_at = `2025-08-0${round}T00:00:00.000Z`
        const posts = Array.from({ length: 150 }, (__, at) =>
          (at % 2 === 0 ? ledger : other).api[
            at % 3 === 0 ? 'queueTransaction' : 'postTransaction'
          ](payment({ debit: cash, credit: bob, amount: '1.00', effective_at })),
        )
        await Promise.race(posts)
        await close(effective_at)
        const atClose = (await ledger.api.balance(bob)).body.version
        const answers = await Promise.all(posts)
        for (const { status, body } of answers.filter((answer) => answer.status === 202)) {
          await ledger.api.transaction(body.id, { wait: 10 })
          expect(status).toBe(202)
        }
        expect((await other.api.balance(bob)).body.version).toBe(atClose)
      }
    } finally {
      await other.close()
    }
  })

  it('closed until now, take nothing more by the clock either', async () => {
    const { cash, bob } = await openPeople(ledger.api)
    let stopped = false
    const pay = async () => {
      while (!stopped) {
        await ledger.api.postTransaction(payment({ debit: cash, credit: bob, amount: '1.00' }))
      }
    }
    const payers = Array.from({ length: 8 }, pay)
    for (let round = 0; round < 10; round += 1) {
      const at = new Date(await ledger.store.now()).toISOString()
      expect((await close(at)).status).toBe(200)
      const { version } = (await ledger.api.balance(bob, { at })).body
      await until('more payments', async () => {
        const now = (await ledger.api.balance(bob)).body.version
        return now > version + 16
      })
      expect((await ledger.api.balance(bob, { at })).body.version).toBe(version)
    }
    stopped = true
    await Promise.all(payers)
  })
})
