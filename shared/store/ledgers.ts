import { randomBytes } from 'node:crypto'
import { insertUnlessTaken } from './insert-unless-taken.ts'
import type { AdministrativeSource } from './data-source.ts'
import type { LedgerRow } from './entities.ts'
import { failingClearly } from './failing-clearly.ts'

/** A ledger as it is told of: without the secret of its cursors. */
export type Ledger = Pick<LedgerRow, 'id' | 'name' | 'createdAt'>

const cursorSecretBytes = 32

/** How often a number is tried again that another process has taken meanwhile. */
const attemptsMax = 20

/** The ledgers of a database, through TypeORM. A ledger is never renamed and never goes. Failures are `StoreFailure`. */
export class Ledgers {
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

  /** Makes a ledger, or finds the one of that name. Three statements, more when others make some at the same time. */
  async open(name: string, now: number): Promise<Ledger> {
    for (let attempt = 0; attempt < attemptsMax; attempt += 1) {
      const there = await this.named(name)
      if (there !== undefined) return there
      const last = await failingClearly('read', () => this.#table.maximum('id'))
      const row = { id: (last ?? 0) + 1, name, cursorSecret: randomBytes(cursorSecretBytes) }
      await insertUnlessTaken(() => this.#table.insert({ ...row, createdAt: now }))
    }
    throw new Error(`no number was free for a new ledger in ${attemptsMax} attempts`)
  }

  get #table() {
    return this.#source.dataSource.getRepository(this.#source.entities.ledgers)
  }
}

function ledgerOf({ id, name, createdAt }: LedgerRow): Ledger {
  return { id, name, createdAt }
}
