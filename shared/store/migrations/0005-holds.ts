import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Holds, reversals and several currencies in one transaction: what was asked for beyond posting at once, what has become of it,
 * and the guards of that. All new columns are null for a plain payment, and no new index has a column, nor a condition on one,
 * that changes when a queued payment is posted: its update stays HOT.
 */
export class Holds0000000000005 implements MigrationInterface {
  readonly name = 'Holds0000000000005'

  async up(runner: QueryRunner): Promise<void> {
    const statements =
      runner.connection.options.type === 'postgres'
        ? [...postgresColumns, ...indexes, ...postgresGuards]
        : [...sqliteColumns, ...indexes, ...sqliteGuards, ...sqliteStatistics]
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    const statements = runner.connection.options.type === 'postgres' ? postgresDown : sqliteDown
    for (const statement of statements) await runner.query(statement)
  }
}

const statuses = `status in ('queued', 'held', 'posted', 'failed', 'canceled', 'captured', 'voided', 'expired')`
const formerStatuses = `status in ('queued', 'posted', 'failed', 'canceled')`

/** A hold, and nothing else, has the time at which it was placed. */
const holdTimes = `(status in ('held', 'captured', 'voided', 'expired')) = (held_at is not null)`

const columns = [
  'wish',
  'currencies',
  'reversal_of',
  'hold_id',
  'held_at',
  'expires_at',
  'resolved_at',
  'resolved_entries',
]

const postgresColumns = [
  `alter table transactions
     add column wish json,
     add column currencies json,
     add column reversal_of uuid,
     add column hold_id uuid,
     add column held_at timestamptz(3),
     add column expires_at timestamptz(3),
     add column resolved_at timestamptz(3),
     add column resolved_entries json,
     drop constraint transactions_status_check`,
  `alter table transactions
     add constraint transactions_status_check check (${statuses}),
     add constraint transactions_hold_times_check check (${holdTimes})`,
  `create table hold_changes (
     ledger_id integer not null,
     id uuid not null,
     hold_id uuid not null,
     wish json not null,
     idempotency_key text,
     fingerprint bytea,
     expires_at timestamptz(3),
     failure json,
     created_at timestamptz(3) not null,
     constraint hold_changes_pkey primary key (ledger_id, id)
   )`,
]

/** SQLite keeps a table's columns before its constraints; TypeORM does not see the last check, so it is the one it is not told of. */
const sqliteColumns = [
  `alter table transactions drop constraint "transactions_status_check"`,
  ...columns.map(
    (name) =>
      `alter table transactions add column ${name} ${name.endsWith('_at') ? 'integer' : 'text'}`,
  ),
  `alter table transactions add CONSTRAINT "transactions_status_check" CHECK (${statuses})`,
  `alter table transactions add CONSTRAINT "transactions_hold_times_check" CHECK (${holdTimes})`,
  `create table hold_changes (
     ledger_id integer not null,
     id text not null,
     hold_id text not null,
     wish text not null,
     idempotency_key text,
     fingerprint blob,
     expires_at integer,
     failure text,
     created_at integer not null,
     constraint hold_changes_pkey primary key (ledger_id, id)
   ) strict, without rowid`,
]

/**
 * Due holds for whoever ends them, open and ended ones for lists, the parts of a transaction for its verification. The key of
 * `hold_changes` after its primary key: where the planner cannot tell them apart it takes the newest, and only this one is partial.
 */
const indexes = [
  `create index transactions_holds_due on transactions (ledger_id, expires_at, id)
   WHERE "expires_at" IS NOT NULL AND "resolved_at" IS NULL`,
  `create index transactions_holds_open on transactions (ledger_id, id)
   WHERE "expires_at" IS NOT NULL AND "resolved_at" IS NULL`,
  `create index transactions_holds_ended on transactions (ledger_id, id)
   WHERE "resolved_at" IS NOT NULL`,
  `create index transactions_reversals on transactions (ledger_id, reversal_of)
   WHERE "reversal_of" IS NOT NULL`,
  `create index transactions_captures on transactions (ledger_id, hold_id)
   WHERE "hold_id" IS NOT NULL`,
  `create unique index hold_changes_idempotency_key on hold_changes (ledger_id, idempotency_key)
   WHERE "idempotency_key" IS NOT NULL`,
]

/**
 * LF002: a change to what may never change. Once it has ended or is held, a transaction moves forward only: of a hold and of a
 * posted transaction more and more is captured or reversed, never less and never more than an entry's 38 digits could hold; a
 * hold may be put off while it is held, and ends once. All its other columns stay, also those of later versions.
 *
 * An update of a queued transaction does not come here.
 */
const postgresGuards = [
  `create function refuse_unless_forward() returns trigger language plpgsql as $$
   declare
     moving constant text[] := array['status', 'expires_at', 'resolved_at', 'resolved_entries'];
   begin
     if (old.status = 'held' and new.status in ('held', 'captured', 'voided', 'expired')
          or old.status = 'posted' and new.status = 'posted')
       and to_jsonb(old) - moving = to_jsonb(new) - moving
       and (new.expires_at is not distinct from old.expires_at
            or old.status = 'held' and new.status = 'held' and new.expires_at is not null)
       and (new.resolved_at is not null) = (new.status in ('captured', 'voided', 'expired'))
       and (old.resolved_entries is null or new.resolved_entries is not null
            and json_array_length(new.resolved_entries) = json_array_length(old.resolved_entries))
       and not exists (
         select from json_array_elements_text(coalesce(old.resolved_entries, '[]'))
                       with ordinality as former (amount, place)
           join json_array_elements_text(coalesce(new.resolved_entries, '[]'))
                       with ordinality as latter (amount, place) using (place)
          where latter.amount::numeric < former.amount::numeric)
     then
       return new;
     end if;
     raise exception 'the ledger refuses % of %', lower(tg_op), tg_table_name using errcode = 'LF002';
   end $$`,
  `drop trigger transactions_forward_only on transactions`,
  `create trigger transactions_forward_only before update on transactions for each row
   when (old.status <> 'queued'
     or (old.ledger_id, old.id, old.currency, old.created_at)
        is distinct from (new.ledger_id, new.id, new.currency, new.created_at)
     or old.idempotency_key is distinct from new.idempotency_key
     or old.fingerprint is distinct from new.fingerprint
     or old.reversal_of is distinct from new.reversal_of
     or old.hold_id is distinct from new.hold_id
     or old.wish::text is distinct from new.wish::text)
   execute function refuse_unless_forward()`,
  `alter table transactions enable always trigger transactions_forward_only`,
  ...(
    [
      ['hold_changes_append_only', 'update or delete'],
      ['hold_changes_no_truncate', 'truncate'],
    ] as const
  ).flatMap(([trigger, event]) => [
    `create trigger ${trigger} before ${event} on hold_changes
     for each statement execute function refuse_change()`,
    `alter table hold_changes enable always trigger ${trigger}`,
  ]),
]

const formerPostgresTrigger = `create trigger transactions_forward_only before update on transactions for each row
   when (old.status <> 'queued'
     or (old.ledger_id, old.id, old.currency, old.created_at)
        is distinct from (new.ledger_id, new.id, new.currency, new.created_at)
     or old.idempotency_key is distinct from new.idempotency_key
     or old.fingerprint is distinct from new.fingerprint)
   execute function refuse_change()`

const postgresDown = [
  `drop table hold_changes`,
  `drop trigger transactions_forward_only on transactions`,
  formerPostgresTrigger,
  `alter table transactions enable always trigger transactions_forward_only`,
  `drop function refuse_unless_forward`,
  `alter table transactions
     ${columns.map((name) => `drop column ${name}`).join(', ')},
     drop constraint transactions_status_check`,
  `alter table transactions add constraint transactions_status_check check (${formerStatuses})`,
]

/** Columns of a transaction that never change, whatever becomes of it. */
const identity = [
  'ledger_id',
  'id',
  'currency',
  'created_at',
  'idempotency_key',
  'fingerprint',
  'wish',
  'reversal_of',
  'hold_id',
]

/** Columns that do not change any more either once it is no longer queued. */
const settled = [
  'reference',
  'description',
  'exponent',
  'metadata',
  'effective_at',
  'ordering_key',
  'posted_at',
  'failed_at',
  'canceled_at',
  'failure',
  'requested_entries',
  'slot',
  'sequence',
  'currencies',
  'held_at',
]

const changes = (names: readonly string[]) =>
  names.map((name) => `old.${name} is not new.${name}`).join(' or ')

/** Minor units as text: of two without leading zeros the longer is more, and of two as long the later in the alphabet. */
const sqliteGuards = [
  `drop trigger transactions_forward_only`,
  `create trigger transactions_forward_only before update on transactions
   when ${changes(identity)} or old.status <> 'queued' and (
     not (old.status = 'held' and new.status in ('held', 'captured', 'voided', 'expired')
          or old.status = 'posted' and new.status = 'posted')
     or ${changes(settled)}
     or new.expires_at is not old.expires_at
        and not (old.status = 'held' and new.status = 'held' and new.expires_at is not null)
     or (new.resolved_at is not null) <> (new.status in ('captured', 'voided', 'expired'))
     or json_array_length(coalesce(new.resolved_entries, '[]'))
        < json_array_length(coalesce(old.resolved_entries, '[]'))
     or exists (
       select 1 from json_each(coalesce(old.resolved_entries, '[]')) former
         join json_each(coalesce(new.resolved_entries, '[]')) latter on latter.key = former.key
        where length(latter.value) < length(former.value)
           or length(latter.value) = length(former.value) and latter.value < former.value))
   begin select raise(abort, 'the ledger refuses update of transactions'); end`,
  `create trigger hold_changes_once before insert on hold_changes
   begin
     select raise(abort, 'the ledger refuses a second change of the same id or key')
      where exists (select 1 from hold_changes where ledger_id = new.ledger_id and id = new.id)
         or exists (select 1 from hold_changes
                     where ledger_id = new.ledger_id and idempotency_key = new.idempotency_key);
   end`,
  `create trigger hold_changes_no_update before update on hold_changes
   begin select raise(abort, 'the ledger refuses update of hold_changes'); end`,
  `create trigger hold_changes_no_delete before delete on hold_changes
   begin select raise(abort, 'the ledger refuses delete of hold_changes'); end`,
]

/** As with the first tables: what the planner is told once and for good. */
const sqliteStatistics = [
  `insert into sqlite_stat1 (tbl, idx, stat) values
     ('transactions', 'transactions_holds_due', '10000 10000 2 1'),
     ('transactions', 'transactions_holds_open', '10000 10000 1'),
     ('transactions', 'transactions_holds_ended', '100000 100000 1'),
     ('transactions', 'transactions_reversals', '10000 10000 2'),
     ('transactions', 'transactions_captures', '10000 10000 2'),
     ('hold_changes', 'hold_changes', '10000 10000 1'),
     ('hold_changes', 'hold_changes_idempotency_key', '10000 10000 1')`,
]

const sqliteDown = [
  `delete from sqlite_stat1 where idx like '%hold%' or idx in ('transactions_reversals', 'transactions_captures')`,
  `drop table hold_changes`,
  `drop trigger transactions_forward_only`,
  ...[
    'transactions_holds_due',
    'transactions_holds_open',
    'transactions_holds_ended',
    'transactions_reversals',
    'transactions_captures',
  ].map((name) => `drop index ${name}`),
  `alter table transactions drop constraint "transactions_hold_times_check"`,
  `alter table transactions drop constraint "transactions_status_check"`,
  ...columns.map((name) => `alter table transactions drop column ${name}`),
  `alter table transactions add CONSTRAINT "transactions_status_check" CHECK (${formerStatuses})`,
  `create trigger transactions_forward_only before update on transactions
   when old.status <> 'queued' or old.ledger_id <> new.ledger_id or old.id <> new.id
     or old.currency <> new.currency or old.created_at <> new.created_at
     or old.idempotency_key is not new.idempotency_key or old.fingerprint is not new.fingerprint
   begin select raise(abort, 'the ledger refuses update of transactions'); end`,
]
