import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * What has happened, for whoever is told of it. An event is written by the database transaction that it tells of: on Postgres those of
 * transactions by the writing statement, which knows the order in which a batch was decided; on SQLite, where rows are written one by
 * one in that order, by triggers; those of accounts by triggers on both.
 *
 * A position is the number of the writing database transaction, and behind it the event's own within that. On Postgres the first is
 * its xid and `event_numbering.base`, which keeps positions growing where xids begin anew: in another cluster. `1 << 20` events go into one.
 * On SQLite, which has one writer, `base` is the newest position itself.
 */
export class Events0000000000011 implements MigrationInterface {
  readonly name = 'Events0000000000011'

  async up(runner: QueryRunner): Promise<void> {
    const postgres = runner.connection.options.type === 'postgres'
    const statements = postgres
      ? [...postgresTables, ...numbering, ...postgresTriggers(await asOwner(runner))]
      : [...sqliteTables, ...numbering, ...sqliteTriggers, ...sqliteStatistics]
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    const postgres = runner.connection.options.type === 'postgres'
    for (const [table, trigger] of postgres ? postgresTriggerNames : sqliteTriggerNames) {
      await runner.query(`drop trigger ${trigger}${postgres ? ` on ${table}` : ''}`)
    }
    if (postgres) for (const name of postgresFunctions) await runner.query(`drop function ${name}`)
    if (!postgres) await runner.query(`delete from sqlite_stat1 where tbl = 'events'`)
    for (const name of ['pruned_events', 'event_numbering', 'events']) {
      await runner.query(`drop table ${name}`)
    }
  }
}

/** What makes a function run as its owner, on the tables of this schema and nobody else's. */
async function asOwner(runner: QueryRunner): Promise<string> {
  const [row] = (await runner.query(`select quote_ident(current_schema()) as schema`)) as [
    { schema: string },
  ]
  return `security definer set search_path = ${row.schema}, pg_temp`
}

const postgresTables = [
  `create table events (
     ledger_id integer not null,
     position bigint not null,
     type text not null,
     subject_id uuid not null,
     created_at timestamptz(3) not null,
     details json,
     constraint events_pkey primary key (ledger_id, position)
   )`,
  `create table event_numbering (
     id smallint not null,
     base bigint not null,
     constraint event_numbering_pkey primary key (id)
   )`,
  `create table pruned_events (
     ledger_id integer not null,
     position bigint not null,
     constraint pruned_events_pkey primary key (ledger_id)
   )`,
]

const sqliteTables = [
  `create table events (
     ledger_id integer not null,
     position integer not null,
     type text not null,
     subject_id text not null,
     created_at integer not null,
     details text,
     constraint events_pkey primary key (ledger_id, position)
   ) strict, without rowid`,
  `create table event_numbering (
     id integer not null,
     base integer not null,
     constraint event_numbering_pkey primary key (id)
   ) strict`,
  `create table pruned_events (
     ledger_id integer not null,
     position integer not null,
     constraint pruned_events_pkey primary key (ledger_id)
   ) strict`,
]

const numbering = [`insert into event_numbering (id, base) values (1, 0)`]

const postgresTriggerNames = [
  ['accounts', 'accounts_told_created'],
  ['accounts', 'accounts_told_updated'],
  ['events', 'events_no_update'],
  ['events', 'events_no_truncate'],
  ['events', 'events_kept_a_day'],
] as const

const postgresFunctions = ['tell_account', 'refuse_young_deletion']

/** Behind what this database transaction has told already: an account is not told of in the statements that post. */
const postgresTriggers = (asOwner: string) => [
  `create function tell_account() returns trigger language plpgsql ${asOwner} as $$
   declare
     first bigint := (select (pg_current_xact_id()::text::bigint + base) << 20
                        from event_numbering where id = 1);
     last bigint := (select max(position) from events
                      where ledger_id = new.ledger_id
                        and position > first and position < first + (1 << 20));
   begin
     if last = first + (1 << 20) - 1 then
       raise exception 'one database transaction can tell of % accounts at most', (1 << 20) - 1;
     end if;
     insert into events (ledger_id, position, type, subject_id, created_at, details)
     values (new.ledger_id, coalesce(last, first) + 1,
             case tg_op when 'INSERT' then 'account.created' else 'account.updated' end, new.id,
             case tg_op when 'INSERT' then new.created_at else clock_timestamp() end,
             json_build_object('name', new.name, 'status', new.status,
                               'minAvailable', new.min_available::text, 'metadata', new.metadata));
     return null;
   end $$`,
  `create trigger accounts_told_created after insert on accounts for each row
   execute function tell_account()`,
  `create trigger accounts_told_updated
   after update of name, status, min_available, metadata on accounts for each row
   when ((old.name, old.status, old.min_available, old.metadata)
         is distinct from (new.name, new.status, new.min_available, new.metadata))
   execute function tell_account()`,
  `create function refuse_young_deletion() returns trigger language plpgsql as $$
   begin
     if exists (select 1 from gone where created_at > clock_timestamp() - interval '1 day') then
       raise exception 'the ledger refuses to forget events within a day' using errcode = 'LF002';
     end if;
     return null;
   end $$`,
  `create trigger events_no_update before update on events
   for each statement execute function refuse_change()`,
  `create trigger events_no_truncate before truncate on events
   for each statement execute function refuse_change()`,
  `create trigger events_kept_a_day after delete on events
   referencing old table as gone for each statement execute function refuse_young_deletion()`,
  ...postgresTriggerNames
    .filter(([table]) => table === 'events')
    .map(([table, trigger]) => `alter table ${table} enable always trigger ${trigger}`),
]

const sqliteTriggerNames = [
  ['transactions', 'transactions_told_new'],
  ['transactions', 'transactions_told_ended'],
  ['transactions', 'transactions_told_passing'],
  ['transactions', 'transactions_told_resolved'],
  ['transactions', 'transactions_told_extended'],
  ['accounts', 'accounts_told_created'],
  ['accounts', 'accounts_told_updated'],
  ['events', 'events_no_update'],
  ['events', 'events_kept_a_day'],
] as const

/** Tells one event, given as SQL, of the row that a trigger is about. */
function tell(type: string, createdAt: string, details = 'null'): string {
  return `update event_numbering set base = base + 1 where id = 1;
     insert into events (ledger_id, position, type, subject_id, created_at, details)
     select new.ledger_id, base, ${type}, new.id, ${createdAt}, ${details}
       from event_numbering where id = 1;`
}

const endedAt = 'coalesce(new.posted_at, new.failed_at, new.canceled_at, new.held_at)'
const heldDetails = `json_object('expiresAt', new.expires_at, 'resolved', null)`
const isPlain = `new.status in ('posted', 'failed', 'canceled', 'held')`
const hasEnded = `new.status in ('captured', 'voided', 'expired')`

const tellEnd = tell(
  `'transaction.' || new.status`,
  endedAt,
  `case new.status when 'held' then ${heldDetails} end`,
)
const tellResolved = tell(`'hold.' || new.status`, 'new.resolved_at')
const accountDetails = `json_object('name', new.name, 'status', new.status,
  'minAvailable', new.min_available, 'metadata', json(new.metadata))`

const sqliteTriggers = [
  `create trigger transactions_told_new after insert on transactions when ${isPlain}
   begin ${tellEnd} end`,
  `create trigger transactions_told_ended after update of status on transactions
   when old.status = 'queued' and ${isPlain}
   begin ${tellEnd} end`,
  `create trigger transactions_told_passing after update of status on transactions
   when old.status = 'queued' and ${hasEnded}
   begin ${tell(`'transaction.held'`, 'new.held_at', heldDetails)} ${tellResolved} end`,
  `create trigger transactions_told_resolved after update of status on transactions
   when old.status = 'held' and ${hasEnded}
   begin ${tellResolved} end`,
  `create trigger transactions_told_extended after update of expires_at on transactions
   when old.status = 'held' and new.status = 'held' and old.expires_at is not new.expires_at
   begin ${tell(
     `'hold.extended'`,
     `cast(unixepoch('subsec') * 1000 as integer)`,
     `json_object('expiresAt', new.expires_at, 'resolved', json(new.resolved_entries))`,
   )} end`,
  `create trigger accounts_told_created after insert on accounts
   begin ${tell(`'account.created'`, 'new.created_at', accountDetails)} end`,
  `create trigger accounts_told_updated
   after update of name, status, min_available, metadata on accounts
   when old.name is not new.name or old.status is not new.status
     or old.min_available is not new.min_available or old.metadata is not new.metadata
   begin ${tell(
     `'account.updated'`,
     `cast(unixepoch('subsec') * 1000 as integer)`,
     accountDetails,
   )} end`,
  `create trigger events_no_update before update on events
   begin select raise(abort, 'the ledger refuses update of events'); end`,
  `create trigger events_kept_a_day before delete on events
   when old.created_at > (unixepoch('subsec') - 86400) * 1000
   begin select raise(abort, 'the ledger refuses to forget events within a day'); end`,
]

/** As with the first tables: what the planner is told once and for good. */
const sqliteStatistics = [
  `insert into sqlite_stat1 (tbl, idx, stat) values ('events', 'events', '1000000 1000000 1')`,
]
