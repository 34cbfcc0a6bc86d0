import type { QueueStore } from '../../shared/engine/queue-store.ts'
import type { EndedNews } from '../../shared/queue/queue.ts'

/** How often the database is asked about all that is waited for: beneath the news, which may be lost. */
const pollMs = 500

/** The longest that anybody may wait, in seconds. */
export const waitSMax = 30

/** Lets requests wait for transactions to end: told by whoever drained them, and by one slow poll for all. */
export class Waiting {
  readonly #store: QueueStore
  readonly #waiting = new Map<
    string,
    { readonly ledgerId: number; readonly wake: Set<() => void> }
  >()
  readonly #stopHearing: () => void
  #poll: NodeJS.Timeout | undefined
  #stopped = false

  constructor(store: QueueStore, news: EndedNews) {
    this.#store = store
    this.#stopHearing = news.hear((ids) => {
      if (this.#waiting.size > 0) this.#wake(ids)
    })
  }

  /**
   * Begins to wait for a transaction; do it before looking whether it has ended, so that the end cannot fall between.
   * `ended` resolves when it may have ended, or after `ms`; `done` must be called in any case.
   */
  begin(ledgerId: number, id: string, ms: number): { ended: Promise<void>; done: () => void } {
    const entry = this.#waiting.get(id) ?? { ledgerId, wake: new Set<() => void>() }
    this.#waiting.set(id, entry)
    this.#schedulePoll()
    let timer: NodeJS.Timeout | undefined
    let wake: () => void = () => undefined
    const ended = new Promise<void>((resolve) => {
      wake = resolve
      entry.wake.add(wake)
      timer = setTimeout(resolve, this.#stopped ? 0 : ms)
    })
    return {
      ended,
      done: () => {
        clearTimeout(timer)
        entry.wake.delete(wake)
        if (entry.wake.size === 0) this.#waiting.delete(id)
      },
    }
  }

  /** Lets everybody go with what they have, also who begins to wait from now on. */
  stop(): void {
    this.#stopped = true
    this.#stopHearing()
    clearTimeout(this.#poll)
    this.#wake([...this.#waiting.keys()])
  }

  #wake(ids: readonly string[]): void {
    for (const id of ids) for (const wake of this.#waiting.get(id)?.wake ?? []) wake()
  }

  #schedulePoll(): void {
    if (this.#poll !== undefined || this.#stopped) return
    this.#poll = setTimeout(() => {
      const wanted = [...this.#waiting].map(([id, { ledgerId }]) => ({ ledgerId, id }))
      this.#store
        .endedAmong(wanted)
        .then((ids) => this.#wake(ids))
        .catch(() => undefined)
        .finally(() => {
          this.#poll = undefined
          if (this.#waiting.size > 0) this.#schedulePoll()
        })
        .catch(() => undefined)
    }, pollMs)
  }
}
