import { EventEmitter } from 'node:events'
import type { LedgerSlot } from '../engine/slot.ts'
import type { AnswerRing, DoorbellListener, EndedNews, Queue } from './queue.ts'

/** The queue of a process that drains its own work: rings and news are function calls. */
export class InProcessQueue implements Queue {
  readonly description = 'in process'
  #answer: AnswerRing | undefined

  readonly doorbell = {
    ring: (slots: readonly LedgerSlot[]): void => {
      // An answer never rejects; what goes wrong is in its report.
      this.#answer?.(slots.map(({ slot }) => slot)).catch(() => undefined)
    },
    close: () => Promise.resolve(),
  }

  readonly news: EndedNews = new LocalNews()

  listen(answer: AnswerRing): Promise<DoorbellListener> {
    this.#answer = answer
    return Promise.resolve({
      close: () => {
        this.#answer = undefined
        return Promise.resolve()
      },
    })
  }

  isConnected(): boolean {
    return true
  }

  close(): Promise<void> {
    return this.news.close()
  }
}

/** News within one process. */
class LocalNews implements EndedNews {
  readonly #emitter = new EventEmitter().setMaxListeners(0)

  tell(ids: readonly string[]): void {
    this.#emitter.emit('ended', ids)
  }

  hear(listener: (ids: readonly string[]) => void): () => void {
    this.#emitter.on('ended', listener)
    return () => this.#emitter.off('ended', listener)
  }

  close(): Promise<void> {
    this.#emitter.removeAllListeners()
    return Promise.resolve()
  }
}
