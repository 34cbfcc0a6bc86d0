import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { open, openPeople, payment } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

describe.each(shapes)('currencies on $name', (shape) => {
  let ledger: Service
  beforeAll(async () => {
    ledger = await shape.start()
  })
  afterAll(() => ledger.close())

  it.each(Array.from({ length: 19 }, (_, exponent) => exponent))(
    'one of %i decimals counts down to its smallest unit and up to 38 digits',
    async (exponent) => {
      const code = `EXP${exponent}`
      expect((await ledger.api.registerCurrency({ code, exponent })).status).toBe(201)
      const { alice, cash } = await openPeople(ledger.api, code)

      const smallest = exponent === 0 ? '1' : `0.${'1'.padStart(exponent, '0')}`
      const whole = '9'.repeat(38 - exponent)
      const rest = '9'.repeat(Math.max(exponent - 1, 0)) + '8'
      const largest = exponent === 0 ? `${whole.slice(1)}8` : `${whole}.${rest}`
      const post = (amount: string) =>
        ledger.api.postTransaction(payment({ debit: cash, credit: alice, amount, currency: code }))

      expect((await post(`${smallest}0`)).code).toBe(exponent === 0 ? 'ok' : 'amount_scale')
      if (exponent === 0) return
      expect((await post(smallest)).body.entries[1]?.balance_after).toBe(smallest)
      expect((await post(largest)).body.entries[1]?.balance_after).toBe(
        `${whole}.${'9'.repeat(exponent)}`,
      )
      expect((await post(smallest)).code).toBe('amount_too_large')
    },
  )

  it.each([-1, 19, 1.5, '2', null])('one with %s decimals is refused', async (exponent) => {
    const { problem } = await ledger.api.post('/api/v1/currencies', { code: 'ODD', exponent })
    expect(problem).toMatchObject({ code: 'invalid_request', errors: [{ pointer: 'exponent' }] })
  })

  it.each(['points', 'P', '1UP', 'A B', '', 'A'.repeat(25)])(
    'one called "%s" is refused',
    async (code) => {
      const { problem } = await ledger.api.post('/api/v1/currencies', { code, exponent: 0 })
      expect(problem).toMatchObject({ code: 'invalid_request', errors: [{ pointer: 'code' }] })
    },
  )

  it('one is registered again with the same answer', async () => {
    const points = { code: 'POINTS', exponent: 0 }
    expect((await ledger.api.registerCurrency(points)).body).toEqual(points)
    const again = await ledger.api.registerCurrency(points)
    expect([again.status, again.body]).toEqual([201, points])
  })

  it('one never changes its decimals', async () => {
    await ledger.api.registerCurrency({ code: 'MILES', exponent: 0 })
    const changed = await ledger.api.registerCurrency({ code: 'MILES', exponent: 2 })
    expect(changed.code).toBe('currency_taken')
    expect(await open(ledger.api, { currency: 'MILES' })).toMatchObject({ balance: '0' })
  })

  it('one registered by many at once with two scales has one of them', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        ledger.api.registerCurrency({ code: 'RACE', exponent: index % 2 }),
      ),
    )
    const taken = answers.filter((answer) => answer.code === 'currency_taken')
    expect(taken).toHaveLength(10)
  })

  it('those of ISO 4217 are known and keep their decimals', async () => {
    expect((await ledger.api.registerCurrency({ code: 'HUF', exponent: 2 })).status).toBe(201)
    expect((await ledger.api.registerCurrency({ code: 'HUF', exponent: 0 })).code).toBe(
      'currency_taken',
    )
  })

  it('one registered through one process is known to another at once', async () => {
    const other = await ledger.another()
    try {
      // Asked before and not known: the other process must not remember the no.
      const shares = { name: 'x', account_type: 'asset', currency: 'SHARES' } as const
      expect((await other.api.openAccount(shares)).code).toBe('currency_unknown')
      await ledger.api.registerCurrency({ code: 'SHARES', exponent: 6 })
      expect((await other.api.openAccount(shares)).body.balance).toBe('0.000000')
      expect((await other.api.registerCurrency({ code: 'SHARES', exponent: 5 })).code).toBe(
        'currency_taken',
      )
    } finally {
      await other.close()
    }
  })

  it('are listed by code, those of ISO 4217 with the ledger’s own', async () => {
    await ledger.api.registerCurrency({ code: 'LISTED', exponent: 7 })
    const { items } = (await ledger.api.currencies()).body
    expect(items).toContainEqual({ code: 'LISTED', exponent: 7 })
    expect(items).toContainEqual({ code: 'BHD', exponent: 3 })
    const codes = items.map((currency) => currency.code)
    expect(codes).toEqual([...new Set(codes)].toSorted())
  })
})
