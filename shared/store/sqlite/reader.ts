import Database, {
  type Database as SqliteDatabase,
  type Statement as Prepared,
} from 'better-sqlite3'
import {
  comparison,
  places,
  type KeyPart,
  type Parameter,
  type Reader,
  type Statement,
} from '../reader.ts'
import type { Row } from '../rows.ts'
import { unwatched, type StoreWatch } from '../store-watch.ts'
import { addExactSum } from './connection.ts'

/** The most statements kept prepared; lists with filters make texts of their own. */
const preparedMax = 200

/** Reads on a read-only connection: the write-ahead log gives it every committed batch at once. */
export class SqliteReader implements Reader {
  readonly #database: SqliteDatabase
  readonly #watch: StoreWatch
  readonly #prepared = new Map<string, Prepared>()

  constructor(path: string, watch: StoreWatch = unwatched) {
    this.#watch = watch
    this.#database = new Database(path, { readonly: true, fileMustExist: true })
    addExactSum(this.#database)
  }

  rows(statement: Statement, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    // SQLite reads `$1` as a parameter named "1".
    const named = Object.fromEntries(parameters.map((value, index) => [index + 1, value]))
    const begun = performance.now()
    const rows = this.#prepare(statement.text).all(named) as Row[]
    const ms = performance.now() - begun
    if (ms >= this.#watch.slowMs) {
      this.#watch.slow({ statement: statement.name, ms, rows: rows.length })
    }
    return Promise.resolve(rows)
  }

  timeParameter(ms: number): number {
    return ms
  }

  exactSum(column: string): string {
    return `exact_sum(${column})`
  }

  probe(table: string, alias: string, condition: string): string {
    return `left join ${table} ${alias} on ${condition}`
  }

  idRows(first: number, count: number): string {
    const rows = places(first, count).map((place) => `(${place})`)
    return `(select column1 as id from (values ${rows.join(', ')})) as wanted`
  }

  keyRange(owner: KeyPart, operator: string, columns: readonly KeyPart[]): string {
    return `${owner[0]} = ${owner[1]} and ${comparison(operator, columns)}`
  }

  close(): void {
    this.#database.close()
  }

  #prepare(text: string): Prepared {
    const known = this.#prepared.get(text)
    if (known !== undefined) return known
    if (this.#prepared.size >= preparedMax) this.#prepared.clear()
    const prepared = this.#database.prepare(text)
    this.#prepared.set(text, prepared)
    return prepared
  }
}
