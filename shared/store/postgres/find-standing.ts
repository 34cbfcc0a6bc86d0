import type { Standing } from '../../engine/posting-store.ts'
import type { TransactionStatus } from '../../ledger/transaction.ts'
import { hex, holdChangeOf } from '../rows.ts'
import { oneByKey } from './one-by-key.ts'
import type { Prepared } from './posting-connection.ts'

/**
 * Finds the transactions and the changes of holds that stand already, by idempotency key and by id, and tells the time. It is sent behind the
 * lock, so that it sees what the lock's former holders committed, and its clock is read after the lock was granted.
 * Always one row at least. Through `transactions_idempotency_key`, `transactions_pkey` and the same two of `hold_changes`, one probe a name; no lock.
 * Parameters: ledger id, keys, ids.
 *
 * `key = any($2)` was planned as a scan of the whole ledger until the table was analysed; so each is looked up by itself.
 */
export const findStanding: Prepared = {
  name: 'find_standing',
  text: `select clock.now, found.*
           from (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now) clock
           left join lateral (
             select t.id, t.idempotency_key, t.fingerprint, t.status, null::uuid as hold_id,
                    null::json as wish, null::timestamptz as expires_at, null::json as failure,
                    null::timestamptz as created_at
               from unnest($2::text[]) as wanted (key)
              cross join lateral (
                select id, idempotency_key, fingerprint, status from transactions
                 ${oneByKey('idempotency_key', 'wanted.key')}
              ) t
             union all
             select t.id, t.idempotency_key, t.fingerprint, t.status, null, null, null, null, null
               from unnest($3::uuid[]) as wanted (id)
              cross join lateral (
                select id, idempotency_key, fingerprint, status from transactions
                 ${oneByKey('id', 'wanted.id')}
              ) t
             union all
             select c.id, c.idempotency_key, c.fingerprint, null, c.hold_id, c.wish, c.expires_at,
                    c.failure, c.created_at
               from unnest($2::text[]) as wanted (key)
              cross join lateral (
                select * from hold_changes
                 ${oneByKey('idempotency_key', 'wanted.key')}
              ) c
             union all
             select c.id, c.idempotency_key, c.fingerprint, null, c.hold_id, c.wish, c.expires_at,
                    c.failure, c.created_at
               from unnest($3::uuid[]) as wanted (id)
              cross join lateral (
                select * from hold_changes
                 ${oneByKey('id', 'wanted.id')}
              ) c
           ) found on true`,
}

/** Reads the time and what stands from the rows of `findStanding`. */
export function standingOf(rows: readonly (readonly unknown[])[]): {
  readonly now: number
  readonly standing: readonly Standing[]
} {
  const standing: Standing[] = []
  for (const row of rows) {
    if (row[1] === null) continue
    standing.push(row[5] === null ? standingTransactionIn(row) : standingChangeIn(row))
  }
  return { now: Number(rows[0]?.[0]), standing }
}

function standingTransactionIn(row: readonly unknown[]): Standing {
  return {
    id: row[1] as string,
    idempotencyKey: row[2] as string | null,
    fingerprint: hex(row[3]),
    status: row[4] as TransactionStatus,
  }
}

function standingChangeIn(row: readonly unknown[]): Standing {
  const [, id, idempotency_key, fingerprint_, , hold_id, wish, expires_at, failure, created_at] =
    row
  return holdChangeOf({
    id,
    idempotency_key,
    fingerprint: fingerprint_,
    hold_id,
    wish,
    expires_at,
    failure,
    created_at,
  })
}
