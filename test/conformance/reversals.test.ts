import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NewTransactionJson } from '../support/api-client.ts'
import { balanceOf, fund, open, openPeople, payment, type People } from '../support/people.ts'
import { shapesInBothModes, type Service } from '../support/service.ts'

describe.each(shapesInBothModes)('reversals on $name', (shape) => {
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start()
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '100.00')
  })
  afterAll(() => ledger.close())

  const pay = async (amount: string, rest: Partial<NewTransactionJson> = {}) =>
    (
      await ledger.api.postTransaction(
        payment({ debit: people.alice, credit: people.bob, amount, ...rest }),
      )
    ).body
  const read = async (id: string) => (await ledger.api.transaction(id)).body
  const balances = async () => [
    await balanceOf(ledger.api, people.alice),
    await balanceOf(ledger.api, people.bob),
  ]

  it('move back what was moved, by a transaction of their own', async () => {
    const paid = await pay('30.00', { reference: 'order-1' })
    expect(paid).not.toHaveProperty('reversed_amount')
    const back = await ledger.api.reverse(paid.id, {
      reason: 'Goods returned.',
      reference: 'return-1',
      description: 'One of three',
      metadata: { parcel: '7' },
    })
    expect(back.status).toBe(201)
    expect(back.headers.get('location')).toBe(`/api/v1/transactions/${back.body.id}`)
    expect(back.body).toMatchObject({
      status: 'posted',
      reversal_of: paid.id,
      reason: 'Goods returned.',
      reference: 'return-1',
      description: 'One of three',
      metadata: { parcel: '7' },
      currency: 'USD',
      entries: [
        { account_id: people.alice, direction: 'credit', amount: '30.00', balance_after: '100.00' },
        { account_id: people.bob, direction: 'debit', amount: '30.00', balance_after: '0.00' },
      ],
    })
    expect(await read(back.body.id)).toEqual(back.body)
    expect(await read(paid.id)).toMatchObject({
      status: 'posted',
      reference: 'order-1',
      reversed_amount: '30.00',
      entries: [{ reversed_amount: '30.00' }, { reversed_amount: '30.00' }],
      status_history: paid.status_history,
    })
    expect(await balances()).toEqual(['100.00', '0.00'])
  })

  it('may be repeated until nothing remains, and not one cent further', async () => {
    const { id } = await pay('30.00')
    expect((await ledger.api.reverse(id, { amount: '30.01' })).problem).toMatchObject({
      code: 'reversal_exceeds_remaining',
      status: 422,
      requested: '30.01',
      remaining: '30.00',
    })
    expect((await ledger.api.reverse(id, { amount: '10.00' })).code).toBe('ok')
    expect((await read(id)).reversed_amount).toBe('10.00')
    expect((await ledger.api.reverse(id, { amount: '20.01' })).problem).toMatchObject({
      code: 'reversal_exceeds_remaining',
      remaining: '20.00',
    })
    const rest = await ledger.api.reverse(id)
    expect(rest.body.entries[0]).toMatchObject({ amount: '20.00' })
    expect(await read(id)).toMatchObject({ status: 'posted', reversed_amount: '30.00' })
    for (const body of [{}, { amount: '0.01' }]) {
      expect((await ledger.api.reverse(id, body)).problem).toMatchObject({
        code: 'already_reversed',
        status: 409,
      })
    }
    expect(await balances()).toEqual(['100.00', '0.00'])
  })

  it('take their own entries, on the sides that undo those of the original', async () => {
    const fees = await open(ledger.api, { name: 'fees', account_type: 'revenue' })
    const { id } = await pay('30.00', {
      entries: [
        { account_id: people.alice, direction: 'debit', amount: '30.00' },
        { account_id: people.bob, direction: 'credit', amount: '27.00' },
        { account_id: fees.id, direction: 'credit', amount: '3.00' },
      ],
    })
    const back = (from: string, amount: string, to = people.alice) =>
      ledger.api.reverse(id, {
        entries: [
          { account_id: from, direction: 'debit', amount },
          { account_id: to, direction: 'credit', amount },
        ],
      })
    expect((await back(fees.id, '3.01')).problem).toMatchObject({
      code: 'reversal_exceeds_remaining',
      requested: '3.01',
      remaining: '3.00',
      errors: [{ pointer: 'entries/0/amount' }],
    })
    // Not the way back but the same way again.
    expect((await back(people.alice, '1.00', people.bob)).problem).toMatchObject({
      code: 'reversal_exceeds_remaining',
      remaining: '0.00',
    })
    expect((await back(people.cash, '1.00')).code).toBe('reversal_exceeds_remaining')
    expect((await back(fees.id, '3.00')).code).toBe('ok')
    expect((await read(id)).entries.map((entry) => entry.reversed_amount)).toEqual([
      '3.00',
      '0.00',
      '3.00',
    ])
    const rest = await ledger.api.reverse(id)
    expect(rest.body.entries.map(({ account_id, amount }) => [account_id, amount])).toEqual([
      [people.alice, '27.00'],
      [people.bob, '27.00'],
    ])
  })

  it('share an amount over the entries in proportion, and lose nothing', async () => {
    const fees = await open(ledger.api, { name: 'fees', account_type: 'revenue' })
    const { id } = await pay('10.00', {
      entries: [
        { account_id: people.alice, direction: 'debit', amount: '10.00' },
        { account_id: people.bob, direction: 'credit', amount: '6.67' },
        { account_id: fees.id, direction: 'credit', amount: '3.33' },
      ],
    })
    const amounts = async (amount: string) =>
      (await ledger.api.reverse(id, { amount })).body.entries.map((entry) => entry.amount)
    expect(await amounts('5.00')).toEqual(['5.00', '3.34', '1.66'])
    expect(await amounts('0.01')).toEqual(['0.01', '0.01'])
    expect(await amounts('4.99')).toEqual(['4.99', '3.32', '1.67'])
    expect(await read(id)).toMatchObject({ reversed_amount: '10.00' })
  })

  it('are for what is posted and reverses nothing itself', async () => {
    const paid = await pay('30.00')
    const back = await ledger.api.reverse(paid.id)
    expect((await ledger.api.reverse(back.body.id)).problem).toMatchObject({
      code: 'not_reversible',
      status: 409,
      target_status: 'posted',
    })
    const request = payment({
      debit: people.alice,
      credit: people.bob,
      amount: '100.01',
      idempotency_key: randomUUID(),
    })
    const failed = await ledger.api.postTransaction(request)
    const { transaction_id: id } = failed.problem as unknown as { transaction_id: string }
    expect((await ledger.api.reverse(id)).problem).toMatchObject({
      code: 'not_reversible',
      target_status: 'failed',
    })
    expect((await ledger.api.reverse(randomUUID())).code).toBe('not_found')
  })

  it('undo captures too, and the hold stays as it ended', async () => {
    const hold = await pay('30.00', { hold: { expires_in: 3600 } })
    const captured = await ledger.api.capture(hold.id, { amount: '20.00' })
    expect((await ledger.api.reverse(captured.body.id, { amount: '5.00' })).code).toBe('ok')
    expect(await read(hold.id)).toMatchObject({
      status: 'captured',
      hold: { captured_amount: '20.00', remaining_amount: '0.00' },
    })
    expect(await read(captured.body.id)).toMatchObject({
      hold_id: hold.id,
      reversed_amount: '5.00',
    })
    expect(await balances()).toEqual(['85.00', '15.00'])
  })

  it('respect limits: what was spent meanwhile cannot be taken back, to the last cent', async () => {
    const { id } = await pay('30.00')
    await ledger.api.postTransaction(
      payment({ debit: people.bob, credit: people.cash, amount: '20.00' }),
    )
    expect((await ledger.api.reverse(id)).problem).toMatchObject({
      code: 'insufficient_funds',
      account_id: people.bob,
      available: '10.00',
      required: '30.00',
      shortfall: '20.00',
    })
    expect((await ledger.api.reverse(id, { amount: '10.01' })).problem).toMatchObject({
      shortfall: '0.01',
    })
    expect((await ledger.api.reverse(id, { amount: '10.00' })).code).toBe('ok')
    expect((await read(id)).reversed_amount).toBe('10.00')
  })

  it('respect the states of accounts', async () => {
    const { id } = await pay('30.00')
    await ledger.api.changeAccount(people.bob, { status: 'frozen' })
    expect((await ledger.api.reverse(id)).problem).toMatchObject({
      code: 'account_not_active',
      account_id: people.bob,
    })
    expect(await read(id)).not.toHaveProperty('reversed_amount')
  })

  it.each([
    ['0.00', 'amount_not_positive'],
    ['1.001', 'amount_scale'],
    ['9'.repeat(37), 'amount_too_large'],
  ])('are refused for an amount of %s: %s', async (amount, code) => {
    const { id } = await pay('30.00')
    expect((await ledger.api.reverse(id, { amount })).code).toBe(code)
  })

  it('happen once under a key, and are refused once', async () => {
    const paid = await pay('30.00')
    const asked = { amount: '10', reason: 'Returned.', idempotency_key: randomUUID() }
    const first = await ledger.api.reverse(paid.id, asked)
    const again = await ledger.api.reverse(paid.id, { ...asked, amount: '10.00' })
    expect([again.status, again.replayed, again.body]).toEqual([201, true, first.body])
    expect(
      (await ledger.api.reverse(paid.id, { ...asked, reason: 'Lost.', amount: '9.00' })).problem,
    ).toMatchObject({
      code: 'idempotency_key_reused',
      transaction_id: first.body.id,
      differing_fields: ['amount', 'reason'],
    })
    const other = await pay('10.00')
    expect((await ledger.api.reverse(other.id, asked)).problem).toMatchObject({
      differing_fields: ['reversal_of'],
    })

    const tooMuch = { amount: '20.01', idempotency_key: randomUUID() }
    const refused = await ledger.api.reverse(paid.id, tooMuch)
    const { transaction_id: failed } = refused.problem as unknown as { transaction_id: string }
    expect(await read(failed)).toMatchObject({
      status: 'failed',
      reversal_of: paid.id,
      failure: { code: 'reversal_exceeds_remaining', remaining: '20.00' },
    })
    await ledger.api.reverse(paid.id)
    const replay = await ledger.api.reverse(paid.id, tooMuch)
    expect([replay.replayed, replay.problem]).toEqual([true, refused.problem])
    const late = { idempotency_key: randomUUID() }
    const ended = await ledger.api.reverse(paid.id, late)
    expect([ended.status, ended.code]).toEqual([409, 'already_reversed'])
    const lateAgain = await ledger.api.reverse(paid.id, late)
    expect([lateAgain.replayed, lateAgain.problem]).toEqual([true, ended.problem])
  })

  it('of all of it, fifty at once: exactly one wins', async () => {
    const { id } = await pay('30.00')
    const answers = await Promise.all(Array.from({ length: 50 }, () => ledger.api.reverse(id)))
    const count = (code: string) => answers.filter((answer) => answer.code === code).length
    expect([count('ok'), count('already_reversed')]).toEqual([1, 49])
    expect(await balances()).toEqual(['100.00', '0.00'])
  })

  it('of a part of it, fifty at once: as many win as there is room for', async () => {
    const { id } = await pay('30.00')
    const answers = await Promise.all(
      Array.from({ length: 50 }, () => ledger.api.reverse(id, { amount: '7.00' })),
    )
    const count = (code: string) => answers.filter((answer) => answer.code === code).length
    expect([count('ok'), count('reversal_exceeds_remaining')]).toEqual([4, 46])
    expect(await read(id)).toMatchObject({ reversed_amount: '28.00' })
  })

  it('and payments over the same accounts, all at once, never deadlock', async () => {
    const paid = await Promise.all(Array.from({ length: 10 }, () => pay('2.00')))
    const holds = await Promise.all(
      Array.from({ length: 10 }, () => pay('2.00', { hold: { expires_in: 60 } })),
    )
    const answers = await Promise.all([
      ...paid.flatMap(({ id }) => [ledger.api.reverse(id), ledger.api.reverse(id)]),
      ...holds.map(({ id }) => ledger.api.capture(id)),
      ...holds.toReversed().map(({ id }) => ledger.api.void(id)),
      ...Array.from({ length: 10 }, () => pay('1.00').then(() => ({ code: 'ok' }))),
    ])
    const codes = new Set(answers.map(({ code }) => code))
    for (const code of codes) {
      expect(['ok', 'already_reversed', 'hold_already_captured', 'hold_already_voided']).toContain(
        code,
      )
    }
  })
})
