/**
 * What a failure weighs, and a success takes away. A batch in vain costs about what one that succeeds gains, and there is another behind
 * it that fails with it.
 */
const failureWeight = 3

/** The greatest weight: at most 2^8 batches of a ledger go another way after one that failed. */
const weightMax = 8

/** How often, of late, the batches of each ledger found that somebody else had changed their accounts, and whether to try again. */
export class Contention {
  readonly #rests = new Map<number, { weight: number; batches: number }>()

  /** Whether a batch of the ledger had better go another way. Counts it. */
  isToBeAvoided(ledgerId: number): boolean {
    const rest = this.#rests.get(ledgerId)
    if (rest === undefined || rest.batches === 0) return false
    rest.batches -= 1
    return true
  }

  failed(ledgerId: number): void {
    const before = this.#rests.get(ledgerId)?.weight ?? 0
    const weight = Math.min(before + failureWeight, weightMax)
    this.#rests.set(ledgerId, { weight, batches: 2 ** weight })
  }

  succeeded(ledgerId: number): void {
    const rest = this.#rests.get(ledgerId)
    if (rest === undefined) return
    rest.weight -= 1
    if (rest.weight === 0) this.#rests.delete(ledgerId)
  }
}
