import type { Currency } from '../ledger/currency.ts'
import type { AdministrativeSource } from './data-source.ts'
import type { LedgerRow } from './entities.ts'
import { failingClearly } from './failing-clearly.ts'
import { insertUnlessTaken } from './insert-unless-taken.ts'
import { ApiKeys } from './api-keys.ts'
import { Ledgers } from './ledgers.ts'
import { pendingMigrations } from './migrate.ts'
import type { AccountRecord } from '../engine/account-record.ts'
import type {
  AccountChange,
  AccountChangeOutcome,
  ClosingBlocker,
  NewAccount,
} from './ledger-store.ts'

/** Who asks whether the store is ready asks again soon. */
const readyMs = 2000

/** How often closing an account is tried while nothing stands in its way any more by the time one looks. */
const closingTriesMax = 3

/** A queued transaction names its accounts in what it asks for, as UUIDs, which nothing else in it looks like. */
const isQueuedFor = `(exists (select 1 from transactions t
    where t.ledger_id = q.ledger_id and t.id = q.transaction_id
      and cast(t.requested_entries as text) like :named)
  or exists (select 1 from batch_members m
      join transactions t on t.ledger_id = m.ledger_id and t.id = m.transaction_id
     where m.ledger_id = q.ledger_id and m.batch_id = q.batch_id and m.replayed = 0
       and cast(t.requested_entries as text) like :named))`

/** Accounts, currencies and ledgers through TypeORM: everything that is not posting and not hot. */
export class Administration {
  readonly apiKeys: ApiKeys
  readonly ledgers: Ledgers
  readonly #source: AdministrativeSource

  constructor(source: AdministrativeSource) {
    this.apiKeys = new ApiKeys(source)
    this.ledgers = new Ledgers(source)
    this.#source = source
  }

  /** Inserts an account; false when another account of the ledger has its code. One statement. */
  async createAccount(account: NewAccount): Promise<boolean> {
    const { currency, ...rest } = account
    return insertUnlessTaken(() =>
      this.#accounts.insert({
        ...rest,
        metadata: Object.keys(account.metadata).length > 0 ? account.metadata : null,
        currency: currency.code,
        exponent: currency.exponent,
      }),
    )
  }

  /**
   * Changes what a caller may change of an account. The conditions are part of the one update, so that a payment
   * that comes between cannot be passed over: a closed account stays closed, and only an empty one is closed.
   */
  async changeAccount(
    ledgerId: number,
    id: string,
    change: AccountChange,
  ): Promise<AccountChangeOutcome> {
    for (let tries = 1; ; tries += 1) {
      const affected = Object.keys(change).length > 0 ? await this.#update(ledgerId, id, change) : 1
      const row = await failingClearly('read', () => this.#accounts.findOneBy({ ledgerId, id }))
      if (row === null) return { kind: 'not_found' }
      const account = { ...row, metadata: row.metadata ?? {} }
      if (affected === 1) return { kind: 'changed', account }
      if (account.status === 'closed') return { kind: 'closed' }
      const blockers = await this.#blockersOf(account)
      // What stood in the way may have gone since: then it is tried again.
      if (blockers.length > 0 || tries === closingTriesMax) {
        return { kind: 'not_empty', account, blockers }
      }
    }
  }

  /** What stands in the way of closing an account now. One statement. */
  async #blockersOf(account: AccountRecord): Promise<ClosingBlocker[]> {
    const { ledgerId, id, heldDebits, heldCredits } = account
    const queued = await failingClearly('read', () =>
      this.#queued
        .createQueryBuilder('q')
        .where(`q.ledger_id = :ledgerId and ${isQueuedFor}`, { ledgerId, named: `%${id}%` })
        .limit(1)
        .getOne(),
    )
    const blockers: ClosingBlocker[] = []
    if (account.postedDebits !== account.postedCredits) blockers.push('balance')
    if (heldDebits !== 0n || heldCredits !== 0n) blockers.push('holds')
    if (queued !== null) blockers.push('queued')
    return blockers
  }

  async #update(ledgerId: number, id: string, change: AccountChange): Promise<number> {
    const update = this.#accounts
      .createQueryBuilder()
      .update()
      .set(change)
      .where('ledger_id = :ledgerId and id = :id', { ledgerId, id })
      .andWhere(`status <> 'closed'`)
    if (change.status === 'closed') {
      update.andWhere(`posted_debits = posted_credits and held_debits = '0' and held_credits = '0'`)
      update.andWhere(
        `not exists (select 1 from queued_transactions q
                      where q.ledger_id = :ledgerId and ${isQueuedFor})`,
        { named: `%${id}%` },
      )
    }
    const { affected } = await failingClearly('write', () => update.execute())
    return affected ?? 0
  }

  async listCurrencies(ledgerId: number): Promise<Currency[]> {
    const rows = await failingClearly('read', () => this.#currencies.findBy({ ledgerId }))
    return rows.map(({ code, exponent }) => ({ code, exponent }))
  }

  /** Registers a currency; false when the ledger has one of this code already. */
  async createCurrency(ledgerId: number, currency: Currency, createdAt: number): Promise<boolean> {
    return insertUnlessTaken(() => this.#currencies.insert({ ledgerId, ...currency, createdAt }))
  }

  async findLedger(id: number): Promise<LedgerRow | undefined> {
    const ledgers = this.#source.dataSource.getRepository(this.#source.entities.ledgers)
    return (await failingClearly('read', () => ledgers.findOneBy({ id }))) ?? undefined
  }

  /** Rejects when the store does not answer within two seconds or migrations are pending. */
  async checkReady(): Promise<void> {
    const pending = await failingClearly('read', () => pendingMigrations(this.#source), readyMs)
    if (pending.length > 0) throw new Error('the schema is behind this version')
  }

  close(): Promise<void> {
    return this.#source.dataSource.destroy()
  }

  get #accounts() {
    return this.#source.dataSource.getRepository(this.#source.entities.accounts)
  }

  get #queued() {
    return this.#source.dataSource.getRepository(this.#source.entities.queuedTransactions)
  }

  get #currencies() {
    return this.#source.dataSource.getRepository(this.#source.entities.currencies)
  }
}
