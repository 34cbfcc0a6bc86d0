import type { SharedCounts } from './queue.ts'
import type { RedisClient } from './redis-connection.ts'

/** Counts of all processes, as Redis keeps them until they are over. */
export class RedisCounts implements SharedCounts {
  readonly #client: RedisClient
  readonly #prefix: string

  constructor(client: RedisClient, namespace: string) {
    this.#client = client
    this.#prefix = `${namespace}:counts:`
  }

  /** Two commands a count, sent together. Rejects at once while Redis is away. */
  async add(
    counts: readonly { readonly key: string; readonly by: number }[],
    lifeMs: number,
  ): Promise<readonly number[]> {
    return Promise.all(
      counts.map(async ({ key, by }) => {
        const [total] = await Promise.all([
          this.#client.incrby(this.#prefix + key, by),
          this.#client.pexpire(this.#prefix + key, lifeMs),
        ])
        return total
      }),
    )
  }
}
