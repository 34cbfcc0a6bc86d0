import { Queue as BullQueue } from 'bullmq'
import { BullmqDoorbell } from './bullmq-doorbell.ts'
import { listenThroughBullmq } from './bullmq-listener.ts'
import type { AnswerRing, DoorbellListener, Queue } from './queue.ts'
import { keyPrefix, queueName } from './queue-group.ts'
import {
  connectForReading,
  connectImpatiently,
  connectPatiently,
  describeRedis,
  type RedisClient,
  type RedisLocation,
} from './redis-connection.ts'
import { RedisCounts } from './redis-counts.ts'
import { RedisNews } from './redis-news.ts'

/** How the queues are named and counted. */
export interface RedisQueueOptions {
  /** How many queues the slots are spread over. May change at any time. */
  readonly queues: number
  /** What all keys begin with. */
  readonly namespace: string
}

/** The queue between processes: BullMQ rings, Redis carries the news. Works, slower, while Redis is away. */
export class RedisQueue implements Queue {
  readonly description: string
  readonly doorbell: BullmqDoorbell
  readonly news: RedisNews
  readonly counts: RedisCounts
  readonly #location: RedisLocation
  readonly #options: RedisQueueOptions
  readonly #client: RedisClient
  #boardClient: RedisClient | undefined

  constructor(location: RedisLocation, options: RedisQueueOptions) {
    this.description = describeRedis(location)
    this.#location = location
    this.#options = options
    this.#client = connectImpatiently(location)
    this.doorbell = new BullmqDoorbell(this.#client, options.namespace, options.queues)
    this.news = new RedisNews(location, this.#client, options.namespace)
    this.counts = new RedisCounts(this.#client, options.namespace)
  }

  listen(answer: AnswerRing): Promise<DoorbellListener> {
    const { namespace, queues } = this.#options
    const connect = () => connectPatiently(this.#location)
    return Promise.resolve(listenThroughBullmq(connect, namespace, queues, answer))
  }

  /** Its own connection holds on while Redis is away: a BullMQ queue that is made meanwhile works later. */
  readonly board = (): readonly BullQueue[] => {
    this.#boardClient ??= connectForReading(this.#location)
    const connection = this.#boardClient
    return Array.from({ length: this.#options.queues }, (_, group) =>
      new BullQueue(queueName(group), {
        connection,
        prefix: keyPrefix(group, this.#options.namespace),
        skipVersionCheck: true,
      }).on('error', () => undefined),
    )
  }

  isConnected(): boolean {
    return this.#client.status === 'ready'
  }

  async close(): Promise<void> {
    await this.doorbell.close()
    await this.news.close()
    this.#client.disconnect()
    this.#boardClient?.disconnect()
  }
}
