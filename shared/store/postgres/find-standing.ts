import type { StandingTransaction } from '../../engine/posting-store.ts'
import type { TransactionStatus } from '../../ledger/transaction.ts'
import { fingerprint } from '../rows.ts'
import type { Prepared } from './posting-connection.ts'

/**
 * Finds the transactions that stand already, by idempotency key and by id, and tells the time. It is sent behind the
 * lock, so that it sees what the lock's former holders committed, and its clock is read after the lock was granted.
 * Always one row at least. Through `transactions_idempotency_key` and `transactions_pkey`, one probe a name; no lock.
 * Parameters: ledger id, keys, ids.
 *
 * `key = any($2)` was planned as a scan of the whole ledger until the table was analysed; a lateral probe has
 * one plan.
 */
export const findStanding: Prepared = {
  name: 'find_standing',
  text: `select clock.now, found.id, found.idempotency_key, found.fingerprint, found.status
           from (select (extract(epoch from clock_timestamp()) * 1000)::bigint as now) clock
           left join lateral (
             select t.id, t.idempotency_key, t.fingerprint, t.status
               from unnest($2::text[]) as wanted (key)
              cross join lateral (
                select id, idempotency_key, fingerprint, status from transactions
                 where ledger_id = $1 and idempotency_key = wanted.key limit 1
              ) t
             union all
             select t.id, t.idempotency_key, t.fingerprint, t.status
               from unnest($3::uuid[]) as wanted (id)
              cross join lateral (
                select id, idempotency_key, fingerprint, status from transactions
                 where ledger_id = $1 and id = wanted.id limit 1
              ) t
           ) found on true`,
}

/** Reads the time and the transactions from the rows of `findStanding`. */
export function standingOf(rows: readonly (readonly unknown[])[]): {
  readonly now: number
  readonly standing: readonly StandingTransaction[]
} {
  const standing: StandingTransaction[] = []
  for (const row of rows) {
    if (row[1] === null) continue
    standing.push({
      id: row[1] as string,
      idempotencyKey: row[2] as string | null,
      fingerprint: fingerprint(row[3]),
      status: row[4] as TransactionStatus,
    })
  }
  return { now: Number(rows[0]?.[0]), standing }
}
