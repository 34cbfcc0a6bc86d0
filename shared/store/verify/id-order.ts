import type { NewestTransaction } from '../../engine/entry-chain.ts'
import type { Row } from '../rows.ts'

/**
 * Follows the order of one account's entries by the ids of their transactions, by which these are listed, and remembers the first that
 * is not where the order has it. A late entry may stand anywhere: it is found through an index of its own.
 */
export class IdOrder {
  /** Undefined until an entry tells it, where a walk goes on in the middle of an account. */
  #newest: NewestTransaction | null | undefined = null
  #fault: string | undefined

  /** The first fault, once there is one. */
  get fault(): string | undefined {
    return this.#fault
  }

  /** Adds the next entry by its row. */
  add(row: Row): void {
    if (row['follows_version'] === null) return
    const version = Number(row['account_version'])
    const follows = Number(row['follows_version'])
    const id = row['transaction_id'] as string
    if (this.#newest !== undefined) {
      const { id: newestId, version: newestVersion } = this.#newest ?? { id: '', version: 0 }
      if (follows !== newestVersion) {
        this.#fault ??= `entry ${version} follows version ${follows} in the order of ids, not ${newestVersion}`
      } else if (id < newestId) {
        this.#fault ??= `entry ${version} follows version ${follows} in the order of ids, whose id is greater`
      }
    }
    this.#newest = { id, version }
  }

  /** Goes on behind an entry, by its row. */
  resume(row: Row): void {
    this.#newest = undefined
    this.add(row)
  }

  /** Ends with the account's row, which must name the last entry that is not late. */
  end(account: Row): void {
    if (this.#newest === undefined) return
    const id = account['newest_transaction_id']
    const version = Number(account['newest_transaction_version'])
    if (id !== (this.#newest?.id ?? null) || version !== (this.#newest?.version ?? 0)) {
      this.#fault ??= `its newest_transaction is not that of version ${this.#newest?.version ?? 0}`
    }
  }
}
