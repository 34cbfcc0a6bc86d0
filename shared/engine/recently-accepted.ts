import { slotCount, type LedgerSlot } from './slot.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** A transaction that is in no count yet, and how many of those were before it in its slot. */
interface Accepted {
  readonly slot: number
  readonly before: number
  readonly round: number
}

/**
 * What this process has accepted since the queue was last counted and has not heard the end of, by slot: a count that is a
 * second old is right with it, as long as no other process accepts for the same slot.
 */
export class RecentlyAccepted {
  /** In the order of their rounds. */
  readonly #transactions = new Map<string, Accepted>()
  readonly #ofSlots = new Map<number, number>()
  #round = 0

  /** Notes a transaction that was queued just now. */
  add({ id, ledgerId, place }: Pick<TransactionRecord, 'id' | 'ledgerId' | 'place'>): void {
    if (place === null) return
    const slot = numberOf({ ledgerId, slot: place.slot })
    const before = this.#ofSlots.get(slot) ?? 0
    this.#transactions.set(id, { slot, before, round: this.#round })
    this.#ofSlots.set(slot, before + 1)
  }

  /** How many of these were before one of them in its slot when it was added; 0 when it is none of them. */
  before(id: string): number {
    return this.#transactions.get(id)?.before ?? 0
  }

  /** Forgets what has ended. */
  ended(ids: readonly string[]): void {
    for (const id of ids) this.#forget(id)
  }

  /** A count begins: what is added from now on may not be in it. Gives what to forget when the count is there. */
  countBegins(): () => void {
    this.#round += 1
    const begun = this.#round
    return () => {
      for (const [id, { round }] of this.#transactions) {
        if (round >= begun) break
        this.#forget(id)
      }
    }
  }

  #forget(id: string): void {
    const accepted = this.#transactions.get(id)
    if (accepted === undefined) return
    this.#transactions.delete(id)
    const left = (this.#ofSlots.get(accepted.slot) ?? 1) - 1
    if (left > 0) this.#ofSlots.set(accepted.slot, left)
    else this.#ofSlots.delete(accepted.slot)
  }
}

function numberOf({ ledgerId, slot }: LedgerSlot): number {
  return ledgerId * slotCount + slot
}
