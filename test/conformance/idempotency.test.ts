import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NewTransactionJson } from '../support/api-client.ts'
import { balanceOf, fund, open, openPeople, payment, type People } from '../support/people.ts'
import { shapesInBothModes, type Service } from '../support/service.ts'

describe.each(shapesInBothModes)('idempotency on $name', (shape) => {
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start()
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '10.00')
  })
  afterAll(() => ledger.close())

  const post = (transaction: NewTransactionJson, headers: Record<string, string> = {}) =>
    ledger.api.postTransaction(transaction, headers)
  const aliceToBob = (rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.alice, credit: people.bob, amount: '1.00', ...rest })

  describe('a request repeated with its key', () => {
    it('is answered with the same transaction and moves money once', async () => {
      const request = aliceToBob({ idempotency_key: randomUUID(), metadata: { order: '7' } })
      const first = await post(request)
      const second = await post(request)
      expect([first.status, first.replayed]).toEqual([201, false])
      expect([second.status, second.replayed]).toEqual([201, true])
      expect(second.body).toEqual(first.body)
      expect(second.headers.get('location')).toBe(first.headers.get('location'))
      expect(await balanceOf(ledger.api, people.bob)).toBe('1.00')
    })

    it('moves money as often as it is sent when it has none', async () => {
      const [first, second] = [await post(aliceToBob()), await post(aliceToBob())]
      expect(second.body.id).not.toBe(first.body.id)
      expect(second.replayed).toBe(false)
      expect(await balanceOf(ledger.api, people.bob)).toBe('2.00')
    })

    it('is the same wish however it is written', async () => {
      const idempotency_key = randomUUID()
      const first = await post(
        aliceToBob({
          idempotency_key,
          metadata: { a: '1', b: '2' },
          effective_at: '2026-01-31T12:00:00Z',
        }),
      )
      const other = payment({
        debit: people.alice.toUpperCase(),
        credit: people.bob,
        amount: '1',
        reference: null,
        description: null,
        ordering_key: null,
        idempotency_key,
        metadata: { b: '2', a: '1' },
        effective_at: '2026-01-31T13:00:00.000+01:00',
      })
      const again = await post(other)
      expect([again.body.id, again.replayed]).toEqual([first.body.id, true])
    })

    it('is answered from the record when accounts have changed since', async () => {
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const first = await post(request)
      await post(aliceToBob({ entries: aliceToBob().entries }))
      await ledger.api.changeAccount(people.alice, { status: 'frozen' })
      const again = await post(request)
      expect([again.body, again.replayed]).toEqual([first.body, true])
    })

    it('twenty times at once gives one transaction and twenty equal answers', async () => {
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(request)))
      expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1)
      for (const answer of answers) expect(answer.body).toEqual(answers[0]?.body)
      expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1)
      expect(await balanceOf(ledger.api, people.bob)).toBe('1.00')
    })

    it('may name the mode or leave it out', async () => {
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const first = await ledger.api.post('/api/v1/transactions?mode=sync', request)
      const again = await post(request)
      expect([again.body, again.replayed]).toEqual([first.body, true])
    })
  })

  describe('the key', () => {
    it.each([
      ['as it is', (key: string) => key],
      ['in double quotes', (key: string) => `"${key}"`],
    ])('may come in the header, %s', async (_, written) => {
      const key = randomUUID()
      const first = await post(aliceToBob(), { 'idempotency-key': written(key) })
      expect(first.body.idempotency_key).toBe(key)
      const again = await post(aliceToBob({ idempotency_key: key }))
      expect([again.body, again.replayed]).toEqual([first.body, true])
    })

    it('in quotes may have quotes and backslashes of its own', async () => {
      const first = await post(aliceToBob(), { 'idempotency-key': String.raw`"a \"b\" \\ c"` })
      expect(first.body.idempotency_key).toBe(String.raw`a "b" \ c`)
    })

    it('may come in both places when it is the same', async () => {
      const key = randomUUID()
      const both = await post(aliceToBob({ idempotency_key: key }), { 'idempotency-key': key })
      expect(both.body.idempotency_key).toBe(key)
    })

    it('in both places and different is refused, and neither key is used up', async () => {
      const [one, two] = [randomUUID(), randomUUID()]
      const refused = await post(aliceToBob({ idempotency_key: one }), { 'idempotency-key': two })
      expect(refused.problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: 'headers/idempotency-key' }],
      })
      for (const idempotency_key of [one, two]) {
        expect((await post(aliceToBob({ idempotency_key }))).replayed).toBe(false)
      }
    })

    it('has up to 255 characters', async () => {
      const longest = randomUUID().padEnd(255, 'k')
      expect((await post(aliceToBob({ idempotency_key: longest }))).status).toBe(201)
      expect((await post(aliceToBob(), { 'idempotency-key': longest })).replayed).toBe(true)
      const refused = { body: `${longest}k`, header: `${longest}k` }
      expect((await post(aliceToBob({ idempotency_key: refused.body }))).code).toBe(
        'invalid_request',
      )
      expect((await post(aliceToBob(), { 'idempotency-key': refused.header })).code).toBe(
        'invalid_request',
      )
    })

    it('is told apart by case and by spaces', async () => {
      const key = `key ${randomUUID()}`
      const first = await post(aliceToBob({ idempotency_key: key }))
      for (const other of [key.toUpperCase(), key.replace(' ', '  ')]) {
        const answer = await post(aliceToBob({ idempotency_key: other }))
        expect(answer.body.id).not.toBe(first.body.id)
      }
    })

    it('is not used up by a request that has no form', async () => {
      const idempotency_key = randomUUID()
      const faulty = await ledger.api.post('/api/v1/transactions', {
        ...aliceToBob({ idempotency_key }),
        entries: [],
      })
      expect(faulty.code).toBe('invalid_request')
      const good = await post(aliceToBob({ idempotency_key }))
      expect([good.status, good.replayed]).toEqual([201, false])
    })
  })

  describe('a key used with another body', () => {
    const original = (): Partial<NewTransactionJson> => ({
      reference: 'order-1',
      description: 'first',
      metadata: { a: '1' },
      effective_at: '2026-01-31T12:00:00Z',
      ordering_key: 'alice',
    })

    it.each<[string, Partial<NewTransactionJson>]>([
      ['reference', { reference: 'order-2' }],
      ['reference', { reference: null }],
      ['description', { description: 'second' }],
      ['metadata', { metadata: { a: '2' } }],
      ['metadata', { metadata: { a: '1', b: '' } }],
      ['metadata', { metadata: null }],
      ['effective_at', { effective_at: '2026-01-31T12:00:00.001Z' }],
      ['effective_at', { effective_at: null }],
      ['ordering_key', { ordering_key: 'bob' }],
    ])('is told that %s differs (%j)', async (field, change) => {
      const idempotency_key = randomUUID()
      const first = await post(aliceToBob({ ...original(), idempotency_key }))
      const { problem } = await post(aliceToBob({ ...original(), ...change, idempotency_key }))
      expect(problem).toMatchObject({
        code: 'idempotency_key_reused',
        differing_fields: [field],
        transaction_id: first.body.id,
      })
    })

    it.each([
      ['amount', (p: People) => ({ debit: p.alice, credit: p.bob, amount: '1.01' })],
      ['accounts', (p: People) => ({ debit: p.cash, credit: p.bob, amount: '1.00' })],
      ['sides', (p: People) => ({ debit: p.bob, credit: p.alice, amount: '1.00' })],
    ])('is told that entries differ when the %s do', async (_, other) => {
      const idempotency_key = randomUUID()
      await post(aliceToBob({ idempotency_key }))
      const { problem } = await post(payment({ ...other(people), idempotency_key }))
      expect(problem).toMatchObject({ differing_fields: ['entries'] })
    })

    it('is told that entries differ when their order does', async () => {
      const idempotency_key = randomUUID()
      const request = aliceToBob({ idempotency_key })
      await post(request)
      const { problem } = await post({ ...request, entries: request.entries.toReversed() })
      expect(problem).toMatchObject({ differing_fields: ['entries'] })
    })

    it('is told of all fields that differ, and changes nothing', async () => {
      const idempotency_key = randomUUID()
      const first = await post(aliceToBob({ ...original(), idempotency_key }))
      const other = payment({
        debit: people.cash,
        credit: people.bob,
        amount: '5.00',
        currency: 'EUR',
        idempotency_key,
      })
      const refused = await post(other)
      expect(refused.problem).toMatchObject({
        code: 'idempotency_key_reused',
        differing_fields: [
          'reference',
          'description',
          'currency',
          'entries',
          'metadata',
          'effective_at',
          'ordering_key',
        ],
      })
      expect(refused.replayed).toBe(false)
      expect((await ledger.api.transaction(first.body.id)).body).toEqual(first.body)
      expect(await balanceOf(ledger.api, people.bob)).toBe('1.00')
      expect((await post(aliceToBob({ ...original(), idempotency_key }))).replayed).toBe(true)
    })

    it('is told so before anything else is judged', async () => {
      const idempotency_key = randomUUID()
      await post(aliceToBob({ idempotency_key }))
      const hopeless = payment({
        debit: randomUUID(),
        credit: people.bob,
        amount: '0.00',
        currency: 'NOPE',
        idempotency_key,
      })
      expect((await post(hopeless)).code).toBe('idempotency_key_reused')
    })
  })

  describe('a refusal with a key', () => {
    it('is final: the same answer also after the money has come', async () => {
      const request = payment({
        debit: people.alice,
        credit: people.bob,
        amount: '10.01',
        idempotency_key: randomUUID(),
      })
      const first = await post(request)
      expect([first.code, first.replayed]).toEqual(['insufficient_funds', false])
      await fund(ledger.api, people, people.alice, '100.00')

      const again = await post(request)
      expect(again.replayed).toBe(true)
      expect(again.problem).toEqual(first.problem)
      expect(await balanceOf(ledger.api, people.bob)).toBe('0.00')
      const fresh = await post({ ...request, idempotency_key: randomUUID() })
      expect(fresh.code).toBe('ok')
    })

    it('is final also for a wish that is wrong by itself', async () => {
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const unbalanced = {
        ...request,
        entries: request.entries.map((entry, n) => ({ ...entry, amount: `${n + 1}.00` })),
      }
      const first = await post(unbalanced)
      const again = await post(unbalanced)
      expect([first.code, first.replayed]).toEqual(['unbalanced', false])
      expect([again.problem, again.replayed]).toEqual([first.problem, true])
      const { problem } = await post(request)
      expect(problem).toMatchObject({ differing_fields: ['entries'] })
    })

    it('is final also when the account is opened for business again', async () => {
      await ledger.api.changeAccount(people.bob, { status: 'frozen' })
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const first = await post(request)
      await ledger.api.changeAccount(people.bob, { status: 'active' })
      const again = await post(request)
      expect(first.code).toBe('account_not_active')
      expect([again.problem, again.replayed]).toEqual([first.problem, true])
    })

    it.each(['1', '1.0', '1.00', '1.000'])(
      'is final also when the currency is registered afterwards (amount %s)',
      async (amount) => {
        const currency = `LATE${randomUUID().slice(0, 8).toUpperCase()}`
        const request = aliceToBob({ currency, idempotency_key: randomUUID() })
        const unknown = {
          ...request,
          entries: request.entries.map((entry) => ({ ...entry, amount })),
        }
        const first = await post(unknown)
        expect(first.code).toBe('currency_unknown')
        await ledger.api.registerCurrency({ code: currency, exponent: 2 })

        const again = await post(unknown)
        expect([again.problem, again.replayed]).toEqual([first.problem, true])
      },
    )

    it('is final also for the same amounts in fewer decimals', async () => {
      const idempotency_key = randomUUID()
      const pay = (amount: string) =>
        post(payment({ debit: people.alice, credit: people.bob, amount, idempotency_key }))
      const first = await pay('1.000')
      const again = await pay('1.00')
      expect(first.code).toBe('amount_scale')
      expect([again.problem, again.replayed]).toEqual([first.problem, true])
    })

    it('twenty times at once gives one record and twenty equal answers', async () => {
      const [reference, idempotency_key] = [randomUUID(), randomUUID()]
      const request = payment({
        debit: people.alice,
        credit: people.bob,
        amount: '10.01',
        reference,
        idempotency_key,
      })
      const answers = await Promise.all(Array.from({ length: 20 }, () => post(request)))
      for (const answer of answers) expect(answer.problem).toEqual(answers[0]?.problem)
      expect((await ledger.api.transactions({ reference })).body.items).toHaveLength(1)
    })

    it('does not stop another key with the same body', async () => {
      const poor = await open(ledger.api, { account_type: 'liability', min_available: '0.00' })
      const request = payment({ debit: poor.id, credit: people.bob, amount: '1.00' })
      const first = await post({ ...request, idempotency_key: randomUUID() })
      await fund(ledger.api, people, poor.id, '1.00')
      const second = await post({ ...request, idempotency_key: randomUUID() })
      expect([first.code, second.code]).toEqual(['insufficient_funds', 'ok'])
    })
  })
})
