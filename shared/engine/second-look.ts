/**
 * The pauses before a slot that could not be drained is looked at again, 1.3 s in all. After the last one the sweep has
 * found what still waits there.
 */
const pausesMs = [5, 10, 20, 40, 80, 160, 320, 640]

/**
 * Sees to slots that have work and could not be drained when they rang, because somebody else was at them or the store failed.
 * What was committed after the other's look is not in the other's drain, and its ring is spent: without a second look it
 * waited for the sweep, up to 1.5 s, each time that two processes met in a slot.
 */
export class SecondLook {
  readonly #look: (ledgerId: number, slots: readonly number[]) => void
  /** How often each slot has been looked at in vain. */
  readonly #inVain = new Map<string, number>()
  readonly #timers = new Set<NodeJS.Timeout>()
  #stopped = false

  /** `look` is called when the pause is over. Must not throw. */
  constructor(look: (ledgerId: number, slots: readonly number[]) => void) {
    this.#look = look
  }

  /** Notes how a look at some slots ended: those that were not drained are looked at again, a bounded number of times. */
  after(ledgerId: number, slots: readonly number[], undrained: readonly number[]): void {
    const left = new Set(undrained)
    for (const slot of slots) if (!left.has(slot)) this.#inVain.delete(keyOf(ledgerId, slot))
    if (left.size === 0 || this.#stopped) return

    const due = new Map<number, number[]>()
    for (const slot of left) {
      const key = keyOf(ledgerId, slot)
      const looks = this.#inVain.get(key) ?? 0
      const pauseMs = pausesMs[looks]
      if (pauseMs === undefined) {
        this.#inVain.delete(key)
        continue
      }
      this.#inVain.set(key, looks + 1)
      due.set(pauseMs, [...(due.get(pauseMs) ?? []), slot])
    }
    for (const [pauseMs, again] of due) this.#lookIn(pauseMs, ledgerId, again)
  }

  /** Looks at nothing any more. */
  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }

  #lookIn(pauseMs: number, ledgerId: number, slots: readonly number[]): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      this.#look(ledgerId, slots)
    }, pauseMs)
    this.#timers.add(timer)
  }
}

function keyOf(ledgerId: number, slot: number): string {
  return `${ledgerId}:${slot}`
}
