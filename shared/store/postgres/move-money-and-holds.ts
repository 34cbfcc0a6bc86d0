import type { BatchWrites } from '../../engine/posting-store.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import { resolvedText } from '../stored-columns.ts'
import { plainArray, timeText } from './array-text.ts'
import { movementParameters, movementParametersCount, type Movement } from './move-money.ts'
import { newestAccount } from './newest-account.ts'

/** How many parameters a statement that ends with `moveMoneyAndHolds` has for it: the first ones. */
export const movementAndHoldParametersCount = movementParametersCount + 8

/**
 * What `moveMoney` does, for a batch in which money is also set aside or released, or something is captured or reversed: the
 * accounts' held totals are written too, and what has become of the targets. Parameters 1 to 27: as `moveMoney`'s, then the
 * accounts' held totals and times, then the targets. The targets are locked: they are updated by their places, as the accounts are.
 */
export const moveMoneyAndHolds = (condition = '') => `resolved as (
           update transactions t
              set status = after.status, expires_at = after.expires_at,
                  resolved_entries = after.resolved_entries, resolved_at = after.resolved_at
             from (
               select row.place, targets.*
                 from unnest($23::uuid[], $24::text[], $25::timestamptz[], $26::json[], $27::timestamptz[])
                        as targets (id, status, expires_at, resolved_entries, resolved_at)
                cross join lateral (
                  select ctid as place from transactions where ledger_id = $1 and id = targets.id limit 1
                ) row
                ${condition}
             ) after
            where t.ctid = after.place
         ), posted as (
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
                version = moved.version, held_debits = moved.held_debits,
                held_credits = moved.held_credits, last_posted_at = moved.last_posted_at,
                chain_hash = decode(moved.chain_hash, 'hex'), chain_version = moved.version,
                newest_transaction_id = moved.newest_id,
                newest_transaction_version = moved.newest_version
           from (
             select row.place, totals.*
               from unnest($13::uuid[], $14::numeric[], $15::numeric[], $16::bigint[], $17::text[],
                           $18::uuid[], $19::bigint[], $20::numeric[], $21::numeric[],
                           $22::timestamptz[])
                      as totals (id, posted_debits, posted_credits, version, chain_hash, newest_id,
                                 newest_version, held_debits, held_credits, last_posted_at)
              cross join lateral (
                select ctid as place ${newestAccount('totals.id')}
              ) row
              ${condition}
           ) moved
          where a.ctid = moved.place`

/** Parameters 1 to 27 of a statement that ends with `moveMoneyAndHolds`. */
export function movementAndHoldParameters(
  ledgerId: number,
  transactions: readonly TransactionRecord[],
  movement: Movement & Pick<BatchWrites, 'targets'>,
): unknown[] {
  const { accounts, targets } = movement
  return [
    ...movementParameters(ledgerId, transactions, movement),
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
