import type { TransactionRecord } from '../../engine/transaction-record.ts'
import type { LockedAccount } from '../../ledger/account.ts'
import type { PostedEntry } from '../../ledger/decide.ts'
import { plainArray, timeText } from './array-text.ts'

/**
 * The end of every statement that moves money, whatever came before it: the entries, and the totals of their accounts.
 * Parameters 1 to 14: ledger id, time, entries, accounts. Inserts probe the indexes of `entries`; the update goes
 * through `accounts_pkey`, whose rows are locked already, and stays HOT.
 *
 * The accounts are looked up one by one and updated by their places, which the lock holds still: a plain join with
 * `accounts` was planned on an empty table as a walk over the whole ledger, and kept that plan.
 */
export const moveMoney = `posted as (
           insert into entries
             (ledger_id, account_id, account_version, transaction_id, position, direction, amount,
              balance_after, debits_after, posted_at)
           select $1::integer, e.account_id, e.account_version, e.transaction_id, e.position,
                  e.direction, e.amount, e.balance_after, e.debits_after, $2::timestamptz
             from unnest($3::uuid[], $4::bigint[], $5::uuid[], $6::smallint[], $7::text[],
                         $8::numeric[], $9::numeric[], $10::numeric[])
               as e (account_id, account_version, transaction_id, position, direction, amount,
                     balance_after, debits_after)
         )
         update accounts a
            set posted_debits = moved.posted_debits, posted_credits = moved.posted_credits,
                version = moved.version, last_posted_at = $2::timestamptz
           from (
             select row.place, totals.*
               from unnest($11::uuid[], $12::numeric[], $13::numeric[], $14::bigint[])
                      as totals (id, posted_debits, posted_credits, version)
              cross join lateral (
                select ctid as place from accounts where ledger_id = $1 and id = totals.id limit 1
              ) row
           ) moved
          where a.ctid = moved.place`

/** Parameters 1 to 14 of a statement that ends with `moveMoney`. */
export function movementParameters(
  ledgerId: number,
  at: number,
  transactions: readonly TransactionRecord[],
  accounts: readonly LockedAccount[],
): unknown[] {
  const entries: { entry: PostedEntry; transactionId: string; position: number }[] = []
  for (const transaction of transactions) {
    transaction.entries.forEach((entry, position) =>
      entries.push({ entry, transactionId: transaction.id, position }),
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
    plainArray(accounts, (a) => a.id),
    plainArray(accounts, (a) => a.postedDebits),
    plainArray(accounts, (a) => a.postedCredits),
    plainArray(accounts, (a) => a.version),
  ]
}
