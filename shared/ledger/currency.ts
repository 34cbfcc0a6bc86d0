import { iso4217Exponents } from './iso-4217.ts'

/** A unit of account: its code and how many decimals its amounts have. */
export interface Currency {
  readonly code: string
  readonly exponent: number
}

/** The most decimals that a ledger's own currency may have. */
export const exponentMax = 18

/**
 * The currencies of one ledger: ISO 4217 and those it registered itself. A currency, once known, never changes
 * and never goes, so that a copy in memory may be incomplete but cannot be wrong.
 */
export type Currencies = ReadonlyMap<string, Currency>

/** ISO 4217 with its own exponents, which differ from those of `Intl` for 29 codes (HUF has 2, not 0). */
export const isoCurrencies: Currencies = new Map(
  Object.entries(iso4217Exponents).map(([code, exponent]) => [code, { code, exponent }]),
)
