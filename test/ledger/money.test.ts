import { Decimal } from 'decimal.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  amountFault,
  decimalPattern,
  decimalsOf,
  formatMinorUnits,
  minorUnits,
  minorUnitsMax,
  parseDecimal,
  signedDecimalPattern,
} from '../../shared/ledger/money.ts'

/** Arbitrary-precision decimals by somebody else: what money is held against. Room for all digits there are. */
const Oracle = Decimal.clone({ precision: 200, toExpNeg: -200, toExpPos: 200 })

const exponents = fc.integer({ min: 0, max: 18 })
const anyUnits = fc.bigInt({ min: -minorUnitsMax, max: minorUnitsMax }).map(minorUnits)

/** Decimal texts as a client may write them, up to somewhat more than is allowed. */
const decimalTexts = fc
  .tuple(fc.bigInt({ min: 0n, max: 10n ** 40n }), fc.stringMatching(/^[0-9]{0,20}$/))
  .map(([whole, decimals]) => (decimals === '' ? `${whole}` : `${whole}.${decimals}`))

describe('money', () => {
  it('is written as decimal.js writes it, at full scale', () => {
    fc.assert(
      fc.property(anyUnits, exponents, (units, exponent) => {
        const expected = new Oracle(units.toString()).div(new Oracle(10).pow(exponent))
        expect(formatMinorUnits(units, exponent)).toBe(expected.toFixed(exponent))
      }),
    )
  })

  it('is read as decimal.js reads it, exactly', () => {
    fc.assert(
      fc.property(decimalTexts, exponents, fc.boolean(), (text, exponent, negative) => {
        fc.pre(decimalsOf(text) <= exponent)
        const signed = negative ? `-${text}` : text
        const expected = new Oracle(signed).mul(new Oracle(10).pow(exponent))
        expect(new Oracle(parseDecimal(signed, exponent).toString()).eq(expected)).toBe(true)
      }),
    )
  })

  it('comes back from text as it went', () => {
    fc.assert(
      fc.property(anyUnits, exponents, (units, exponent) => {
        expect(parseDecimal(formatMinorUnits(units, exponent), exponent)).toBe(units)
      }),
    )
  })

  it('adds up as decimal.js adds the texts', () => {
    fc.assert(
      fc.property(fc.array(anyUnits, { maxLength: 20 }), exponents, (amounts, exponent) => {
        const sum = minorUnits(amounts.reduce<bigint>((total, units) => total + units, 0n))
        const texts = amounts.map((units) => formatMinorUnits(units, exponent))
        const expected = texts.reduce((total, text) => total.add(text), new Oracle(0))
        expect(formatMinorUnits(sum, exponent)).toBe(expected.toFixed(exponent))
      }),
    )
  })

  it('with a floating-point number in its place would fail: the oracle can tell', () => {
    const units = minorUnits(123456789012345678901234567890n)
    const expected = new Oracle(units.toString()).div(100).toFixed(2)
    expect(formatMinorUnits(units, 2)).toBe(expected)
    expect((Number(units) / 100).toFixed(2)).not.toBe(expected)
  })

  it.each([
    [5n, 2, '0.05'],
    [-5n, 2, '-0.05'],
    [0n, 2, '0.00'],
    [0n, 0, '0'],
    [100n, 0, '100'],
    [-1n, 18, '-0.000000000000000001'],
    [1234567n, 3, '1234.567'],
    [BigInt('9'.repeat(38)), 2, `${'9'.repeat(36)}.99`],
  ])('%i minor units at exponent %i are written %s', (units, exponent, text) => {
    expect(formatMinorUnits(minorUnits(units), exponent)).toBe(text)
    expect(parseDecimal(text, exponent)).toBe(units)
  })
})

describe('an amount', () => {
  it('has a fault exactly when decimal.js says so', () => {
    fc.assert(
      fc.property(decimalTexts, exponents, (text, exponent) => {
        const value = new Oracle(text)
        const units = value.mul(new Oracle(10).pow(exponent))
        const decimals = text.split('.')[1]?.length ?? 0
        const expected = value.isZero()
          ? 'amount_not_positive'
          : decimals > exponent
            ? 'amount_scale'
            : units.gt(minorUnitsMax.toString())
              ? 'amount_too_large'
              : undefined
        expect(amountFault(text, exponent)).toBe(expected)
      }),
    )
  })

  it.each([
    ['0.01', 2, undefined],
    ['0.00', 2, 'amount_not_positive'],
    ['0', 0, 'amount_not_positive'],
    ['0.000', 2, 'amount_not_positive'],
    ['1.99', 2, undefined],
    ['1.990', 2, 'amount_scale'],
    ['1', 0, undefined],
    ['1.0', 0, 'amount_scale'],
    ['9'.repeat(36), 2, undefined],
    [`1${'0'.repeat(36)}`, 2, 'amount_too_large'],
    ['9'.repeat(38), 0, undefined],
    [`1${'0'.repeat(38)}`, 0, 'amount_too_large'],
    [`${'9'.repeat(37)}.001`, 2, 'amount_scale'],
  ])('%s at exponent %i: %s', (text, exponent, fault) => {
    expect(amountFault(text, exponent)).toBe(fault)
  })

  it.each(['0', '1', '10', '0.5', '12.50', '0.000'])('may be written %s', (text) => {
    expect(text).toMatch(decimalPattern)
    expect(text).toMatch(signedDecimalPattern)
    expect(`-${text}`).toMatch(signedDecimalPattern)
    expect(`-${text}`).not.toMatch(decimalPattern)
  })

  it.each(['', '00', '01', '1.', '.5', '+1', '1e3', '1_000', '1,5', ' 1', '1 ', '٣', '0x1', '1\n'])(
    'may not be written "%s"',
    (text) => {
      expect(text).not.toMatch(decimalPattern)
      expect(text).not.toMatch(signedDecimalPattern)
    },
  )
})
