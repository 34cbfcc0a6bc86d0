import type { TransactionRecord } from '../../engine/transaction-record.ts'
import type { LockedAccount } from '../../ledger/account.ts'
import { resolvedText } from '../stored-columns.ts'
import { plainArray, timeText } from './array-text.ts'
import { movementParameters } from './move-money.ts'

/** How many parameters a statement that ends with `moveMoneyAndHolds` has for it: the first ones. */
export const movementParametersCount = 22

/**
 * What `moveMoney` does, for a batch in which money is also set aside or released, or something is captured or reversed: the
 * accounts' held totals are written too, and what has become of the targets. Parameters 1 to 22: as `moveMoney`'s, then the
 * accounts' held totals and times, then the targets. The targets are locked: they are updated by their places, as the accounts are.
 */
export const moveMoneyAndHolds = `resolved as (
           update transactions t
              set status = after.status, expires_at = after.expires_at,
                  resolved_entries = after.resolved_entries, resolved_at = after.resolved_at
             from (
               select row.place, targets.*
                 from unnest($18::uuid[], $19::text[], $20::timestamptz[], $21::json[], $22::timestamptz[])
                        as targets (id, status, expires_at, resolved_entries, resolved_at)
                cross join lateral (
                  select ctid as place from transactions where ledger_id = $1 and id = targets.id limit 1
                ) row
             ) after
            where t.ctid = after.place
         ), posted as (
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
                version = moved.version, held_debits = moved.held_debits,
                held_credits = moved.held_credits, last_posted_at = moved.last_posted_at
           from (
             select row.place, totals.*
               from unnest($11::uuid[], $12::numeric[], $13::numeric[], $14::bigint[],
                           $15::numeric[], $16::numeric[], $17::timestamptz[])
                      as totals (id, posted_debits, posted_credits, version, held_debits,
                                 held_credits, last_posted_at)
              cross join lateral (
                select ctid as place from accounts where ledger_id = $1 and id = totals.id limit 1
              ) row
           ) moved
          where a.ctid = moved.place`

/** Parameters 1 to 22 of a statement that ends with `moveMoneyAndHolds`. */
export function movementAndHoldParameters(
  ledgerId: number,
  at: number,
  transactions: readonly TransactionRecord[],
  accounts: readonly LockedAccount[],
  targets: readonly TransactionRecord[],
): unknown[] {
  return [
    ...movementParameters(ledgerId, at, transactions, accounts),
    plainArray(accounts, (a) => a.heldDebits),
    plainArray(accounts, (a) => a.heldCredits),
    plainArray(accounts, (a) => timeOrNull(a.lastPostedAt)),
    plainArray(targets, (t) => t.id),
    plainArray(targets, (t) => t.status),
    plainArray(targets, (t) => timeOrNull(t.expiresAt)),
    targets.map(resolvedText),
    plainArray(targets, (t) => timeOrNull(t.resolvedAt)),
  ]
}

/** A time as Postgres reads it inside an array; null stays null. */
export function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeText(ms)
}
