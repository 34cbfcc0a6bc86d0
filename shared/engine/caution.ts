import type { QueueStore } from './queue-store.ts'
import type { QueuePlace } from './transaction-record.ts'

/**
 * What a process knows of the rows that others may have died of. It is careful in each slot until it has found nothing there
 * that waited when it came, and again where a drain meets a row that somebody died of.
 */
export class Caution {
  readonly #calm = new Set<string>()
  #owed: { readonly ledgerId: number; readonly places: readonly QueuePlace[] }[] = []

  isCalm(ledgerId: number, slot: number): boolean {
    return this.#calm.has(keyOf(ledgerId, slot))
  }

  /** Nothing in these slots is suspicious any more. */
  calm(ledgerId: number, slots: readonly number[]): void {
    for (const slot of slots) this.#calm.add(keyOf(ledgerId, slot))
  }

  /** Somebody has died of something in these slots. */
  alarm(ledgerId: number, slots: readonly number[]): void {
    for (const slot of slots) this.#calm.delete(keyOf(ledgerId, slot))
  }

  /** Remembers marks of ours on rows that we have let go of alive: they are to be taken back. */
  owe(ledgerId: number, places: readonly QueuePlace[]): void {
    if (places.length > 0) this.#owed.push({ ledgerId, places })
  }

  /** Takes back what is owed. Rejects with `StoreFailure`, and then still owes it: a failing database is nobody's death. */
  async settle(store: QueueStore): Promise<void> {
    for (let owed = this.#owed[0]; owed !== undefined; owed = this.#owed[0]) {
      await store.unmarkInHand(owed.ledgerId, owed.places)
      this.#owed.shift()
    }
  }
}

function keyOf(ledgerId: number, slot: number): string {
  return `${ledgerId}:${slot}`
}
