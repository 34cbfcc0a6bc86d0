import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isoCurrencies } from '../../shared/ledger/currency.ts'
import { differingFields, fingerprintOf } from '../../shared/wire/fingerprint.ts'
import { postCommand, transactionRequest } from '../../shared/wire/transaction-request.ts'

const alice = '0198c0de-7a11-7000-8000-00000000a11c'
const bob = '0198c0de-7a11-7000-8000-0000000000b0'
const debit = { account_id: alice, direction: 'debit', amount: '125.00' }
const credit = { account_id: bob, direction: 'credit', amount: '125.00' }
const body = {
  reference: 'order-4711',
  currency: 'USD',
  entries: [debit, credit],
  metadata: { customer: 'alice', shop: 'bob' },
  effective_at: '2026-01-31T12:00:00Z',
}

describe('the fingerprint of a request', () => {
  it.each<[string, object]>([
    ['amounts without decimals', { entries: withAmounts('125') }],
    ['amounts with one decimal', { entries: withAmounts('125.0') }],
    ['the names of metadata in another order', { metadata: { shop: 'bob', customer: 'alice' } }],
    ['the same time in another zone', { effective_at: '2026-01-31T13:00:00.000+01:00' }],
    ['ids in capitals', { entries: [{ ...debit, account_id: alice.toUpperCase() }, credit] }],
    ['null where nothing was said', { description: null, ordering_key: null }],
    ['its key in the body', { idempotency_key: 'order-4711' }],
  ])('is the same with %s', (_, fields) => {
    expect(fingerprint({ ...body, ...fields })).toBe(fingerprint(body))
    expect(differing({ ...body, ...fields })).toEqual([])
  })

  it.each<[string, object]>([
    ['reference', { reference: 'order-4712' }],
    ['reference', { reference: null }],
    ['description', { description: 'for order 4711' }],
    ['currency', { currency: 'EUR' }],
    ['entries', { entries: withAmounts('125.01') }],
    ['entries', { entries: [credit, debit] }],
    ['entries', { entries: [debit, { ...credit, account_id: alice }] }],
    ['entries', { entries: [debit, credit, debit, credit] }],
    ['metadata', { metadata: { customer: 'alice' } }],
    ['metadata', { metadata: { customer: 'alice', shop: 'Bob' } }],
    ['metadata', { metadata: null }],
    ['effective_at', { effective_at: '2026-01-31T12:00:00.001Z' }],
    ['effective_at', { effective_at: null }],
    ['ordering_key', { ordering_key: 'order-4711' }],
  ])('is another, and the difference is told, with another %s: %j', (field, fields) => {
    expect(fingerprint({ ...body, ...fields })).not.toBe(fingerprint(body))
    expect(differing({ ...body, ...fields })).toEqual([field])
  })

  it('names all fields that differ, in the order of the API', () => {
    const other = { currency: 'EUR', entries: [debit, credit].toReversed() }

    expect(differing(other)).toEqual([
      'reference',
      'currency',
      'entries',
      'metadata',
      'effective_at',
    ])
  })

  it('does not know one field’s text for another’s', () => {
    const { currency, entries } = body

    expect(fingerprint({ currency, entries, reference: 'x' })).not.toBe(
      fingerprint({ currency, entries, description: 'x' }),
    )
  })

  it('is the same before and after somebody registered the currency', () => {
    const points = { ...body, currency: 'POINTS', entries: withAmounts('125.50') }
    const known = new Map([['POINTS', { code: 'POINTS', exponent: 3 }]])

    expect(fingerprint(points, known)).toBe(fingerprint(points))
  })

  it('of any amount depends on its value and not on how many zeros end it', () => {
    const decimals = fc.tuple(
      fc.bigInt({ min: 0n, max: 10n ** 36n }),
      fc.stringMatching(/^[0-9]{0,4}$/),
      fc.nat({ max: 6 }),
    )
    fc.assert(
      fc.property(decimals, ([whole, fraction, zeros]) => {
        const amount = fraction === '' ? String(whole) : `${whole}.${fraction}`
        const point = zeros > 0 && fraction === '' ? '.' : ''
        const longer = `${amount}${point}${'0'.repeat(zeros)}`
        expect(fingerprint({ ...body, entries: withAmounts(longer) })).toBe(
          fingerprint({ ...body, entries: withAmounts(amount) }),
        )
        expect(fingerprint({ ...body, entries: withAmounts(`1${amount}`) })).not.toBe(
          fingerprint({ ...body, entries: withAmounts(amount) }),
        )
      }),
    )
  })

  it('is SHA-256 in hex', () => {
    expect(fingerprint(body)).toMatch(/^[0-9a-f]{64}$/)
  })
})

function withAmounts(amount: string): object[] {
  return [
    { ...debit, amount },
    { ...credit, amount },
  ]
}

function contentOf(json: object, currencies = isoCurrencies) {
  return postCommand(transactionRequest.parse(json), null, 1, currencies)
}

function fingerprint(json: object, currencies = isoCurrencies): string {
  return fingerprintOf(contentOf(json, currencies))
}

function differing(json: object): string[] {
  return differingFields(contentOf(json), contentOf(body))
}
