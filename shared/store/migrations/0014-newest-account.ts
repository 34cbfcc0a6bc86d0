import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Lets an account be found at once while somebody's snapshot keeps its old versions: from the back of the index, where the newest one
 * is. The guard of entries looks there, as posting itself does; what it checks is the same. And the index keeps an entry for each
 * version: those that share one are read from the front also by a scan that comes from the back. For Postgres; SQLite keeps no versions.
 *
 * Source: PostgreSQL, `_bt_readpage` in nbtsearch.c: "we deliberately save/return items from posting lists in ascending heap TID order".
 */
export class NewestAccount0000000000014 implements MigrationInterface {
  readonly name = 'NewestAccount0000000000014'

  async up(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') return
    await runner.query(`alter index accounts_pkey set (deduplicate_items = off)`)
    await runner.query(guardWith(fromTheBack))
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') return
    await runner.query(guardWith(fromTheFront))
    await runner.query(`alter index accounts_pkey reset (deduplicate_items)`)
  }
}

const fromTheBack = `select a.currency from accounts a
          where a.ledger_id = entry.ledger_id
            and a.id >= entry.account_id and a.id <= entry.account_id
          order by a.id desc limit 1`

const fromTheFront = `select a.currency from accounts a
          where a.ledger_id = entry.ledger_id and a.id = entry.account_id limit 1`

/** The guard of 0002. */
const guardWith = (
  lookup: string,
) => `create or replace function check_inserted_entries() returns trigger language plpgsql as $$
 declare
   ledger_ids integer[];
   transaction_ids uuid[];
   account_ids uuid[];
   times timestamptz[];
   debits_less_credits numeric[];
   culprit uuid;
 begin
   select array_agg(ledger_id), array_agg(transaction_id), array_agg(account_id),
          array_agg(posted_at), array_agg(case direction when 'debit' then amount else -amount end)
     into ledger_ids, transaction_ids, account_ids, times, debits_less_credits
     from inserted;
   select entry.transaction_id into culprit
     from unnest(ledger_ids, transaction_ids, account_ids, times, debits_less_credits)
            as entry(ledger_id, transaction_id, account_id, posted_at, signed)
     left join lateral (
       ${lookup}
     ) account on true
    group by entry.ledger_id, entry.transaction_id, account.currency
   having account.currency is null or sum(entry.signed) <> 0
    limit 1;
   if found then
     raise exception 'the entries of transaction % do not balance or name an unknown account', culprit
       using errcode = 'LF001';
   end if;
   select entry.transaction_id into culprit
     from (select distinct * from unnest(ledger_ids, transaction_ids, times)
             as e(ledger_id, transaction_id, posted_at)) entry
     left join lateral (
       select t.posted_at, t.xmin from transactions t
        where t.ledger_id = entry.ledger_id and t.id = entry.transaction_id limit 1
     ) posted on true
    where posted.posted_at is distinct from entry.posted_at
       or posted.xmin <> pg_current_xact_id()::xid
    limit 1;
   if found then
     raise exception 'the entries of transaction % belong to no transaction posted with them', culprit
       using errcode = 'LF001';
   end if;
   return null;
 end $$`
