import { setTimeout as sleep } from 'node:timers/promises'
import type { StoreWatch } from '../store-watch.ts'
import { PostingConnection } from './posting-connection.ts'

/**
 * How many entries may be under way for a batch to be sent behind them. Behind more, its estimate of the time would grow too old, and
 * other ledgers would wait.
 */
const entriesUnderWayMax = 2000

/** How long after a failure to connect it is tried again. */
const connectAgainMs = 1000

interface OpenLine {
  readonly connection: PostingConnection
  batches: number
  entries: number
}

/**
 * One connection on which batches follow each other without waiting for answers. It is opened in the background when first asked for,
 * and after a failure anew; the former one is closed when the batches behind the failed one have their answers.
 */
export class PostingLine {
  readonly #url: string
  readonly #watch: StoreWatch
  #line: OpenLine | undefined
  #connecting = false
  #connectFrom = Number.NEGATIVE_INFINITY
  #closed = false

  constructor(url: string, watch: StoreWatch) {
    this.#url = url
    this.#watch = watch
  }

  /** Whether a batch may be sent now. If there is no connection, one is begun; meanwhile, batches go another way. */
  isReady(): boolean {
    if (this.#closed) return false
    if (this.#line?.connection.usable === true) return this.#line.entries < entriesUnderWayMax
    this.#line = undefined
    if (!this.#connecting && performance.now() >= this.#connectFrom) this.#connect()
    return false
  }

  /** Sends a batch of so many entries; to be called as long as the line is ready. Passes on what `send` comes to. */
  async run<Result>(
    entries: number,
    send: (connection: PostingConnection) => Promise<Result>,
  ): Promise<Result> {
    const line = this.#line
    if (line === undefined) throw new Error('the line is not ready')
    line.batches += 1
    line.entries += entries
    try {
      return await send(line.connection)
    } catch (error) {
      if (this.#line === line) this.#line = undefined
      throw error
    } finally {
      line.batches -= 1
      line.entries -= entries
      if (this.#line !== line && line.batches === 0) line.connection.close()
    }
  }

  get counts(): { readonly open: number; readonly busy: number } {
    const { batches = 0 } = this.#line ?? {}
    return { open: this.#line === undefined ? 0 : 1, busy: batches > 0 ? 1 : 0 }
  }

  /** Takes no more batches, waits for those under way until the deadline, and closes. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true
    const until = performance.now() + deadlineMs
    while ((this.#line?.batches ?? 0) > 0 && performance.now() < until) await sleep(10)
    this.#line?.connection.close()
    this.#line = undefined
  }

  #connect(): void {
    this.#connecting = true
    PostingConnection.open(this.#url, this.#watch)
      .then((connection) => {
        if (this.#closed) connection.close()
        else this.#line = { connection, batches: 0, entries: 0 }
      })
      // Whoever posts meanwhile meets the same failure on a connection of the pool, and reports it.
      .catch(() => {
        this.#connectFrom = performance.now() + connectAgainMs
      })
      .finally(() => {
        this.#connecting = false
      })
  }
}
