/** Something that is about accounts. */
interface AboutAccounts {
  readonly accountIds: readonly string[]
}

/**
 * Who may go next: of those that share an account, only the one that came first. Pure; adding and removing take time by the number of
 * accounts alone.
 */
export class AccountOrder<Item extends AboutAccounts> {
  readonly #queues = new Map<string, Set<Item>>()
  readonly #ready = new Set<Item>()

  /** Those that nobody is before, in the order in which they came to be. */
  get ready(): ReadonlySet<Item> {
    return this.#ready
  }

  add(item: Item): void {
    for (const account of item.accountIds) {
      const queue = this.#queues.get(account)
      if (queue === undefined) this.#queues.set(account, new Set([item]))
      else queue.add(item)
    }
    this.#judge(item)
  }

  /** Takes out one that is done; those behind it may be ready then. */
  remove(item: Item): void {
    this.#ready.delete(item)
    for (const account of item.accountIds) {
      const queue = this.#queues.get(account)
      queue?.delete(item)
      const [next] = queue ?? []
      if (next === undefined) this.#queues.delete(account)
      else this.#judge(next)
    }
  }

  #judge(item: Item): void {
    const isFirst = item.accountIds.every((account) => {
      const [first] = this.#queues.get(account) ?? []
      return first === item
    })
    if (isFirst) this.#ready.add(item)
  }
}
