import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Postgres refuses a transaction that is posted without its entries, as SQLite has from the start. That entries come with their
 * transaction, balance, and are positive was guarded already: so one that has any has two at least.
 */
export class PostedHasEntries0000000000003 implements MigrationInterface {
  readonly name = 'PostedHasEntries0000000000003'

  async up(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') return
    for (const statement of guards) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') return
    for (const trigger of triggers) await runner.query(`drop trigger ${trigger} on transactions`)
    await runner.query(`drop function check_posted_transactions`)
  }
}

const triggers = ['transactions_inserted_have_entries', 'transactions_updated_have_entries']

/**
 * LF001, as for entries that are wrong. The check runs once a statement, at its end, over all rows that it wrote, and probes
 * `entries_transaction` once for each that is posted: transaction and entries are written by one statement. It reads the
 * rows into arrays first, since Citus refuses a join of a transition table with a distributed table.
 */
const guards = [
  `create function check_posted_transactions() returns trigger language plpgsql as $$
   declare
     ledger_ids integer[];
     ids uuid[];
     culprit uuid;
   begin
     select array_agg(ledger_id), array_agg(id) into ledger_ids, ids
       from written where posted_at is not null;
     if ids is null then
       return null;
     end if;
     select posted.id into culprit
       from unnest(ledger_ids, ids) as posted(ledger_id, id)
       left join lateral (
         select e.position from entries e
          where e.ledger_id = posted.ledger_id and e.transaction_id = posted.id limit 1
       ) entry on true
      where entry.position is null
      limit 1;
     if found then
       raise exception 'transaction % is posted without entries', culprit using errcode = 'LF001';
     end if;
     return null;
   end $$`,

  // One trigger for both is not to be had: a transition table belongs to one kind of event.
  `create trigger transactions_inserted_have_entries after insert on transactions
   referencing new table as written for each statement execute function check_posted_transactions()`,
  `create trigger transactions_updated_have_entries after update on transactions
   referencing new table as written for each statement execute function check_posted_transactions()`,
  ...triggers.map((trigger) => `alter table transactions enable always trigger ${trigger}`),
]
