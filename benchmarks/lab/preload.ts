import type { Client } from 'pg'

/** Transactions that one database transaction makes: large enough to be fast, small enough to be sorted in memory. */
const chunkSize = 20_000

/**
 * Makes the payments number `first` to `last` in one statement, between the accounts of $1 in turns, each a payment of 1.00
 * under a key of its own, all posted now. Versions, running balances and the accounts' totals go on from where they stand, in
 * the order of the payments, as if the service had posted them; the guards check every row.
 *
 * Ids are UUIDs of version 7 in that order: the time in ms, then 12 bits and 60 bits of the number.
 */
const makePayments = `
  with clock as (
    select date_trunc('milliseconds', clock_timestamp()) as now
  ), pair as (
    select n, clock.now,
           ($1::uuid[])[1 + n % $4] as debited,
           ($1::uuid[])[1 + (n + 1 + n / $4 % ($4 - 1)) % $4] as credited,
           (lpad(to_hex((extract(epoch from clock.now) * 1000)::bigint), 12, '0') || '7'
             || lpad(to_hex(n >> 48 & 4095), 3, '0') || '8' || lpad(to_hex(n), 15, '0'))::uuid as id
      from clock, generate_series($2::bigint, $3::bigint) n
  ), transaction as (
    insert into transactions
      (ledger_id, id, status, idempotency_key, fingerprint, currency, exponent, created_at, posted_at)
    select 1, id, 'posted', 'preload-' || n, sha256(int8send(n)), 'USD', 2, now, now from pair
  ), movement as (
    select account.*, pair.id as transaction_id, pair.n, pair.now, side.*,
           row_number() over line as step,
           sum(case side.direction when 'debit' then 100 else 0 end) over line as debited_here,
           sum(case side.direction when 'debit' then 100 else -100 end) over line as moved_here
      from pair
     cross join lateral (values (pair.debited, 0, 'debit'), (pair.credited, 1, 'credit'))
             as side (account_id, position, direction)
      join (select id, version, posted_debits, posted_credits from accounts
             where ledger_id = 1 and id = any($1)) account on account.id = side.account_id
    window line as (partition by account.id order by pair.n, side.position rows unbounded preceding)
  ), entry as (
    insert into entries
      (ledger_id, account_id, account_version, transaction_id, position, direction, amount,
       balance_after, debits_after, posted_at)
    select 1, account_id, version + step, transaction_id, position, direction, 100,
           posted_debits - posted_credits + moved_here, posted_debits + debited_here, now
      from movement
  )
  update accounts a
     set posted_debits = a.posted_debits + moved.debits,
         posted_credits = a.posted_credits + moved.credits,
         version = a.version + moved.steps, last_posted_at = moved.now
    from (select account_id, count(*) as steps, max(now) as now,
                 count(*) filter (where direction = 'debit') * 100 as debits,
                 count(*) filter (where direction = 'credit') * 100 as credits
            from movement group by account_id) moved
   where a.ledger_id = 1 and a.id = moved.account_id`

/**
 * Stores `count` posted payments between accounts in USD that are debit-normal and that nobody else posts to meanwhile, in
 * minutes for millions. Tells how many there are after each chunk. The books verify afterwards. Postgres only.
 */
export async function preload(
  database: Client,
  accounts: readonly string[],
  count: number,
  tell: (made: number) => void = () => undefined,
): Promise<void> {
  if (accounts.length < 2) throw new Error('a payment needs two accounts')
  for (let first = 0; first < count; first += chunkSize) {
    const last = Math.min(first + chunkSize, count) - 1
    await database.query(makePayments, [accounts, first, last, accounts.length])
    tell(last + 1)
  }
  // What a database has that grew over months: visible rows marked so, and statistics.
  await database.query('vacuum (analyze) accounts, transactions, entries')
}
