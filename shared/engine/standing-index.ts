import type { TransactionStatus } from '../ledger/transaction.ts'
import type { HoldChangeRecord } from './hold-change-record.ts'
import { isHoldCommand, type Command, type PostOutcome } from './post-command.ts'
import type { Standing, StandingTransaction } from './posting-store.ts'

/** What stands before a command is looked at, by id and by key, growing as a batch goes. */
export class StandingIndex {
  readonly #ids = new Map<string, Standing>()
  readonly #transactions = new Map<string, StandingTransaction>()
  readonly #changes = new Map<string, HoldChangeRecord>()

  constructor(standing: readonly Standing[]) {
    for (const one of standing) this.add(one)
  }

  add(standing: Standing): void {
    this.#ids.set(standing.id, standing)
    const key = standing.idempotencyKey
    if (key === null) return
    if (isChange(standing)) this.#changes.set(key, standing)
    else this.#transactions.set(key, standing)
  }

  /** Takes back a transaction that was added. */
  remove({ id, idempotencyKey }: StandingTransaction): void {
    this.#ids.delete(id)
    if (idempotencyKey !== null) this.#transactions.delete(idempotencyKey)
  }

  /** How a transaction stands, if it does. */
  statusOf(id: string): TransactionStatus | undefined {
    const standing = this.#ids.get(id)
    return standing === undefined || isChange(standing) ? undefined : standing.status
  }

  /** The outcome of a command that an earlier one has settled: by an earlier try of its own, or under its key. */
  outcomeFor(command: Command): PostOutcome | undefined {
    const ofChange = isHoldCommand(command)
    const own = this.#ids.get(ofChange ? command.changeId : command.transactionId)
    if (own !== undefined) return stands(own, false)
    const key = command.idempotencyKey
    if (key === null) return undefined
    // Its own kind first: two that raced for one key from two processes may both have it, each of its own kind.
    const [first, second] = ofChange
      ? [this.#changes, this.#transactions]
      : [this.#transactions, this.#changes]
    const owner = first.get(key) ?? second.get(key)
    return owner === undefined ? undefined : outcomeUnderKey(command, owner)
  }
}

/** The outcome of a command whose key has an owner: a replay, or the key was used for something else. */
export function outcomeUnderKey(command: Command, owner: Standing): PostOutcome {
  if (owner.fingerprint === command.fingerprint) return stands(owner, true)
  return isChange(owner)
    ? { kind: 'key_reused_by_change', change: owner }
    : { kind: 'key_reused', transactionId: owner.id }
}

function stands(standing: Standing, replayed: boolean): PostOutcome {
  return isChange(standing)
    ? { kind: 'change_standing', change: standing, replayed }
    : { kind: 'standing', transactionId: standing.id, replayed }
}

function isChange(standing: Standing): standing is HoldChangeRecord {
  return !('status' in standing)
}
