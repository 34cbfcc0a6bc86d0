import { createHash } from 'node:crypto'
import type { SharedCounts } from '../../../shared/queue/queue.ts'

/** What limits are told in. */
export const windowMs = 60_000

/** How often processes tell each other what they have counted. */
const shareMs = 200

/** Names counted at once. When there are more, whoever counts is under attack, and forgets rather than grows. */
const namesMax = 100_000

interface Count {
  /** Everywhere, as far as is known here. */
  total: number
  /** Of it, what the others have not been told. */
  untold: number
}

/**
 * Counts by name, anew each minute. What is counted here counts at once; what other processes count is learned through Redis
 * a fifth of a second later. No request waits for Redis, and without it each process counts for itself.
 */
export class Counts {
  readonly #kind: string
  readonly #shared: SharedCounts | undefined
  #counts = new Map<string, Count>()
  #window = 0
  #sharing: NodeJS.Timeout | undefined

  /** `kind` keeps these counts apart from others in Redis. */
  constructor(kind: string, shared: SharedCounts | undefined) {
    this.#kind = kind
    this.#shared = shared
  }

  /** Counts one more, and says how many there are now. */
  add(name: string): number {
    const counts = this.#current()
    if (counts.size >= namesMax) counts.clear()
    const count = counts.get(name) ?? { total: 0, untold: 0 }
    count.total += 1
    count.untold += 1
    counts.set(name, count)
    this.#shareSoon()
    return count.total
  }

  /** How many there are. */
  of(name: string): number {
    return this.#current().get(name)?.total ?? 0
  }

  /** When counting begins anew. */
  get msLeft(): number {
    return windowMs - (Date.now() % windowMs)
  }

  close(): void {
    clearTimeout(this.#sharing)
  }

  #current(): Map<string, Count> {
    const window = Math.floor(Date.now() / windowMs)
    if (window !== this.#window) {
      this.#window = window
      this.#counts = new Map()
    }
    return this.#counts
  }

  #shareSoon(): void {
    if (this.#shared === undefined || this.#sharing !== undefined) return
    const shared = this.#shared
    this.#sharing = setTimeout(() => {
      this.#share(shared)
        // Nobody hears of it: what was counted here counts here.
        .catch(() => undefined)
        .finally(() => {
          this.#sharing = undefined
        })
        .catch(() => undefined)
    }, shareMs)
    this.#sharing.unref()
  }

  async #share(shared: SharedCounts): Promise<void> {
    const told = [...this.#current()].filter(([, { untold }]) => untold > 0)
    const additions = told.map(([name, count]) => ({
      key: this.#keyOf(name),
      by: count.untold,
      count,
    }))
    for (const { count } of additions) count.untold = 0
    const totals = await shared.add(additions, windowMs)
    for (const [index, { count }] of additions.entries()) {
      count.total = Math.max(count.total, (totals[index] ?? 0) + count.untold)
    }
  }

  /** Redis holds no name and no address: a hash of them. */
  #keyOf(name: string): string {
    const hash = createHash('sha256').update(name).digest('base64url').slice(0, 22)
    return `${this.#kind}:${this.#window}:${hash}`
  }
}
