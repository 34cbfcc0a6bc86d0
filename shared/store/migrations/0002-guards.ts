import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The guards of the database: they hold whoever writes, also its owner at a prompt, and refuse what would make
 * the books wrong. The service never runs into them; when it does, it is a defect of ours, isolated and loud.
 */
export class Guards0000000000002 implements MigrationInterface {
  readonly name = 'Guards0000000000002'

  async up(runner: QueryRunner): Promise<void> {
    const guards = runner.connection.options.type === 'postgres' ? postgresGuards : sqliteGuards
    for (const statement of guards) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    const postgres = runner.connection.options.type === 'postgres'
    for (const [table, trigger] of postgres ? postgresTriggers : sqliteTriggers) {
      await runner.query(`drop trigger ${trigger}${postgres ? ` on ${table}` : ''}`)
    }
    if (!postgres) return
    await runner.query(`drop function refuse_change`)
    await runner.query(`drop function check_inserted_entries`)
  }
}

const postgresTriggers = [
  ['entries', 'entries_balance'],
  ['entries', 'entries_append_only'],
  ['entries', 'entries_no_truncate'],
  ['transactions', 'transactions_forward_only'],
  ['transactions', 'transactions_no_delete'],
  ['transactions', 'transactions_no_truncate'],
  ['accounts', 'accounts_identity'],
  ['accounts', 'accounts_no_delete'],
  ['accounts', 'accounts_no_truncate'],
] as const

/**
 * LF001: entries that do not balance by themselves, or name an account or posted transaction that is not there.
 * LF002: a change to what may never change.
 *
 * Entries come with their transaction, in the same database transaction (its row carries the number of it, `xmin`): one that
 * stands posted takes no more. The check runs once a statement over all rows it inserted. It reads them into arrays first: a join of a
 * transition table with a distributed table is refused by Citus. `enable always` keeps the guards up when
 * replication triggers are switched off.
 */
const postgresGuards = [
  `create function check_inserted_entries() returns trigger language plpgsql as $$
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
         select a.currency from accounts a
          where a.ledger_id = entry.ledger_id and a.id = entry.account_id limit 1
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
   end $$`,
  `create function refuse_change() returns trigger language plpgsql as $$
   begin
     raise exception 'the ledger refuses % of %', lower(tg_op), tg_table_name using errcode = 'LF002';
   end $$`,

  `create trigger entries_balance after insert on entries
   referencing new table as inserted for each statement execute function check_inserted_entries()`,
  `create trigger entries_append_only before update or delete on entries
   for each statement execute function refuse_change()`,
  `create trigger entries_no_truncate before truncate on entries
   for each statement execute function refuse_change()`,

  `create trigger transactions_forward_only before update on transactions for each row
   when (old.status <> 'queued'
     or (old.ledger_id, old.id, old.currency, old.created_at)
        is distinct from (new.ledger_id, new.id, new.currency, new.created_at)
     or old.idempotency_key is distinct from new.idempotency_key
     or old.fingerprint is distinct from new.fingerprint)
   execute function refuse_change()`,
  `create trigger transactions_no_delete before delete on transactions
   for each statement execute function refuse_change()`,
  `create trigger transactions_no_truncate before truncate on transactions
   for each statement execute function refuse_change()`,

  `create trigger accounts_identity before update on accounts for each row
   when ((old.ledger_id, old.id, old.account_type, old.currency, old.exponent)
         is distinct from (new.ledger_id, new.id, new.account_type, new.currency, new.exponent)
     or new.version < old.version)
   execute function refuse_change()`,
  `create trigger accounts_no_delete before delete on accounts
   for each statement execute function refuse_change()`,
  `create trigger accounts_no_truncate before truncate on accounts
   for each statement execute function refuse_change()`,

  ...postgresTriggers.map(
    ([table, trigger]) => `alter table ${table} enable always trigger ${trigger}`,
  ),
]

const sqliteTriggers = [
  ['entries', 'entries_before_posting'],
  ['entries', 'entries_no_update'],
  ['entries', 'entries_no_delete'],
  ['transactions', 'transactions_once'],
  ['transactions', 'transactions_balance_inserted'],
  ['transactions', 'transactions_balance_updated'],
  ['transactions', 'transactions_forward_only'],
  ['transactions', 'transactions_no_delete'],
  ['accounts', 'accounts_once'],
  ['accounts', 'accounts_code_once'],
  ['accounts', 'accounts_identity'],
  ['accounts', 'accounts_no_delete'],
] as const

/**
 * SQLite has no statement-level triggers, so the order of writing carries the check: entries come first and none
 * may be added to a transaction that is posted; when its row becomes posted, its entries must balance. The deferred
 * key of `entries` sees to it that the row does come. `debits_less_credits` is ours (SQLite cannot add 38 digits), so
 * nobody without it can post. The `once` triggers stop REPLACE, which deletes without asking the delete trigger.
 */
const balance = `
  select raise(abort, 'the ledger refuses a posted transaction that does not balance')
   where (select count(*) from entries
           where ledger_id = new.ledger_id and transaction_id = new.id) < 2
      or exists (select 1 from entries e left join accounts a
                     on a.ledger_id = e.ledger_id and a.id = e.account_id
                  where e.ledger_id = new.ledger_id and e.transaction_id = new.id
                  group by a.currency
                 having debits_less_credits(e.direction, e.amount) <> '0' or a.currency is null
                     or min(e.posted_at) <> new.posted_at or max(e.posted_at) <> new.posted_at);`

const sqliteGuards = [
  `create trigger entries_before_posting before insert on entries
   begin
     select raise(abort, 'the ledger refuses entries for a transaction that has ended')
      where exists (select 1 from transactions
                     where ledger_id = new.ledger_id and id = new.transaction_id and status <> 'queued');
     select raise(abort, 'the ledger refuses a second entry of the same version')
      where exists (select 1 from entries
                     where ledger_id = new.ledger_id and account_id = new.account_id
                       and account_version = new.account_version);
   end`,
  `create trigger entries_no_update before update on entries
   begin select raise(abort, 'the ledger refuses update of entries'); end`,
  `create trigger entries_no_delete before delete on entries
   begin select raise(abort, 'the ledger refuses delete of entries'); end`,

  `create trigger transactions_once before insert on transactions
   begin
     select raise(abort, 'the ledger refuses a second transaction of the same id or key')
      where exists (select 1 from transactions where ledger_id = new.ledger_id and id = new.id)
         or exists (select 1 from transactions
                     where ledger_id = new.ledger_id and idempotency_key = new.idempotency_key);
   end`,
  `create trigger transactions_balance_inserted after insert on transactions
   when new.posted_at is not null
   begin ${balance} end`,
  `create trigger transactions_balance_updated after update of posted_at on transactions
   when new.posted_at is not null
   begin ${balance} end`,
  `create trigger transactions_forward_only before update on transactions
   when old.status <> 'queued' or old.ledger_id <> new.ledger_id or old.id <> new.id
     or old.currency <> new.currency or old.created_at <> new.created_at
     or old.idempotency_key is not new.idempotency_key or old.fingerprint is not new.fingerprint
   begin select raise(abort, 'the ledger refuses update of transactions'); end`,
  `create trigger transactions_no_delete before delete on transactions
   begin select raise(abort, 'the ledger refuses delete of transactions'); end`,

  `create trigger accounts_once before insert on accounts
   begin
     select raise(abort, 'the ledger refuses a second account of the same id or code')
      where exists (select 1 from accounts where ledger_id = new.ledger_id and id = new.id)
         or exists (select 1 from accounts where ledger_id = new.ledger_id and code = new.code);
   end`,
  `create trigger accounts_code_once before update of code on accounts when old.code is not new.code
   begin
     select raise(abort, 'the ledger refuses a second account of the same code')
      where exists (select 1 from accounts where ledger_id = new.ledger_id and code = new.code);
   end`,
  `create trigger accounts_identity before update on accounts
   when old.ledger_id <> new.ledger_id or old.id <> new.id or old.account_type <> new.account_type
     or old.currency <> new.currency or old.exponent <> new.exponent or new.version < old.version
   begin select raise(abort, 'the ledger refuses update of accounts'); end`,
  `create trigger accounts_no_delete before delete on accounts
   begin select raise(abort, 'the ledger refuses delete of accounts'); end`,
]
