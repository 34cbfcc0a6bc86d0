import type { ChainedAccount } from '../../engine/entry-chain.ts'
import { withinDeadline } from '../../engine/within-deadline.ts'

/** The most accounts that are kept: 16 MB of heap. */
const accountsMax = 30_000

/** How long a batch waits for others to tell how they have left its accounts, at the most; the lock would make it wait as long. */
const waitMsMax = 100

/**
 * The accounts as the last batches of this process have left them. It is no more than a guess: other processes post to them too. Whoever
 * builds on it has the database compare it with what is there. An account belongs to one ledger, and its id is known by itself.
 */
export class KnownAccounts {
  readonly #accounts = new Map<string, ChainedAccount>()
  readonly #pending = new Map<string, Promise<void>>()

  /**
   * Looks some accounts up: all of them, or a promise to wait for before looking again where the rest is being posted to, or undefined
   * where one of them is not known at all. Never waits itself, so that nobody else builds on the same accounts before its caller does.
   */
  lookUp(
    ids: readonly string[],
  ): ReadonlyMap<string, ChainedAccount> | Promise<unknown> | undefined {
    const found = new Map<string, ChainedAccount>()
    const pending = new Set<Promise<void>>()
    for (const id of ids) {
      const account = this.#accounts.get(id)
      if (account !== undefined) {
        found.set(id, account)
        continue
      }
      const wait = this.#pending.get(id)
      if (wait === undefined) return undefined
      pending.add(wait)
    }
    return pending.size === 0 ? found : withinDeadline(waitMsMax, Promise.all(pending))
  }

  /** Takes down how accounts stand. The ones that were not heard of for longest are forgotten in exchange. */
  learn(accounts: readonly ChainedAccount[]): void {
    for (const account of accounts) {
      this.#accounts.delete(account.id)
      this.#accounts.set(account.id, account)
    }
    for (const id of this.#accounts.keys()) {
      if (this.#accounts.size <= accountsMax) break
      this.#accounts.delete(id)
    }
  }

  /**
   * Says that nobody knows how these accounts will stand until the function that it returns is told; with none of them if that is still not
   * known. What others are posting to by then is theirs to tell.
   */
  expect(ids: readonly string[]): (accounts: readonly ChainedAccount[]) => void {
    let end = () => {}
    const ended = new Promise<void>((resolve) => {
      end = resolve
    })
    for (const id of ids) {
      this.#accounts.delete(id)
      this.#pending.set(id, ended)
    }
    return (accounts) => {
      for (const id of ids) if (this.#pending.get(id) === ended) this.#pending.delete(id)
      this.learn(accounts.filter(({ id }) => !this.#pending.has(id)))
      end()
    }
  }
}
