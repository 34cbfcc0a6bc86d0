import { EventEmitter } from 'node:events'
import type { EndedNews } from './queue.ts'
import { connectPatiently, type RedisClient, type RedisLocation } from './redis-connection.ts'

/** News between processes, over Redis' publish and subscribe. */
export class RedisNews implements EndedNews {
  readonly #channel: string
  readonly #location: RedisLocation
  readonly #publisher: RedisClient
  readonly #heard = new EventEmitter().setMaxListeners(0)
  #subscriber: RedisClient | undefined

  constructor(location: RedisLocation, publisher: RedisClient, namespace: string) {
    this.#location = location
    this.#publisher = publisher
    this.#channel = `${namespace}:ended`
  }

  tell(ids: readonly string[]): void {
    if (this.#publisher.status !== 'ready' || ids.length === 0) return
    this.#publisher.publish(this.#channel, ids.join(' ')).catch(() => undefined)
  }

  hear(listener: (ids: readonly string[]) => void): () => void {
    this.#subscriber ??= this.#subscribe()
    this.#heard.on('ended', listener)
    return () => this.#heard.off('ended', listener)
  }

  close(): Promise<void> {
    this.#subscriber?.disconnect()
    this.#heard.removeAllListeners()
    return Promise.resolve()
  }

  #subscribe(): RedisClient {
    // Patient: it subscribes as soon as Redis is there, and again after each outage.
    const subscriber = connectPatiently(this.#location)
    subscriber.subscribe(this.#channel).catch(() => undefined)
    subscriber.on('message', (_channel: string, message: string) => {
      this.#heard.emit('ended', message.split(' '))
    })
    return subscriber
  }
}
