import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewTransactionJson } from '../support/api-client.ts'
import { balanceOf, open, openPeople, openWallet, payment, type People } from '../support/people.ts'
import { shapesInBothModes, type Service } from '../support/service.ts'

type Entry = NewTransactionJson['entries'][number]

describe.each(shapesInBothModes)('several currencies in one transaction on $name', (shape) => {
  let ledger: Service
  let dollars: People
  let euros: People
  beforeAll(async () => {
    ledger = await shape.start()
    dollars = await openPeople(ledger.api)
    euros = await openPeople(ledger.api, 'EUR')
  })
  afterAll(() => ledger.close())

  const post = (transaction: NewTransactionJson) => ledger.api.postTransaction(transaction)
  const entry = (
    direction: Entry['direction'],
    account_id: string,
    amount: string,
    currency?: string,
  ): Entry => ({ account_id, direction, amount, ...(currency === undefined ? {} : { currency }) })

  /** Money in dollars and in euros comes in at once; the euros say so, the dollars are the transaction's. */
  const exchange = (changes: Partial<NewTransactionJson> = {}): NewTransactionJson => ({
    currency: 'USD',
    entries: [
      entry('debit', dollars.cash, '108.00'),
      entry('credit', dollars.alice, '108.00'),
      entry('debit', euros.cash, '100.00', 'EUR'),
      entry('credit', euros.alice, '100.00', 'EUR'),
    ],
    metadata: { rate: '1.08' },
    ...changes,
  })

  it('moves each of them, and says the currency of each entry', async () => {
    const before = await balanceOf(ledger.api, euros.alice)
    const posted = await post(exchange())
    expect(posted.status).toBe(201)
    expect(posted.body).toMatchObject({ currency: 'USD', metadata: { rate: '1.08' } })
    expect(posted.body.entries.map(({ currency, amount }) => [currency, amount])).toEqual([
      ['USD', '108.00'],
      ['USD', '108.00'],
      ['EUR', '100.00'],
      ['EUR', '100.00'],
    ])
    expect((await ledger.api.transaction(posted.body.id)).body).toEqual(posted.body)
    expect(Number(await balanceOf(ledger.api, euros.alice))).toBe(Number(before) + 100)
  })

  it('keeps the scale of each of them', async () => {
    const yen = await openPeople(ledger.api, 'JPY')
    const dinar = await openPeople(ledger.api, 'BHD')
    const both = (inYen: string, inDinar: string) =>
      post({
        entries: [
          entry('debit', yen.cash, inYen, 'JPY'),
          entry('credit', yen.alice, inYen, 'JPY'),
          entry('debit', dinar.cash, inDinar, 'BHD'),
          entry('credit', dinar.alice, inDinar, 'BHD'),
        ],
      })
    const posted = await both('400', '1.005')
    expect(posted.body.currency).toBe('JPY')
    expect(posted.body.entries.map(({ balance_after }) => balance_after)).toEqual([
      '400',
      '400',
      '1.005',
      '1.005',
    ])
    expect((await both('400', '1.0050')).problem).toMatchObject({
      code: 'amount_scale',
      errors: [{ pointer: 'entries/2/amount' }],
    })
    expect((await both('400.0', '1.005')).problem).toMatchObject({
      code: 'amount_scale',
      errors: [{ pointer: 'entries/0/amount' }],
    })
  })

  it('does not let one make up for the other', async () => {
    const { problem } = await post(
      exchange({
        entries: [
          entry('debit', dollars.cash, '1.00'),
          entry('credit', dollars.alice, '1.00'),
          entry('debit', euros.cash, '100.00', 'EUR'),
          entry('credit', euros.alice, '99.99', 'EUR'),
        ],
      }),
    )
    expect(problem).toMatchObject({
      code: 'unbalanced',
      currency: 'EUR',
      debits: '100.00',
      credits: '99.99',
    })
    const crossed = await post(
      exchange({
        entries: [
          entry('debit', dollars.cash, '5.00'),
          entry('credit', euros.alice, '5.00', 'EUR'),
        ],
      }),
    )
    expect(crossed.problem).toMatchObject({ code: 'unbalanced', currency: 'USD', credits: '0.00' })
  })

  it('wants each account in the currency of its entry', async () => {
    const { problem } = await post(
      exchange({
        entries: [
          entry('debit', dollars.cash, '1.00'),
          entry('credit', dollars.alice, '1.00'),
          entry('debit', euros.cash, '1.00', 'EUR'),
          entry('credit', dollars.bob, '1.00', 'EUR'),
        ],
      }),
    )
    expect(problem).toMatchObject({
      code: 'currency_mismatch',
      account_id: dollars.bob,
      currency: 'USD',
    })
  })

  it('says which entry is in a currency that nobody knows', async () => {
    const { problem } = await post(
      exchange({
        entries: [
          entry('debit', dollars.cash, '1.00'),
          entry('credit', dollars.alice, '1.00'),
          entry('debit', euros.cash, '1.00', 'NOPE'),
          entry('credit', euros.alice, '1.00', 'NOPE'),
        ],
      }),
    )
    expect(problem).toMatchObject({
      code: 'currency_unknown',
      errors: [{ pointer: 'entries/2/currency' }],
    })
  })

  it('keeps the floor of each account', async () => {
    const poor = await openWallet(ledger.api, { currency: 'EUR' })
    const { problem } = await post(
      exchange({
        entries: [
          entry('debit', dollars.cash, '1.00'),
          entry('credit', dollars.alice, '1.00'),
          entry('debit', poor.id, '0.01', 'EUR'),
          entry('credit', euros.alice, '0.01', 'EUR'),
        ],
      }),
    )
    expect(problem).toMatchObject({ code: 'insufficient_funds', account_id: poor.id })
  })

  it('takes a currency that the ledger registered, among others', async () => {
    const points = `PTS${randomUUID().slice(0, 8).toUpperCase()}`
    await ledger.api.registerCurrency({ code: points, exponent: 4 })
    const shop = await open(ledger.api, { name: 'shop', currency: points })
    const card = await openWallet(ledger.api, { name: 'card', currency: points })
    const posted = await post(
      exchange({
        entries: [
          entry('debit', dollars.cash, '1.00'),
          entry('credit', dollars.alice, '1.00'),
          entry('debit', shop.id, '0.0001', points),
          entry('credit', card.id, '0.0001', points),
        ],
      }),
    )
    expect(posted.body.entries[3]).toMatchObject({ currency: points, balance_after: '0.0001' })
  })

  it('may be left out above when every entry says its own, and only then', async () => {
    const { currency, ...bare } = exchange()
    const silent = await ledger.api.post('/api/v1/transactions', bare)
    expect(silent.problem).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: 'currency' }],
    })
    const said = bare.entries.map((one) => ({ ...one, currency: one.currency ?? currency }))
    expect((await post({ ...bare, entries: said })).body.currency).toBe('USD')
  })

  it('is one wish, whether an entry says the currency or has it from above', async () => {
    const idempotency_key = randomUUID()
    const first = await post(exchange({ idempotency_key }))
    const { entries, currency, ...rest } = exchange({ idempotency_key })
    const explicit = entries.map((one) => ({ ...one, currency: one.currency ?? currency }))
    for (const again of [
      { ...rest, currency, entries: explicit },
      { ...rest, entries: explicit },
    ]) {
      const answer = await post(again)
      expect([answer.replayed, answer.body.id]).toEqual([true, first.body.id])
    }
    const other = await post({ ...rest, currency: 'EUR', entries: explicit })
    expect(other.problem).toMatchObject({
      code: 'idempotency_key_reused',
      differing_fields: ['currency', 'entries'],
    })
  })

  it('of one only is a plain payment, said above or on each entry', async () => {
    const idempotency_key = randomUUID()
    const plain = payment({
      debit: dollars.cash,
      credit: dollars.alice,
      amount: '1.00',
      idempotency_key,
    })
    const first = await post(plain)
    const entries = plain.entries.map((one) => ({ ...one, currency: 'USD' }))
    const again = await post({ ...plain, currency: null, entries })
    expect([again.replayed, again.body.id]).toEqual([true, first.body.id])
  })
})
