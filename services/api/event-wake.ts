import type { EventPosition } from '../../shared/engine/event.ts'
import type { EventStore } from '../../shared/engine/event-store.ts'
import type { EndedNews } from '../../shared/queue/queue.ts'

/** How often the database is asked whether anything was told, once for all readers of a ledger. */
const pollMs = 250

/** How soon after the worker's word that is asked, at the soonest. */
const pollMsMin = 20

interface Watched {
  readers: number
  /** Up to here readers were woken; undefined while nothing was asked yet. */
  known: EventPosition | undefined
  /** Counts the times that readers were woken. */
  round: number
  readonly wake: Set<() => void>
}

/** One reader's way to wait for news of its ledger. */
export interface EventWatch {
  /** The round that is running. Take it before reading: what comes between the reading and the waiting then begins another. */
  readonly round: number
  /** Resolves when another round than `round` has begun, or after `ms`, or when all is to stop. */
  next(round: number, ms: number): Promise<void>
  done(): void
}

/** Wakes those who wait for events: by one poll of each ledger that has readers, sooner at the word of a worker. */
export class EventWake {
  readonly #store: EventStore
  readonly #ledgers = new Map<number, Watched>()
  readonly #stopHearing: () => void
  #timer: NodeJS.Timeout | undefined
  #polling = false
  #stopped = false

  constructor(store: EventStore, news: EndedNews) {
    this.#store = store
    this.#stopHearing = news.hear(() => {
      if (this.#ledgers.size > 0) this.#schedule(pollMsMin)
    })
  }

  watch(ledgerId: number): EventWatch {
    const watched = this.#ledgers.get(ledgerId) ?? newlyWatched()
    this.#ledgers.set(ledgerId, watched)
    watched.readers += 1
    this.#schedule(pollMs)
    return {
      get round() {
        return watched.round
      },
      next: (round, ms) => this.#next(watched, round, ms),
      done: () => {
        watched.readers -= 1
        if (watched.readers === 0) this.#ledgers.delete(ledgerId)
      },
    }
  }

  /** Lets everybody go. */
  stop(): void {
    this.#stopped = true
    this.#stopHearing()
    clearTimeout(this.#timer)
    for (const watched of this.#ledgers.values()) wakeAll(watched)
  }

  async #next(watched: Watched, round: number, ms: number): Promise<void> {
    if (watched.round !== round || this.#stopped) return
    await new Promise<void>((resolve) => {
      const go = () => {
        clearTimeout(timer)
        watched.wake.delete(go)
        resolve()
      }
      const timer = setTimeout(go, ms)
      watched.wake.add(go)
    })
  }

  #schedule(ms: number): void {
    if (this.#stopped || this.#polling) return
    if (this.#timer !== undefined && ms >= pollMs) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      this.#polling = true
      this.#poll()
        // Without a database nobody hears anything; with it again they do.
        .catch(() => undefined)
        .finally(() => {
          this.#polling = false
          if (this.#ledgers.size > 0) this.#schedule(pollMs)
        })
        .catch(() => undefined)
    }, ms)
  }

  async #poll(): Promise<void> {
    for (const [ledgerId, watched] of this.#ledgers) {
      const { known: after } = watched
      const page =
        after === undefined ? undefined : await this.#store.readEvents({ ledgerId, after, size: 1 })
      const isQuiet = typeof page === 'object' && page.events.length === 0
      if (isQuiet) continue
      // All that is told up to here is seen by those who read after they were woken.
      watched.known = await this.#store.latestPosition(ledgerId)
      wakeAll(watched)
    }
  }
}

function newlyWatched(): Watched {
  return { readers: 0, known: undefined, round: 0, wake: new Set() }
}

function wakeAll(watched: Watched): void {
  watched.round += 1
  for (const go of watched.wake) go()
}
