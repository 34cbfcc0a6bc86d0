import { linkOf, type EntryLink } from '../../engine/entry-chain.ts'
import type { BatchWrites } from '../../engine/posting-store.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import type { PostedEntry } from '../../ledger/decide.ts'
import { plainArray, timeText } from './array-text.ts'
import { newestAccount } from './newest-account.ts'

/**
 * The end of every statement that moves money, whatever came before it: the entries, and the totals of their accounts with the heads of their chains.
 * Parameters 1 to 19: ledger id, time, entries, accounts. Inserts probe the indexes of `entries`; the update goes
 * through `accounts_pkey`, whose rows are locked already, and stays HOT.
 *
 * The accounts are looked up one by one and updated by their places, which the lock holds still: a plain join with
 * `accounts` was planned on an empty table as a walk over the whole ledger, and kept that plan. `condition`: a where clause, for those
 * who may find that they must not write.
 */
export const moveMoney = (condition = '') => `posted as (
           insert into entries
             (ledger_id, account_id, account_version, transaction_id, position, direction, amount,
              balance_after, debits_after, posted_at, hash, follows_version)
           select $1::integer, e.account_id, e.account_version, e.transaction_id, e.position,
                  e.direction, e.amount, e.balance_after, e.debits_after, $2::timestamptz,
                  decode(e.hash, 'hex'), e.follows_version
             from unnest($3::uuid[], $4::bigint[], $5::uuid[], $6::smallint[], $7::text[],
                         $8::numeric[], $9::numeric[], $10::numeric[], $11::text[], $12::bigint[])
               as e (account_id, account_version, transaction_id, position, direction, amount,
                     balance_after, debits_after, hash, follows_version)
             ${condition}
         )
         update accounts a
            set posted_debits = moved.posted_debits, posted_credits = moved.posted_credits,
                version = moved.version, last_posted_at = $2::timestamptz,
                chain_hash = decode(moved.chain_hash, 'hex'), chain_version = moved.version,
                newest_transaction_id = moved.newest_id,
                newest_transaction_version = moved.newest_version
           from (
             select row.place, totals.*
               from unnest($13::uuid[], $14::numeric[], $15::numeric[], $16::bigint[], $17::text[],
                           $18::uuid[], $19::bigint[])
                      as totals (id, posted_debits, posted_credits, version, chain_hash, newest_id,
                                 newest_version)
              cross join lateral (
                select ctid as place ${newestAccount('totals.id')}
              ) row
              ${condition}
           ) moved
          where a.ctid = moved.place`

/** What a batch or a drain writes of accounts and entries, besides the transactions themselves. */
export type Movement = Pick<BatchWrites, 'at' | 'accounts' | 'links'>

/** How many parameters a statement that ends with `moveMoney` has for it: the first ones. */
export const movementParametersCount = 19

/** Those parameters of a statement that ends with `moveMoney`. */
export function movementParameters(
  ledgerId: number,
  transactions: readonly TransactionRecord[],
  { at, accounts, links }: Movement,
): unknown[] {
  const entries: {
    entry: PostedEntry
    transactionId: string
    position: number
    link: EntryLink
  }[] = []
  for (const transaction of transactions) {
    transaction.entries.forEach((entry, position) =>
      entries.push({
        entry,
        transactionId: transaction.id,
        position,
        link: linkOf(links, transaction.id, position),
      }),
    )
  }
  return [
    ledgerId,
    timeText(at),
    plainArray(entries, (e) => e.entry.accountId),
    plainArray(entries, (e) => e.entry.accountVersion),
    plainArray(entries, (e) => e.transactionId),
    plainArray(entries, (e) => e.position),
    plainArray(entries, (e) => e.entry.direction),
    plainArray(entries, (e) => e.entry.amount),
    plainArray(entries, (e) => e.entry.balanceAfter),
    plainArray(entries, (e) => e.entry.debitsAfter),
    plainArray(entries, (e) => e.link.hash),
    plainArray(entries, (e) => e.link.followsVersion),
    plainArray(accounts, (a) => a.id),
    plainArray(accounts, (a) => a.postedDebits),
    plainArray(accounts, (a) => a.postedCredits),
    plainArray(accounts, (a) => a.version),
    plainArray(accounts, (a) => a.chainHash),
    plainArray(accounts, (a) => a.newestTransaction?.id ?? null),
    plainArray(accounts, (a) => a.newestTransaction?.version ?? null),
  ]
}
