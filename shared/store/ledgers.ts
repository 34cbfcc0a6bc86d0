import { randomBytes } from 'node:crypto'
import type { Witness } from '../engine/audit-record.ts'
import { recordSteps } from './audit-log.ts'
import type { AdministrativeSource } from './data-source.ts'
import type { LedgerRow } from './entities/account-entities.ts'
import { failingClearly } from './failing-clearly.ts'
import { insertUnlessTaken } from './insert-unless-taken.ts'
import type { Reader, Statement } from './reader.ts'
import type { Writer } from './writer.ts'

/** A ledger as it is told of: without the secret of its cursors. */
export type Ledger = Pick<LedgerRow, 'id' | 'name' | 'createdAt'>

/** The ledgers of a database, through TypeORM. A ledger is never renamed and never goes. Failures are `StoreFailure`. */
export class KnownLedgers {
  readonly #source: AdministrativeSource

  constructor(source: AdministrativeSource) {
    this.#source = source
  }

  /** All ledgers, oldest first. One statement. */
  async list(): Promise<Ledger[]> {
    const rows = await failingClearly('read', () => this.#table.find({ order: { id: 'ASC' } }))
    return rows.map(ledgerOf)
  }

  /** Finds a ledger by its name, through `ledgers_name_key`. */
  async named(name: string): Promise<Ledger | undefined> {
    const row = await failingClearly('read', () => this.#table.findOneBy({ name }))
    return row === null ? undefined : ledgerOf(row)
  }

  protected lastId(): Promise<number | null> {
    return failingClearly('read', () => this.#table.maximum('id'))
  }

  get #table() {
    return this.#source.dataSource.getRepository(this.#source.entities.ledgers)
  }
}

const cursorSecretBytes = 32

/** How often a number is tried again that another process has taken meanwhile. */
const attemptsMax = 20

const insertLedger: Statement = {
  name: 'insert_ledger',
  text: `insert into ledgers (id, name, cursor_secret, created_at)
         values ($1, $2, $3, $4) on conflict do nothing returning id`,
}

/** The same with a way to make more. */
export class Ledgers extends KnownLedgers {
  readonly #access: Writer & Pick<Reader, 'timeParameter'>

  constructor(source: AdministrativeSource, access: Writer & Pick<Reader, 'timeParameter'>) {
    super(source)
    this.#access = access
  }

  /**
   * Makes a ledger, with the record of who asked for it, or finds the one of that name. Three statements, more when others make
   * some at the same time.
   */
  async open(name: string, now: number, witness?: Witness): Promise<Ledger> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const there = await this.named(name)
      if (there !== undefined) return there
      await this.#insert(((await this.lastId()) ?? 0) + 1, name, now, witness)
    }
    throw new Error(`no number was free for a new ledger in ${attemptsMax} attempts`)
  }

  #insert(id: number, name: string, now: number, witness: Witness | undefined): Promise<boolean> {
    const secret = randomBytes(cursorSecretBytes)
    const parameters = [id, name, secret, this.#access.timeParameter(now)]
    const record = witness?.({ kind: 'ledger', id: name, end: 'done' })
    return insertUnlessTaken(this.#access, [
      { statement: insertLedger, parameters },
      ...recordSteps(record),
    ])
  }
}

function ledgerOf({ id, name, createdAt }: LedgerRow): Ledger {
  return { id, name, createdAt }
}
