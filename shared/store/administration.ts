import type { Currency } from '../ledger/currency.ts'
import type { AdministrativeSource } from './data-source.ts'
import type { LedgerRow } from './entities/account-entities.ts'
import { failingClearly } from './failing-clearly.ts'
import { ApiKeys } from './api-keys.ts'
import { KnownLedgers } from './ledgers.ts'
import { pendingMigrations } from './migrate.ts'

/** Who asks whether the store is ready asks again soon. */
const readyMs = 2000

/** Keys, currencies and ledgers through TypeORM: everything that is not posting and not hot. */
export class Administration {
  readonly apiKeys: ApiKeys
  readonly ledgers: KnownLedgers
  readonly source: AdministrativeSource

  constructor(source: AdministrativeSource) {
    this.apiKeys = new ApiKeys(source)
    this.ledgers = new KnownLedgers(source)
    this.source = source
  }

  async listCurrencies(ledgerId: number): Promise<Currency[]> {
    const rows = await failingClearly('read', () => this.#currencies.findBy({ ledgerId }))
    return rows.map(({ code, exponent }) => ({ code, exponent }))
  }

  async findLedger(id: number): Promise<LedgerRow | undefined> {
    const ledgers = this.source.dataSource.getRepository(this.source.entities.ledgers)
    return (await failingClearly('read', () => ledgers.findOneBy({ id }))) ?? undefined
  }

  /** Rejects when the store does not answer within two seconds or migrations are pending. */
  async checkReady(): Promise<void> {
    const pending = await failingClearly('read', () => pendingMigrations(this.source), readyMs)
    if (pending.length > 0) throw new Error('the schema is behind this version')
  }

  close(): Promise<void> {
    return this.source.dataSource.destroy()
  }

  get #currencies() {
    return this.source.dataSource.getRepository(this.source.entities.currencies)
  }
}
