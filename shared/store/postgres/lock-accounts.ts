import type { ChainedAccount } from '../../engine/entry-chain.ts'
import { chainHead, lockedAccountOf, lockedColumns } from '../locked-account.ts'
import { newestAccount } from './newest-account.ts'
import type { Prepared } from './posting-connection.ts'

/**
 * Locks the accounts of a batch in the order of their ids, so that two batches over the same accounts wait for each
 * other and never deadlock. Through `accounts_pkey`; FOR NO KEY UPDATE. Parameters: ledger id, account ids.
 *
 * The ids are sorted before they are looked up, and each lookup has one plan only: `id = any($2) order by id` was planned
 * on an empty table as a walk over the whole ledger, and kept that plan until the table was analysed (1,000 a
 * second with 1,000 accounts, against 8,000).
 */
export const lockAccounts: Prepared = {
  name: 'lock_accounts',
  text: `select account.*
           from (select id from unnest($2::uuid[]) as wanted (id) order by id) wanted
          cross join lateral (
            select ${lockedColumns},
                   (extract(epoch from last_posted_at) * 1000)::bigint,
                   ${chainHead(`encode(chain_hash, 'hex')`)}
              ${newestAccount('wanted.id')}
                   for no key update
          ) account`,
}

/** Reads the accounts from the rows of `lockAccounts`, by their ids. */
export function lockedAccountsOf(
  rows: readonly (readonly unknown[])[],
): ReadonlyMap<string, ChainedAccount> {
  const accounts = new Map<string, ChainedAccount>()
  for (const row of rows) {
    const account = lockedAccountOf(row)
    accounts.set(account.id, account)
  }
  return accounts
}
