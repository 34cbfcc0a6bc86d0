import type { LockedAccount } from '../ledger/account.ts'
import type { RunningAccounts } from '../ledger/decide.ts'

/**
 * The time at which a whole batch happens: the database's clock, but never before an entry that one of its
 * accounts already has, so that an account's versions and times grow together whatever the clocks do.
 */
export function timeOfBatch(now: number, accounts: ReadonlyMap<string, LockedAccount>): number {
  let at = now
  for (const account of accounts.values()) at = Math.max(at, account.lastPostedAt ?? at)
  return at
}

/** The accounts that a batch has moved, as they stand after it. Setting aside and releasing are no entries. */
export function accountsMoved(
  accounts: RunningAccounts,
  before: ReadonlyMap<string, LockedAccount>,
  at: number,
): LockedAccount[] {
  const moved: LockedAccount[] = []
  for (const account of accounts.values()) {
    const former = before.get(account.id)
    if (account === former) continue
    const lastPostedAt = account.version === former?.version ? account.lastPostedAt : at
    moved.push({ ...account, lastPostedAt })
  }
  return moved
}
