declare const minorUnitsBrand: unique symbol

/**
 * An exact amount of money as a whole number of the currency's smallest unit (minor units): 12.50 USD
 * is 1250n. Never a `number`, never a fraction. Balances may be negative; amounts of entries are not.
 */
export type MinorUnits = bigint & { readonly [minorUnitsBrand]: 'MinorUnits' }

/** The most decimal digits an amount or a running total may have: what `numeric(38,0)` holds. */
export const digitsMax = 38

/** The largest amount or running total: 38 nines. */
export const minorUnitsMax = (10n ** BigInt(digitsMax) - 1n) as MinorUnits

/** Why a well-formed decimal text is not an amount of its currency. */
export type AmountFault = 'amount_not_positive' | 'amount_scale' | 'amount_too_large'

/** The form of a decimal text: ASCII digits, no sign, no exponent, no surplus leading zero. */
export const decimalPattern = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/

/** The same with a sign, for limits: a credit line is a negative floor. */
export const signedDecimalPattern = /^-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/

/** Marks an integer from a trusted place (the store, a sum of amounts) as minor units. */
export function minorUnits(value: bigint): MinorUnits {
  return value as MinorUnits
}

/**
 * Says what is wrong with an unsigned decimal text as an amount in a currency with `exponent` decimals, or
 * `undefined` when it is an amount: positive, no more decimals than the currency has (trailing zeros count:
 * `"1.0"` JPY is refused rather than silently rewritten), at most 38 digits of minor units.
 */
export function amountFault(text: string, exponent: number): AmountFault | undefined {
  if (!/[1-9]/.test(text)) return 'amount_not_positive'
  if (decimalsOf(text) > exponent) return 'amount_scale'
  if (digitsOf(text, exponent) > digitsMax) return 'amount_too_large'
  return undefined
}

/**
 * Converts a decimal text, signed or not, to minor units: exact, no rounding. The caller has made sure that the
 * text has the decimal form and no more decimals than `exponent`.
 */
export function parseDecimal(text: string, exponent: number): MinorUnits {
  const point = text.indexOf('.')
  if (point === -1) return BigInt(text + '0'.repeat(exponent)) as MinorUnits
  const decimals = text.length - point - 1
  const digits = text.slice(0, point) + text.slice(point + 1) + '0'.repeat(exponent - decimals)
  return BigInt(digits) as MinorUnits
}

/**
 * Writes minor units as the decimal text of a currency with `exponent` decimals, always at full scale:
 * 5n at exponent 2 is `"0.05"`. The inverse of `parseDecimal`.
 */
export function formatMinorUnits(units: MinorUnits, exponent: number): string {
  if (exponent === 0) return units.toString()
  const negative = units < 0n
  const digits = (negative ? -units : units).toString().padStart(exponent + 1, '0')
  const point = digits.length - exponent
  return `${negative ? '-' : ''}${digits.slice(0, point)}.${digits.slice(point)}`
}

/** Counts the decimals a text is written with: `"1.50"` has two. */
export function decimalsOf(text: string): number {
  const point = text.indexOf('.')
  return point === -1 ? 0 : text.length - point - 1
}

/** Counts the digits the text would have as minor units, leading zeros left out. */
export function digitsOf(text: string, exponent: number): number {
  const point = text.indexOf('.')
  const unsigned = text.startsWith('-') ? 1 : 0
  const whole = text.slice(unsigned, point === -1 ? undefined : point).replace(/^0+/, '')
  return whole.length + exponent
}
