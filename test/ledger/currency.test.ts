import currencyCodes from 'currency-codes'
import { expect, it } from 'vitest'
import { isoCurrencies } from '../../shared/ledger/currency.ts'
import { iso4217Exponents } from '../../shared/ledger/iso-4217.ts'

it('the built-in currencies and their decimals are those of the maintained table', () => {
  const maintained = currencyCodes.data.map(({ code, digits }) => [code, digits] as const)
  expect(iso4217Exponents).toEqual(Object.fromEntries(maintained))
})

it('every built-in currency is found by its code', () => {
  expect([...isoCurrencies.values()].map(({ code, exponent }) => [code, exponent])).toEqual(
    Object.entries(iso4217Exponents),
  )
})

it.each([
  ['JPY', 0],
  ['USD', 2],
  ['HUF', 2],
  ['BHD', 3],
  ['CLF', 4],
])('%s has %i decimals', (code, exponent) => {
  expect(isoCurrencies.get(code)).toEqual({ code, exponent })
})
