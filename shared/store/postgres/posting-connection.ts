import { Client, type QueryArrayResult, type QueryResult } from 'pg'
import { unwatched, type StoreWatch } from '../store-watch.ts'

/** A prepared statement: planned once a connection, whatever the statistics say. */
export interface Prepared {
  readonly name: string
  readonly text: string
}

/**
 * The planner's settings of a posting connection. Plans must not depend on statistics: on tables that were never
 * analysed the lock and the update were planned as scans of the whole ledger (3,400 a second, falling, against 11,200).
 * With scans, sorts and joins by hash or merge off every hot statement has one plan, so a generic plan is safe and
 * saves the planning (5,400 → 7,300 a second at batches of 20). A sort that is asked for is made all the same.
 */
const plannerSettings = [
  'enable_seqscan=off',
  'enable_bitmapscan=off',
  'enable_hashjoin=off',
  'enable_mergejoin=off',
  'enable_sort=off',
  'enable_incremental_sort=off',
  'plan_cache_mode=force_generic_plan',
  'jit=off',
]

/**
 * How long a posting connection waits: for a lock, for a statement, and between two of ours before the database ends
 * a transaction whose client is paused or gone.
 */
const lockTimeoutMs = 2000
const statementTimeoutMs = 5000
const idleInTransactionMs = 10_000

/** How long we wait for an answer before the connection is given up and its transaction's fate is looked up. */
const answerTimeoutMs = 6000
const connectTimeoutMs = 2000

/**
 * One connection that posts one batch at a time, or several behind each other. Statements are pipelined: several leave in one packet and are
 * answered in order. After any failure it is closed, never used again: a client-side timeout leaves the
 * server at work.
 */
export class PostingConnection {
  readonly #client: Client
  readonly #watch: StoreWatch
  #ended = false
  #answeredAt = 0

  private constructor(client: Client, watch: StoreWatch) {
    this.#client = client
    this.#watch = watch
    client.on('error', () => this.close())
    client.on('end', () => {
      this.#ended = true
    })
  }

  /** Connects; rejects with the driver's error. */
  static async open(url: string, watch: StoreWatch = unwatched): Promise<PostingConnection> {
    const settings = [
      ...plannerSettings,
      `lock_timeout=${lockTimeoutMs}`,
      `statement_timeout=${statementTimeoutMs}`,
      `idle_in_transaction_session_timeout=${idleInTransactionMs}`,
      `client_connection_check_interval=1000`,
    ]
    const client = new Client({
      connectionString: url,
      application_name: 'ledgerflow-posting',
      pipeline: true,
      query_timeout: answerTimeoutMs,
      connectionTimeoutMillis: connectTimeoutMs,
      keepAlive: true,
      options: settings.map((setting) => `-c ${setting}`).join(' '),
    })
    const connection = new PostingConnection(client, watch)
    await client.connect()
    return connection
  }

  get usable(): boolean {
    return !this.#ended
  }

  /**
   * Lets everything that `send` sends leave in one packet. Each statement by itself would be a system call here and
   * a wake-up there: with five in a batch of twenty payments that was a tenth of the whole time.
   */
  together<Sent>(send: () => Sent): Sent {
    const { stream } = this.#client.connection
    stream.cork()
    try {
      return send()
    } finally {
      stream.uncork()
    }
  }

  /** Sends a plain statement without waiting for those before it. */
  send(text: string): Promise<QueryResult> {
    return this.#timed(text.split(/[ ;]/, 1)[0] ?? '', this.#client.query(text))
  }

  /** Sends a prepared statement without waiting for those before it; its rows come as arrays. */
  sendPrepared(statement: Prepared, values: unknown[]): Promise<QueryArrayResult<unknown[]>> {
    const { name, text } = statement
    return this.#timed(
      name,
      this.#client.query<unknown[]>({ name, text, values, rowMode: 'array' }),
    )
  }

  /** The same for a statement with many columns: its rows come by name. */
  async sendObjects(
    statement: Prepared,
    values: unknown[],
  ): Promise<readonly Record<string, unknown>[]> {
    const { name, text } = statement
    const sent = this.#client.query<Record<string, unknown>>({ name, text, values })
    return (await this.#timed(name, sent)).rows
  }

  /** Tells of a statement that takes long, by itself: not of the time that those before it in the pipeline took. */
  async #timed<Result extends { readonly rowCount: number | null }>(
    statement: string,
    sent: Promise<Result>,
  ): Promise<Result> {
    const sentAt = performance.now()
    let rows: number | undefined
    try {
      const result = await sent
      rows = result.rowCount ?? 0
      return result
    } finally {
      const now = performance.now()
      const ms = now - Math.max(sentAt, this.#answeredAt)
      this.#answeredAt = now
      if (ms >= this.#watch.slowMs) this.#watch.slow({ statement, ms, rows })
    }
  }

  /** Drops the connection at once, whatever it is doing. */
  close(): void {
    this.#ended = true
    // `end` says goodbye when it can and cuts the socket otherwise; nobody waits for it.
    this.#client.end().catch(() => undefined)
  }
}
