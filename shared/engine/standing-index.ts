import type { PostCommand, PostOutcome } from './post-command.ts'
import type { StandingTransaction } from './posting-store.ts'

/** The transactions that stand before a command is looked at, by id and by key, growing as a batch goes. */
export class StandingIndex {
  readonly #ids = new Map<string, StandingTransaction>()
  readonly #keys = new Map<string, StandingTransaction>()

  constructor(transactions: readonly StandingTransaction[]) {
    for (const transaction of transactions) this.add(transaction)
  }

  add(transaction: StandingTransaction): void {
    this.#ids.set(transaction.id, transaction)
    if (transaction.idempotencyKey !== null) {
      this.#keys.set(transaction.idempotencyKey, transaction)
    }
  }

  /** The outcome of a command that an earlier one has settled: by an earlier try of its own, or under its key. */
  outcomeFor(command: PostCommand): PostOutcome | undefined {
    if (this.#ids.has(command.transactionId)) {
      return { kind: 'standing', transactionId: command.transactionId, replayed: false }
    }
    if (command.idempotencyKey === null) return undefined
    const owner = this.#keys.get(command.idempotencyKey)
    return owner === undefined ? undefined : outcomeUnderKey(command, owner)
  }
}

/** The outcome of a command whose key a transaction has: a replay, or the key was used for something else. */
export function outcomeUnderKey(command: PostCommand, owner: StandingTransaction): PostOutcome {
  return owner.fingerprint === command.fingerprint
    ? { kind: 'standing', transactionId: owner.id, replayed: true }
    : { kind: 'key_reused', transactionId: owner.id }
}
