import { isoCurrencies, type Currencies, type Currency } from '../ledger/currency.ts'

/** Where a ledger's own currencies are registered. */
export interface CurrencyRegister {
  listCurrencies(ledgerId: number): Promise<Currency[]>
}

/**
 * The currencies of each ledger, kept in memory. A currency never changes and never goes, so what is known
 * here is right; what is not known is looked up, because another process may have registered it just now.
 */
export class KnownCurrencies {
  readonly #register: CurrencyRegister
  readonly #known = new Map<number, Currencies>()

  constructor(register: CurrencyRegister) {
    this.#register = register
  }

  /** The ledger's currencies, with `codes` among them if the ledger knows them. Free unless one of them is new here. */
  async including(ledgerId: number, ...codes: readonly string[]): Promise<Currencies> {
    if (codes.every((code) => isoCurrencies.has(code))) return isoCurrencies
    const known = this.#known.get(ledgerId)
    return known !== undefined && codes.every((code) => known.has(code))
      ? known
      : this.all(ledgerId)
  }

  /** All currencies of the ledger. One round trip. */
  async all(ledgerId: number): Promise<Currencies> {
    const registered = await this.#register.listCurrencies(ledgerId)
    const currencies: Currencies = new Map([
      ...isoCurrencies,
      ...registered.map((currency) => [currency.code, currency] as const),
    ])
    this.#known.set(ledgerId, currencies)
    return currencies
  }
}
