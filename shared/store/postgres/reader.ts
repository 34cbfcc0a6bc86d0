import { Pool } from 'pg'
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
import { storeFailureOf } from './sqlstate.ts'

/** How many connections read. They answer from indexes in well under a millisecond. */
const poolSize = 4

/** No reader keeps a snapshot for longer: while one is open, dead versions pile up and posting slows down. */
const statementTimeoutMs = 5000

/**
 * Nor does one wait for a lock. Nobody who posts holds one that readers wait for, only who changes a table; and a read that many share
 * keeps them all.
 */
const lockTimeoutMs = 800

/** How long a request waits for a connection before it is told to come back: within a second, in all. */
const connectionTimeoutMs = 900

/**
 * Plans must not depend on statistics. On tables that were never analysed the newest page of transactions was planned as
 * a bitmap scan of the whole ledger and a sort; a test explains every read in that state.
 */
const sessionSettings = [
  'enable_seqscan=off',
  'enable_bitmapscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'jit=off',
  `lock_timeout=${lockTimeoutMs}`,
]

/** Reads on connections of its own, so that a burst of reads never takes a connection from posting. */
export class PostgresReader implements Reader {
  readonly #pool: Pool
  readonly #watch: StoreWatch

  constructor(
    url: string,
    {
      applicationName = 'ledgerflow-reading',
      settings = [],
      watch = unwatched,
    }: { applicationName?: string; settings?: readonly string[]; watch?: StoreWatch } = {},
  ) {
    this.#watch = watch
    this.#pool = new Pool({
      connectionString: url,
      application_name: applicationName,
      max: poolSize,
      connectionTimeoutMillis: connectionTimeoutMs,
      statement_timeout: statementTimeoutMs,
      query_timeout: statementTimeoutMs + 1000,
      options: [...sessionSettings, ...settings].map((setting) => `-c ${setting}`).join(' '),
    })
    // An idle connection that dies is replaced when next needed; without a listener it would end the process.
    this.#pool.on('error', () => undefined)
  }

  async rows(statement: Statement, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    const begun = performance.now()
    let rows: number | undefined
    try {
      const result = await this.#pool.query<Row>(statement.text, [...parameters])
      rows = result.rows.length
      return result.rows
    } catch (error) {
      throw storeFailureOf(error, 'before_commit')
    } finally {
      const ms = performance.now() - begun
      if (ms >= this.#watch.slowMs) this.#watch.slow({ statement: statement.name, ms, rows })
    }
  }

  timeParameter(ms: number): string {
    return new Date(ms).toISOString()
  }

  exactSum(column: string): string {
    return `sum((${column})::numeric)::text`
  }

  probe(table: string, alias: string, condition: string, most = 1): string {
    return `left join lateral (select * from ${table} ${alias} where ${condition} limit ${most}) ${alias} on true`
  }

  idRows(first: number, count: number): string {
    return `unnest(array[${places(first, count).join(', ')}]::uuid[]) as wanted (id)`
  }

  keyRange(owner: KeyPart, operator: string, columns: readonly KeyPart[]): string {
    return `${owner[0]} = ${owner[1]} and ${comparison(operator, [owner, ...columns])}`
  }

  close(): Promise<void> {
    return this.#pool.end()
  }
}
