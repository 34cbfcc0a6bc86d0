import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NewTransactionJson, TransactionJson } from '../support/api-client.ts'
import { balanceOf, fund, open, openPeople, payment, type People } from '../support/people.ts'
import { shapesInBothModes, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

const day = 24 * 60 * 60

describe.each(shapesInBothModes)('holds on $name', (shape) => {
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

  /** Sets some of alice's money aside for bob. */
  const aside = (amount = '100.00', rest: Partial<NewTransactionJson> = {}): NewTransactionJson =>
    payment({
      debit: people.alice,
      credit: people.bob,
      amount,
      hold: { expires_in: 7 * day },
      ...rest,
    })
  const place = async (amount?: string, rest?: Partial<NewTransactionJson>) =>
    (await ledger.api.postTransaction(aside(amount, rest))).body
  const figures = async (account: string) => {
    const { balance, available, held_debits, held_credits } = (await ledger.api.balance(account))
      .body
    return { balance, available, held_debits, held_credits }
  }
  const held = async (id: string) => (await ledger.api.transaction(id)).body

  describe('when placed', () => {
    it('set money aside on both sides and move nothing', async () => {
      const answer = await ledger.api.postTransaction(aside('30.00', { reference: 'booking-1' }))
      expect(answer.status).toBe(201)
      const { id, created_at, hold } = answer.body
      expect(answer.headers.get('location')).toBe(`/api/v1/transactions/${id}`)
      expect(answer.body).toMatchObject({
        status: 'held',
        reference: 'booking-1',
        posted_at: null,
        hold: { amount: '30.00', captured_amount: '0.00', remaining_amount: '30.00' },
        entries: [
          { account_id: people.alice, direction: 'debit', amount: '30.00', currency: 'USD' },
          { account_id: people.bob, captured_amount: '0.00' },
        ],
      })
      const placedAt = answer.body.status_history.at(-1)
      expect(placedAt?.status).toBe('held')
      expect(Date.parse(hold?.expires_at ?? '') - Date.parse(placedAt?.at ?? '')).toBe(
        7 * day * 1000,
      )
      expect(answer.body.status_history.map(({ status }) => status)).toEqual(
        shape.mode === 'async' ? ['queued', 'held'] : ['held'],
      )
      if (shape.mode === 'sync') expect(placedAt?.at).toBe(created_at)
      expect(await held(id)).toEqual(answer.body)

      expect(await figures(people.alice)).toEqual({
        balance: '100.00',
        available: '70.00',
        held_debits: '30.00',
        held_credits: '0.00',
      })
      // What is to come in is not available yet.
      expect(await figures(people.bob)).toEqual({
        balance: '0.00',
        available: '0.00',
        held_debits: '0.00',
        held_credits: '30.00',
      })
      expect((await ledger.api.account(people.alice)).body.version).toBe(1)
      expect((await ledger.api.entries(people.alice)).body.items).toHaveLength(1)
    })

    it('count against the limit at once: to the last cent, and not one more', async () => {
      expect((await ledger.api.postTransaction(aside('100.01'))).problem).toMatchObject({
        code: 'insufficient_funds',
        available: '100.00',
        required: '100.01',
        shortfall: '0.01',
      })
      await place('60.00')
      expect((await ledger.api.postTransaction(aside('40.01'))).problem).toMatchObject({
        code: 'insufficient_funds',
        available: '40.00',
        shortfall: '0.01',
      })
      await place('40.00')
      const spend = payment({ debit: people.alice, credit: people.bob, amount: '0.01' })
      expect((await ledger.api.postTransaction(spend)).problem).toMatchObject({
        code: 'insufficient_funds',
        available: '0.00',
      })
    })

    it('let ten of twenty through that ask for all of a limit at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => ledger.api.postTransaction(aside('10.00'))),
      )
      expect(answers.filter(({ code }) => code === 'ok')).toHaveLength(10)
      expect(await figures(people.alice)).toMatchObject({ balance: '100.00', available: '0.00' })
    })

    it('are judged by the same rules as a payment', async () => {
      await ledger.api.changeAccount(people.bob, { status: 'frozen' })
      expect((await ledger.api.postTransaction(aside())).code).toBe('account_not_active')
      const euros = await openPeople(ledger.api, 'EUR')
      const toEuros = payment({ debit: people.alice, credit: euros.bob, amount: '1.00' })
      const crossed = { ...toEuros, hold: { expires_in: 60 } }
      expect((await ledger.api.postTransaction(crossed)).code).toBe('currency_mismatch')
      expect((await ledger.api.postTransaction(aside('1.001'))).code).toBe('amount_scale')
    })

    it('count with what was posted to what 38 digits can hold', async () => {
      const most = `${'9'.repeat(36)}.98`
      const [one, other] = [await open(ledger.api), await open(ledger.api)]
      const between = (amount: string, rest: Partial<NewTransactionJson> = {}) =>
        ledger.api.postTransaction(payment({ debit: one.id, credit: other.id, amount, ...rest }))
      const { body } = await between(most, { hold: { expires_in: 60 } })
      expect((await between('0.02')).code).toBe('amount_too_large')
      expect((await between('0.02', { hold: { expires_in: 60 } })).code).toBe('amount_too_large')
      expect((await between('0.01')).code).toBe('ok')
      expect((await ledger.api.capture(body.id)).code).toBe('ok')
      // Room for what the books cannot hold is not made by taking it back.
      expect((await ledger.api.reverse(body.id)).code).toBe('not_reversible')
    })

    it('end in the future, a second away at the earliest and 366 days at the latest', async () => {
      const until = (ms: number) => new Date(Date.now() + ms).toISOString()
      const ending = async (hold: NonNullable<NewTransactionJson['hold']>) =>
        (await ledger.api.postTransaction(aside('1.00', { hold }))).code
      expect(await ending({ expires_in: 1 })).toBe('ok')
      expect(await ending({ expires_in: 366 * day })).toBe('ok')
      expect(await ending({ expires_at: until(366 * day * 1000 - 60_000) })).toBe('ok')
      expect(await ending({ expires_at: until(366 * day * 1000 + 60_000) })).toBe(
        'expiry_out_of_range',
      )
      expect(await ending({ expires_at: until(-1) })).toBe('expiry_out_of_range')
    })

    it('over several currencies set each aside, and tell no one sum', async () => {
      const euros = await openPeople(ledger.api, 'EUR')
      const dollars = aside('10.00')
      const hold = await place('10.00', {
        entries: [
          ...dollars.entries,
          { account_id: euros.cash, direction: 'debit', amount: '9.00', currency: 'EUR' },
          { account_id: euros.alice, direction: 'credit', amount: '9.00', currency: 'EUR' },
        ],
      })
      expect(hold.hold).toMatchObject({ amount: null, remaining_amount: null })
      expect(await figures(euros.cash)).toMatchObject({ held_debits: '9.00' })
      expect((await ledger.api.capture(hold.id, { amount: '1.00' })).code).toBe('amount_ambiguous')
      const part = await ledger.api.capture(hold.id, {
        final: false,
        entries: [
          { account_id: euros.cash, direction: 'debit', amount: '4.00', currency: 'EUR' },
          { account_id: euros.alice, direction: 'credit', amount: '4.00', currency: 'EUR' },
        ],
      })
      expect(part.body.entries.map(({ currency }) => currency)).toEqual(['EUR', 'EUR'])
      const rest = await ledger.api.capture(hold.id)
      expect(rest.body.entries.map(({ amount, currency }) => [amount, currency])).toEqual([
        ['10.00', 'USD'],
        ['10.00', 'USD'],
        ['5.00', 'EUR'],
        ['5.00', 'EUR'],
      ])
      expect(await held(hold.id)).toMatchObject({
        status: 'captured',
        entries: [{ captured_amount: '10.00' }, {}, { captured_amount: '9.00' }, {}],
      })
      const back = await ledger.api.reverse(rest.body.id)
      expect(back.body.entries.map(({ currency }) => currency)).toEqual([
        'USD',
        'USD',
        'EUR',
        'EUR',
      ])
    })
  })

  describe('when captured', () => {
    it('move the money by a transaction of their own', async () => {
      const hold = await place('30.00')
      const captured = await ledger.api.capture(hold.id, {
        reference: 'stay-1',
        description: 'Two nights',
        metadata: { room: '7' },
      })
      expect(captured.status).toBe(201)
      expect(captured.headers.get('location')).toBe(`/api/v1/transactions/${captured.body.id}`)
      expect(captured.body).toMatchObject({
        status: 'posted',
        hold_id: hold.id,
        reference: 'stay-1',
        description: 'Two nights',
        metadata: { room: '7' },
        entries: [
          { account_id: people.alice, direction: 'debit', amount: '30.00', balance_after: '70.00' },
          { account_id: people.bob, direction: 'credit', amount: '30.00', balance_after: '30.00' },
        ],
      })
      expect(captured.body).not.toHaveProperty('hold')
      expect(await held(hold.id)).toMatchObject({
        status: 'captured',
        hold: { captured_amount: '30.00', remaining_amount: '0.00' },
      })
      const ended = (await held(hold.id)).status_history.at(-1)
      expect(ended).toEqual({ status: 'captured', at: captured.body.posted_at })
      expect(await figures(people.alice)).toEqual({
        balance: '70.00',
        available: '70.00',
        held_debits: '0.00',
        held_credits: '0.00',
      })
      expect(await figures(people.bob)).toMatchObject({ balance: '30.00', held_credits: '0.00' })
    })

    it('release what is left when it is final, and keep it when it is not', async () => {
      const hold = await place('30.00')
      const first = await ledger.api.capture(hold.id, { amount: '10.00', final: false })
      expect(first.code).toBe('ok')
      expect(await held(hold.id)).toMatchObject({
        status: 'held',
        hold: { captured_amount: '10.00', remaining_amount: '20.00' },
        entries: [{ captured_amount: '10.00' }, { captured_amount: '10.00' }],
      })
      expect(await figures(people.alice)).toMatchObject({ balance: '90.00', available: '70.00' })

      await ledger.api.capture(hold.id, { amount: '5.00' })
      expect(await held(hold.id)).toMatchObject({
        status: 'captured',
        hold: { amount: '30.00', captured_amount: '15.00', remaining_amount: '0.00' },
      })
      expect(await figures(people.alice)).toMatchObject({ balance: '85.00', available: '85.00' })
    })

    it('end by themselves when nothing is left', async () => {
      const hold = await place('30.00')
      await ledger.api.capture(hold.id, { amount: '29.99', final: false })
      expect((await held(hold.id)).status).toBe('held')
      await ledger.api.capture(hold.id, { amount: '0.01', final: false })
      expect((await held(hold.id)).status).toBe('captured')
    })

    it('give up to what remains and not one cent more', async () => {
      const hold = await place('30.00')
      expect((await ledger.api.capture(hold.id, { amount: '30.01' })).problem).toMatchObject({
        code: 'hold_exceeded',
        status: 422,
        requested: '30.01',
        remaining: '30.00',
      })
      await ledger.api.capture(hold.id, { amount: '10.00', final: false })
      expect((await ledger.api.capture(hold.id, { amount: '20.01' })).problem).toMatchObject({
        code: 'hold_exceeded',
        remaining: '20.00',
      })
      expect((await ledger.api.capture(hold.id, { amount: '20.00' })).code).toBe('ok')
    })

    it('take their entries as they are given, as far as these are of the hold', async () => {
      const fees = await open(ledger.api, { name: 'fees', account_type: 'revenue' })
      const hold = await place('30.00', {
        entries: [
          { account_id: people.alice, direction: 'debit', amount: '30.00' },
          { account_id: people.bob, direction: 'credit', amount: '27.00' },
          { account_id: fees.id, direction: 'credit', amount: '3.00' },
        ],
      })
      const debit = (amount: string) =>
        ({ account_id: people.alice, direction: 'debit', amount }) as const
      const credit = (account_id: string, amount: string) =>
        ({ account_id, direction: 'credit', amount }) as const
      const part = (...entries: NewTransactionJson['entries']) =>
        ledger.api.capture(hold.id, { entries, final: false })

      expect((await part(debit('3.01'), credit(fees.id, '3.01'))).problem).toMatchObject({
        code: 'hold_exceeded',
        requested: '3.01',
        remaining: '3.00',
        errors: [{ pointer: 'entries/1/amount' }],
      })
      expect((await part(debit('1.00'), credit(people.cash, '1.00'))).problem).toMatchObject({
        code: 'hold_exceeded',
        remaining: '0.00',
      })
      expect((await part(debit('1.00'), credit(fees.id, '2.00'))).code).toBe('unbalanced')
      expect((await part(debit('3.00'), credit(fees.id, '3.00'))).code).toBe('ok')
      expect((await held(hold.id)).entries.map((entry) => entry.captured_amount)).toEqual([
        '3.00',
        '0.00',
        '3.00',
      ])
      const rest = await ledger.api.capture(hold.id)
      expect(rest.body.entries.map(({ account_id, amount }) => [account_id, amount])).toEqual([
        [people.alice, '27.00'],
        [people.bob, '27.00'],
      ])
    })

    it('share an amount over their entries in proportion to what remains, and lose nothing', async () => {
      const fees = await open(ledger.api, { name: 'fees', account_type: 'revenue' })
      const hold = await place('10.00', {
        entries: [
          { account_id: people.alice, direction: 'debit', amount: '10.00' },
          { account_id: people.bob, direction: 'credit', amount: '6.67' },
          { account_id: fees.id, direction: 'credit', amount: '3.33' },
        ],
      })
      const amounts = async (amount?: string) => {
        const answer = await ledger.api.capture(hold.id, { amount: amount ?? null, final: false })
        return answer.body.entries.map((entry) => entry.amount)
      }
      expect(await amounts('5.00')).toEqual(['5.00', '3.34', '1.66'])
      // A cent goes to one of them; the other has no entry then.
      expect(await amounts('0.01')).toEqual(['0.01', '0.01'])
      expect(await amounts()).toEqual(['4.99', '3.32', '1.67'])
      expect(await figures(people.bob)).toMatchObject({ balance: '6.67', held_credits: '0.00' })
      expect(await figures(fees.id)).toMatchObject({ balance: '3.33', held_credits: '0.00' })
    })

    it('never fail for funds, also when the limit has been raised over them since', async () => {
      const hold = await place('80.00')
      await ledger.api.changeAccount(people.alice, { min_available: '90.00' })
      expect((await ledger.api.capture(hold.id)).code).toBe('ok')
      expect(await balanceOf(ledger.api, people.alice)).toBe('20.00')
    })

    it('are refused while an account is frozen, of which void and time take no notice', async () => {
      const hold = await place('30.00')
      const other = await place('20.00')
      await ledger.api.changeAccount(people.bob, { status: 'frozen' })
      expect((await ledger.api.capture(hold.id)).problem).toMatchObject({
        code: 'account_not_active',
        account_id: people.bob,
      })
      expect((await ledger.api.void(other.id)).body.status).toBe('voided')
      await ledger.api.changeAccount(people.bob, { status: 'active' })
      expect((await ledger.api.capture(hold.id)).code).toBe('ok')
    })
  })

  it('are captured whole, and voided, by a request without a body', async () => {
    const [first, second] = [await place('30.00'), await place('20.00')]
    const captured = await ledger.api.post<TransactionJson>(
      `/api/v1/transactions/${first.id}/capture`,
      undefined,
    )
    expect([captured.status, captured.body.entries[0]?.amount]).toEqual([201, '30.00'])
    const voided = await ledger.api.post<TransactionJson>(
      `/api/v1/transactions/${second.id}/void`,
      undefined,
    )
    expect([voided.status, voided.body.status]).toEqual([200, 'voided'])
  })

  describe('when voided', () => {
    it('free the money, once', async () => {
      const hold = await place('30.00')
      const answer = await ledger.api.void(hold.id)
      expect(answer.status).toBe(200)
      expect(answer.body).toMatchObject({
        id: hold.id,
        status: 'voided',
        hold: { amount: '30.00', captured_amount: '0.00', remaining_amount: '0.00' },
      })
      expect(answer.body.status_history.at(-1)?.status).toBe('voided')
      expect(await held(hold.id)).toEqual(answer.body)
      expect(await figures(people.alice)).toMatchObject({
        available: '100.00',
        held_debits: '0.00',
      })
      expect(await figures(people.bob)).toMatchObject({ held_credits: '0.00' })
    })

    it('keep what was captured before', async () => {
      const hold = await place('30.00')
      await ledger.api.capture(hold.id, { amount: '10.00', final: false })
      expect((await ledger.api.void(hold.id)).body).toMatchObject({
        status: 'voided',
        hold: { captured_amount: '10.00', remaining_amount: '0.00' },
      })
      expect(await figures(people.alice)).toMatchObject({ balance: '90.00', available: '90.00' })
    })
  })

  describe('when extended', () => {
    it('end later, or earlier, counted from now', async () => {
      const hold = await place('30.00')
      const { body } = await ledger.api.extend(hold.id, { expires_in: 30 * day })
      const ends = Date.parse(body.hold?.expires_at ?? '')
      expect(Math.abs(ends - Date.now() - 30 * day * 1000)).toBeLessThan(60_000)
      const sooner = new Date(Date.now() + 60_000).toISOString()
      expect((await ledger.api.extend(hold.id, { expires_at: sooner })).body.hold?.expires_at).toBe(
        sooner,
      )
      expect(await figures(people.alice)).toMatchObject({ available: '70.00' })
    })

    it('not into the past, nor farther than a hold may last', async () => {
      const hold = await place('30.00')
      const past = new Date(Date.now() - 1).toISOString()
      expect((await ledger.api.extend(hold.id, { expires_at: past })).code).toBe(
        'expiry_out_of_range',
      )
      const far = new Date(Date.now() + 366 * day * 1000 + 60_000).toISOString()
      expect((await ledger.api.extend(hold.id, { expires_at: far })).code).toBe(
        'expiry_out_of_range',
      )
      expect((await held(hold.id)).hold).toEqual(hold.hold)
    })
  })

  describe('whose time is over', () => {
    /** A hold that ends at once: extended to an instant that has passed by the time anybody asks. */
    const over = async (amount = '30.00') => {
      const hold = await place(amount)
      // A time that a slow machine has let pass is refused.
      await until('it ends soon', async () => {
        const soon = new Date(Date.now() + 250).toISOString()
        return (await ledger.api.extend(hold.id, { expires_at: soon })).status === 200
      })
      return hold
    }

    it('free the money by themselves', async () => {
      const hold = await over()
      await until('expiry', async () => (await held(hold.id)).status === 'expired')
      const ended = await held(hold.id)
      expect(ended).toMatchObject({ hold: { captured_amount: '0.00', remaining_amount: '0.00' } })
      expect(ended.status_history.at(-1)?.status).toBe('expired')
      expect(await figures(people.alice)).toMatchObject({
        available: '100.00',
        held_debits: '0.00',
      })
    })

    it('are over whether somebody has tidied or not', async () => {
      await ledger.stopWorker()
      try {
        const api = ledger.api.inMode('sync')
        const hold = (await api.postTransaction(aside('30.00'))).body
        const ends = Date.now() + 100
        await api.extend(hold.id, { expires_at: new Date(ends).toISOString() })
        await until('its time', () => Date.now() >= ends)
        for (const answer of [
          await api.capture(hold.id),
          await api.void(hold.id),
          await api.extend(hold.id, { expires_in: 60 }),
        ]) {
          expect(answer.problem).toMatchObject({ code: 'hold_expired', status: 409 })
        }
        expect((await held(hold.id)).status).toBe('held')
        await ledger.startWorker()
        await until('expiry', async () => (await held(hold.id)).status === 'expired')
      } finally {
        await ledger.startWorker()
      }
    })
  })

  describe('once ended', () => {
    const ends = {
      hold_already_captured: (id: string) => ledger.api.capture(id),
      hold_already_voided: (id: string) => ledger.api.void(id),
      hold_expired: async (id: string) => {
        await ledger.api.extend(id, { expires_at: new Date(Date.now() + 250).toISOString() })
        await until('expiry', async () => (await held(id)).status === 'expired')
      },
    } as const

    it.each(Object.entries(ends))('refuse everything: %s', async (code, end) => {
      const { id } = await place('30.00')
      await end(id)
      const before = await held(id)
      for (const answer of [
        await ledger.api.capture(id, { amount: '1.00' }),
        await ledger.api.void(id),
        await ledger.api.extend(id, { expires_in: 60 }),
      ]) {
        expect(answer.problem).toMatchObject({ code, status: 409 })
      }
      expect((await ledger.api.cancel(id)).code).toBe(code)
      expect((await ledger.api.reverse(id)).problem).toMatchObject({
        code: 'not_reversible',
        target_status: before.status,
      })
      expect(await held(id)).toEqual(before)
      expect(await figures(people.alice)).toMatchObject({ held_debits: '0.00' })
    })

    it('and before, are asked for nothing that only a payment has', async () => {
      const hold = await place('30.00')
      expect((await ledger.api.reverse(hold.id)).problem).toMatchObject({
        code: 'not_reversible',
        status: 409,
        target_status: 'held',
      })
      expect((await ledger.api.cancel(hold.id)).code).toBe('already_held')
    })
  })

  it('are what is captured, voided or extended, and nothing else is', async () => {
    const paid = await ledger.api.postTransaction(
      payment({ debit: people.alice, credit: people.bob, amount: '1.00' }),
    )
    const { id } = paid.body
    for (const answer of [
      await ledger.api.capture(id),
      await ledger.api.void(id),
      await ledger.api.extend(id, { expires_in: 60 }),
    ]) {
      expect(answer.problem).toMatchObject({
        code: 'not_a_hold',
        status: 409,
        target_status: 'posted',
      })
    }
    const ghost = randomUUID()
    expect((await ledger.api.capture(ghost)).code).toBe('not_found')
    expect((await ledger.api.void(ghost)).code).toBe('not_found')
    expect((await ledger.api.extend(ghost, { expires_in: 60 })).code).toBe('not_found')
  })

  describe('with an idempotency key', () => {
    it('are placed once and answered as they stand', async () => {
      const request = aside('30.00', { idempotency_key: randomUUID() })
      const first = await ledger.api.postTransaction(request)
      const again = await ledger.api.postTransaction(request)
      expect([again.status, again.replayed, again.body]).toEqual([201, true, first.body])
      await ledger.api.capture(first.body.id, { amount: '10.00' })
      const later = await ledger.api.postTransaction(request)
      expect([later.status, later.replayed, later.body.status]).toEqual([201, true, 'captured'])
      const longer = { ...request, hold: { expires_in: 8 * day } }
      expect((await ledger.api.postTransaction(longer)).problem).toMatchObject({
        code: 'idempotency_key_reused',
        differing_fields: ['hold'],
      })
      const { hold: _, ...moved } = request
      expect((await ledger.api.postTransaction(moved)).problem).toMatchObject({
        differing_fields: ['operation', 'hold'],
      })
    })

    it('are captured once, by body or by header', async () => {
      const hold = await place('30.00')
      const idempotency_key = randomUUID()
      const part = { amount: '10', final: false }
      const first = await ledger.api.capture(hold.id, { ...part, idempotency_key })
      const same = { ...part, amount: '10.00' }
      const again = await ledger.api.capture(hold.id, same, { 'idempotency-key': idempotency_key })
      expect([again.replayed, again.body]).toEqual([true, first.body])
      expect((await held(hold.id)).hold?.captured_amount).toBe('10.00')

      const other = await place('20.00')
      expect((await ledger.api.capture(other.id, { idempotency_key })).problem).toMatchObject({
        code: 'idempotency_key_reused',
        transaction_id: first.body.id,
        differing_fields: ['hold_id', 'amount', 'final'],
      })
    })

    it('keep a refusal of a capture for good', async () => {
      const hold = await place('30.00')
      const asked = { amount: '30.01', idempotency_key: randomUUID() }
      const first = await ledger.api.capture(hold.id, asked)
      expect(first.code).toBe('hold_exceeded')
      const failed = (first.problem as unknown as { transaction_id: string }).transaction_id
      expect(await held(failed)).toMatchObject({
        status: 'failed',
        hold_id: hold.id,
        failure: { code: 'hold_exceeded', remaining: '30.00' },
      })
      await ledger.api.void(hold.id)
      const again = await ledger.api.capture(hold.id, asked)
      expect([again.replayed, again.problem]).toEqual([true, first.problem])
      const late = { idempotency_key: randomUUID() }
      const ended = await ledger.api.capture(hold.id, late)
      expect([ended.status, ended.code]).toEqual([409, 'hold_already_voided'])
      const replay = await ledger.api.capture(hold.id, late)
      expect([replay.replayed, replay.problem]).toEqual([true, ended.problem])
    })

    it('are voided and extended once, and the answer is how they stand', async () => {
      const hold = await place('30.00')
      const extension = { expires_in: 30 * day, idempotency_key: randomUUID() }
      const extended = await ledger.api.extend(hold.id, extension)
      await ledger.api.extend(hold.id, { expires_in: 60 * day })
      const again = await ledger.api.extend(hold.id, extension)
      expect(again.replayed).toBe(true)
      expect(again.body.hold?.expires_at).not.toBe(extended.body.hold?.expires_at)

      const end = { idempotency_key: randomUUID() }
      const voided = await ledger.api.void(hold.id, end)
      const twice = await ledger.api.void(hold.id, end)
      expect([twice.status, twice.replayed, twice.body]).toEqual([200, true, voided.body])
      expect((await ledger.api.extend(hold.id, extension)).body.status).toBe('voided')
      expect((await ledger.api.void(hold.id)).code).toBe('hold_already_voided')
      const keyed = { idempotency_key: randomUUID() }
      const refused = await ledger.api.void(hold.id, keyed)
      const replay = await ledger.api.void(hold.id, keyed)
      expect([refused.replayed, replay.replayed]).toEqual([false, true])
      expect(replay.problem).toEqual(refused.problem)
    })

    it('share the keys with everything else', async () => {
      const hold = await place('30.00')
      const other = await place('20.00')
      const pay = payment({ debit: people.alice, credit: people.bob, amount: '1.00' })
      const [ofVoid, ofPost, ofExtend] = [randomUUID(), randomUUID(), randomUUID()]
      await ledger.api.void(hold.id, { idempotency_key: ofVoid })
      await ledger.api.extend(other.id, { expires_in: 60, idempotency_key: ofExtend })
      const paid = await ledger.api.postTransaction({ ...pay, idempotency_key: ofPost })

      const reused = await ledger.api.postTransaction({ ...pay, idempotency_key: ofVoid })
      expect(reused.problem).toMatchObject({
        code: 'idempotency_key_reused',
        transaction_id: hold.id,
        differing_fields: ['currency', 'entries', 'operation', 'hold_id'],
      })
      expect((await ledger.api.void(other.id, { idempotency_key: ofPost })).problem).toMatchObject({
        code: 'idempotency_key_reused',
        transaction_id: paid.body.id,
      })
      expect((await ledger.api.void(other.id, { idempotency_key: ofVoid })).problem).toMatchObject({
        code: 'idempotency_key_reused',
        differing_fields: ['hold_id'],
      })
      expect(
        (await ledger.api.void(other.id, { idempotency_key: ofExtend })).problem,
      ).toMatchObject({ differing_fields: ['operation', 'expires_in'] })
      expect(
        (await ledger.api.capture(other.id, { idempotency_key: ofExtend })).problem,
      ).toMatchObject({ code: 'idempotency_key_reused' })
      expect((await held(other.id)).status).toBe('held')
    })

    it('are voided once, however many ask at the same time', async () => {
      const hold = await place('30.00')
      const end = { idempotency_key: randomUUID() }
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => ledger.api.void(hold.id, end)),
      )
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
      expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
    })
  })

  describe('that many ask for at once', () => {
    it('give 14 of 200 captures of 7.00 on 100.00', async () => {
      const hold = await place('100.00')
      const answers = await Promise.all(
        Array.from({ length: 200 }, () =>
          ledger.api.capture(hold.id, { amount: '7.00', final: false }),
        ),
      )
      const count = (code: string) => answers.filter((answer) => answer.code === code).length
      expect([count('ok'), count('hold_exceeded')]).toEqual([14, 186])
      expect(await held(hold.id)).toMatchObject({
        status: 'held',
        hold: { captured_amount: '98.00', remaining_amount: '2.00' },
      })
      expect(await figures(people.alice)).toEqual({
        balance: '2.00',
        available: '0.00',
        held_debits: '2.00',
        held_credits: '0.00',
      })
    })

    it('have one end, of capture, void and time', async () => {
      const holds = await Promise.all(Array.from({ length: 12 }, () => place('5.00')))
      const ends = Date.now() + 150
      const won = await Promise.all(
        holds.map(async ({ id }) => {
          await ledger.api.extend(id, { expires_at: new Date(ends).toISOString() })
          await until('the last moment', () => Date.now() >= ends - 20)
          const [captured, voided] = await Promise.all([
            ledger.api.capture(id),
            ledger.api.void(id),
          ])
          const winners = [captured, voided].filter(({ code }) => code === 'ok').length
          await until('its end', async () => (await held(id)).status !== 'held')
          const { status } = await held(id)
          expect([id, winners]).toEqual([id, status === 'expired' ? 0 : 1])
          expect(captured.code === 'ok').toBe(status === 'captured')
          expect(voided.code === 'ok').toBe(status === 'voided')
          return status === 'captured' ? 1 : 0
        }),
      )
      const captured = won.reduce((sum: number, one) => sum + one, 0)
      expect(await figures(people.alice)).toMatchObject({
        balance: `${100 - 5 * captured}.00`,
        available: `${100 - 5 * captured}.00`,
        held_debits: '0.00',
      })
    })
  })

  describe('in lists', () => {
    it('are found by their state and their end', async () => {
      const soon = await place('1.00', { hold: { expires_in: 2 * day } })
      const later = await place('2.00', { hold: { expires_in: 20 * day } })
      const voided = await place('3.00', { hold: { expires_in: 3 * day } })
      await ledger.api.void(voided.id)
      const captured = await place('4.00')
      const capture = await ledger.api.capture(captured.id)
      const found = async (query: Record<string, string>) => {
        const answer = await ledger.api.transactions({ account_id: people.alice, ...query })
        return answer.body.items.map(({ id }) => id)
      }
      const at = (days: number) => new Date(Date.now() + days * day * 1000).toISOString()
      expect(await found({ status: 'held' })).toEqual([later.id, soon.id])
      expect(await found({ status: 'voided' })).toEqual([voided.id])
      expect(await found({ status: 'captured' })).toEqual([captured.id])
      expect(await found({ status: 'expired' })).toEqual([])
      expect(await found({ expires_before: at(10) })).toEqual([captured.id, voided.id, soon.id])
      expect(await found({ expires_after: at(10) })).toEqual([later.id])
      expect(await found({ status: 'held', expires_before: at(10) })).toEqual([soon.id])
      expect(await found({ expires_after: later.hold?.expires_at ?? '' })).toEqual([later.id])
      expect(await found({ expires_before: later.hold?.expires_at ?? '' })).not.toContain(later.id)
      expect((await found({})).slice(0, 2)).toEqual([capture.body.id, captured.id])
      const [whole] = (await ledger.api.transactions({ status: 'held' })).body.items
      expect(whole).toEqual(await held(later.id))
    })
  })

  describe('keep an account open', () => {
    it('until they have ended, as its balance does', async () => {
      const hold = await place('100.00')
      const close = (id: string) => ledger.api.changeAccount(id, { status: 'closed' })
      expect((await close(people.alice)).problem).toMatchObject({
        code: 'account_not_empty',
        status: 409,
        blockers: ['balance', 'holds'],
        balance: '100.00',
        available: '0.00',
      })
      expect((await close(people.bob)).problem).toMatchObject({ blockers: ['holds'] })
      await ledger.api.void(hold.id)
      expect((await close(people.alice)).problem).toMatchObject({ blockers: ['balance'] })
      expect((await close(people.bob)).body.status).toBe('closed')
    })
  })
})
