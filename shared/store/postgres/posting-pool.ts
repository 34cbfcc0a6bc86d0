import { setTimeout as sleep } from 'node:timers/promises'
import { StoreFailure } from '../../engine/store-failure.ts'
import { unwatched, type StoreWatch } from '../store-watch.ts'
import { PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'

/** How long a batch waits for a connection before its members are told to come back: they may have waited for their batch before. */
const batchWaitMsMax = 500

/** How a pool is known, and how patient it is. */
export interface PoolOptions {
  readonly name?: string
  readonly watch?: StoreWatch
  /** How long work waits for a connection before its caller is told to come back. */
  readonly waitMsMax?: number
}

/**
 * The connections that post, each lent to one batch at a time, opened when first needed and opened anew after
 * a failure. They are few: batches on the same accounts wait for each other in the database anyway.
 */
export class PostingPool {
  readonly #url: string
  readonly #size: number
  readonly #name: string
  readonly #watch: StoreWatch
  readonly #waitMsMax: number
  readonly #idle: PostingConnection[] = []
  readonly #waiting = new Set<(refusal?: StoreFailure) => void>()
  #lent = 0
  #closed = false

  constructor(
    url: string,
    size: number,
    { name = 'posting', watch = unwatched, waitMsMax = batchWaitMsMax }: PoolOptions = {},
  ) {
    this.#url = url
    this.#size = size
    this.#name = name
    this.#watch = watch
    this.#waitMsMax = waitMsMax
  }

  /**
   * Lends a connection to `work` and takes it back; a connection whose work failed is closed. Rejects with a failure of
   * `capacity` when none becomes free in time.
   */
  async lend<Result>(work: (connection: PostingConnection) => Promise<Result>): Promise<Result> {
    await this.#place()
    let connection: PostingConnection | undefined
    try {
      connection = await this.#take()
      const result = await work(connection)
      if (connection.usable && !this.#closed) this.#idle.push(connection)
      else connection.close()
      return result
    } catch (error) {
      connection?.close()
      throw error
    } finally {
      // The place goes to who waits longest, past whoever comes now.
      const [next] = this.#waiting
      if (next === undefined) this.#lent -= 1
      else next()
    }
  }

  get counts(): { readonly open: number; readonly busy: number } {
    return { open: this.#lent + this.#idle.length, busy: this.#lent }
  }

  /** Lends no more, waits for what is lent until the deadline, and closes everything. */
  async close(deadlineMs: number): Promise<void> {
    this.#closed = true
    for (const letGo of this.#waiting) letGo(closed())
    const until = performance.now() + deadlineMs
    while (this.#lent > 0 && performance.now() < until) await sleep(10)
    for (const connection of this.#idle.splice(0)) connection.close()
  }

  async #place(): Promise<void> {
    if (this.#closed) throw closed()
    if (this.#lent >= this.#size) return this.#turn()
    this.#lent += 1
  }

  /** Waits for the place of somebody who is done. First come, first served. */
  async #turn(): Promise<void> {
    let timer: NodeJS.Timeout | undefined
    const begun = performance.now()
    try {
      await new Promise<void>((resolve, reject) => {
        const letGo = (refusal?: StoreFailure) => {
          this.#waiting.delete(letGo)
          if (refusal === undefined) resolve()
          else reject(refusal)
        }
        this.#waiting.add(letGo)
        timer = setTimeout(() => letGo(exhausted(this.#waitMsMax)), this.#waitMsMax)
      })
    } finally {
      clearTimeout(timer)
      this.#watch.waited(this.#name, performance.now() - begun)
    }
  }

  async #take(): Promise<PostingConnection> {
    for (;;) {
      const idle = this.#idle.pop()
      if (idle === undefined) break
      if (idle.usable) return idle
    }
    try {
      return await PostingConnection.open(this.#url, this.#watch)
    } catch (error) {
      throw storeFailureOf(error, 'before_commit')
    }
  }
}

function exhausted(waitMsMax: number): StoreFailure {
  return new StoreFailure(
    'capacity',
    new Error(`no connection to the database was free within ${waitMsMax} ms`),
  )
}

function closed(): StoreFailure {
  return new StoreFailure('not_done', new Error('the store is closed'))
}
