import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { slotOf } from '../../shared/engine/slot.ts'
import type { NewTransactionJson, TransactionJson } from '../support/api-client.ts'
import { DrainGate } from '../support/drain-gate.ts'
import { fund, openPeople, payment, type People } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

describe.each(shapes)('queued holds, captures and reversals on $name', (shape) => {
  const gate = new DrainGate()
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start({ interpose: gate.interpose })
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '100.00')
  })
  afterEach(() => gate.open())
  afterAll(() => ledger.close())

  const pay = (amount: string, rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.alice, credit: people.bob, amount, ...rest })
  const queueHold = async (amount: string, rest: Partial<NewTransactionJson> = {}) =>
    (await ledger.api.queueTransaction(pay(amount, { hold: { expires_in: 3600 }, ...rest }))).body
  /** Queues something about a transaction, without waiting for it. */
  const queueAbout = (id: string, what: 'capture' | 'reversals', body: object = {}) =>
    ledger.api.post<TransactionJson>(`/api/v1/transactions/${id}/${what}?mode=async`, body)
  const ended = async (id: string) => (await ledger.api.transaction(id, { wait: 30 })).body

  it('wait behind what they are about and are decided in its order, in one drain', async () => {
    await gate.shut()
    const hold = await queueHold('30.00')
    expect(hold).toMatchObject({
      status: 'queued',
      hold: { expires_at: null, amount: '30.00', remaining_amount: '30.00' },
    })
    const asked = await queueAbout(hold.id, 'capture', { amount: '10.00', final: false })
    expect(asked.status).toBe(202)
    expect(asked.body).toMatchObject({
      status: 'queued',
      hold_id: hold.id,
      ordering_key: people.alice,
      queue: { slot: slotOf(people.alice) },
      entries: [{ amount: '10.00' }, { amount: '10.00' }],
    })
    const rest = (await queueAbout(hold.id, 'capture')).body
    const tooLate = (await queueAbout(hold.id, 'capture')).body
    const back = (await queueAbout(rest.id, 'reversals', { reason: 'Mistake.' })).body
    gate.open()

    expect(await ended(back.id)).toMatchObject({
      status: 'posted',
      reversal_of: rest.id,
      entries: [{ amount: '20.00' }, { amount: '20.00' }],
    })
    expect(await ended(hold.id)).toMatchObject({
      status: 'captured',
      hold: { captured_amount: '30.00' },
    })
    expect((await ended(hold.id)).status_history.map(({ status }) => status)).toEqual([
      'queued',
      'held',
      'captured',
    ])
    expect(await ended(asked.body.id)).toMatchObject({ status: 'posted', hold_id: hold.id })
    expect(await ended(rest.id)).toMatchObject({ status: 'posted', reversed_amount: '20.00' })
    expect(await ended(tooLate.id)).toMatchObject({
      status: 'failed',
      failure: { code: 'hold_already_captured' },
    })
    expect((await ledger.api.balance(people.alice)).body).toMatchObject({
      balance: '90.00',
      available: '90.00',
      held_debits: '0.00',
    })
  })

  it('are about what is posted by then: asked at once, it is not there yet', async () => {
    await gate.shut()
    const hold = await queueHold('30.00')
    const payment_ = (await ledger.api.queueTransaction(pay('1.00'))).body
    const api = ledger.api.inMode('sync')
    expect((await api.capture(hold.id)).problem).toMatchObject({
      code: 'not_a_hold',
      target_status: 'queued',
    })
    expect((await api.void(hold.id)).code).toBe('not_a_hold')
    expect((await api.reverse(payment_.id)).problem).toMatchObject({
      code: 'not_reversible',
      target_status: 'queued',
    })
    gate.open()
    await ended(payment_.id)
    expect((await api.reverse(payment_.id)).code).toBe('ok')
  })

  it('end as failed where a rule refuses them, and say why to whoever repeats them', async () => {
    await gate.shut()
    const request = pay('100.01', { hold: { expires_in: 3600 }, idempotency_key: randomUUID() })
    const { id } = (await ledger.api.queueTransaction(request)).body
    const capture = (await queueAbout(id, 'capture')).body
    gate.open()
    expect(await ended(id)).toMatchObject({
      status: 'failed',
      failure: { code: 'insufficient_funds', shortfall: '0.01' },
      hold: { amount: null },
    })
    expect(await ended(capture.id)).toMatchObject({
      status: 'failed',
      failure: { code: 'not_a_hold', target_status: 'failed' },
    })
    const again = await ledger.api.queueTransaction(request)
    expect([again.status, again.replayed, again.code]).toEqual([422, true, 'insufficient_funds'])
  })

  it('last from when they are placed, and not at all when their end has come by then', async () => {
    await gate.shut()
    const past = new Date(Date.now() + 50).toISOString()
    const { id } = await queueHold('1.00', { hold: { expires_at: past } })
    const lasting = await queueHold('1.00')
    while (Date.now() <= Date.parse(past)) await ledger.api.transaction(id)
    gate.open()
    expect(await ended(id)).toMatchObject({ failure: { code: 'expiry_out_of_range' } })
    const placed = await ended(lasting.id)
    const [, placedAt] = placed.status_history
    expect(placedAt?.status).toBe('held')
    const lasts = Date.parse(placed.hold?.expires_at ?? '') - Date.parse(placedAt?.at ?? '')
    expect(lasts).toBe(3_600_000)
  })

  it('are canceled while they wait, and then hold nothing', async () => {
    await gate.shut()
    const hold = await queueHold('30.00')
    expect((await ledger.api.cancel(hold.id)).body.status).toBe('canceled')
    const capture = (await queueAbout(hold.id, 'capture')).body
    gate.open()
    expect(await ended(capture.id)).toMatchObject({
      failure: { code: 'not_a_hold', target_status: 'canceled' },
    })
    expect((await ledger.api.balance(people.alice)).body.held_debits).toBe('0.00')
  })

  it('keep the accounts open that they name', async () => {
    await gate.shut()
    const { alice, bob } = await openPeople(ledger.api)
    const queued = (
      await ledger.api.queueTransaction(
        payment({ debit: alice, credit: bob, amount: '1.00', hold: { expires_in: 60 } }),
      )
    ).body
    for (const id of [alice, bob]) {
      expect((await ledger.api.changeAccount(id, { status: 'closed' })).problem).toMatchObject({
        code: 'account_not_empty',
        blockers: ['queued'],
      })
    }
    expect((await ledger.api.cancel(queued.id)).code).toBe('ok')
    expect((await ledger.api.changeAccount(alice, { status: 'closed' })).code).toBe('ok')
  })

  it('over several currencies keep each in its scale', async () => {
    await gate.shut()
    const yen = await openPeople(ledger.api, 'JPY')
    const both = await queueHold('1.50', {
      entries: [
        ...pay('1.50').entries,
        { account_id: yen.cash, direction: 'debit', amount: '400', currency: 'JPY' },
        { account_id: yen.alice, direction: 'credit', amount: '400', currency: 'JPY' },
      ],
    })
    const capture = (await queueAbout(both.id, 'capture')).body
    const back = (await queueAbout(capture.id, 'reversals', { reason: 'Mistake.' })).body
    const again = (await queueAbout(back.id, 'reversals', { reason: 'Mistake.' })).body
    expect(back.entries.map(({ amount, currency }) => [amount, currency])).toEqual([
      ['1.50', 'USD'],
      ['1.50', 'USD'],
      ['400', 'JPY'],
      ['400', 'JPY'],
    ])
    gate.open()
    expect(
      (await ended(back.id)).entries.map(({ amount, direction }) => [amount, direction]),
    ).toEqual([
      ['1.50', 'credit'],
      ['1.50', 'debit'],
      ['400', 'credit'],
      ['400', 'debit'],
    ])
    expect(await ended(again.id)).toMatchObject({ failure: { code: 'not_reversible' } })
  })
})
