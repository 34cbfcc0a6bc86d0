import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * What the history of the books and the search in them need besides the books themselves: the closing time of a ledger, and
 * tables beside the main ones that hold only what is out of the ordinary, so that a plain payment pays nothing for them.
 *
 * - `dated_entries`: entries whose transaction takes effect at another time than it was posted.
 * - `transaction_metadata`, `account_metadata`: the names and values that somebody may search for.
 * - `unposted_accounts`: the accounts that a transaction names which ended without entries.
 *
 * Triggers fill them, whoever writes: what stands beside the books cannot be forgotten. Their conditions are judged before
 * anything is called, so that a row which concerns none of them costs next to nothing.
 */
export class HistoryAndSearch0000000000006 implements MigrationInterface {
  readonly name = 'HistoryAndSearch0000000000006'

  async up(runner: QueryRunner): Promise<void> {
    const postgres = runner.connection.options.type === 'postgres'
    const statements = postgres
      ? [
          ...postgresTables,
          ...indexes,
          ...postgresKeys,
          ...postgresFill,
          ...postgresTriggers(await asOwner(runner)),
        ]
      : [...sqliteTables, ...indexes, ...sqliteFill, ...sqliteTriggers, ...sqliteStatistics]
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    const postgres = runner.connection.options.type === 'postgres'
    for (const [table, trigger] of postgres ? postgresTriggerNames : sqliteTriggerNames) {
      await runner.query(`drop trigger ${trigger}${postgres ? ` on ${table}` : ''}`)
    }
    if (postgres) for (const name of postgresFunctions) await runner.query(`drop function ${name}`)
    for (const name of ['entries_posted', 'transactions_effective']) {
      await runner.query(`drop index ${name}`)
    }
    for (const name of tables) await runner.query(`drop table ${name}`)
    await runner.query(`alter table ledgers drop column books_closed_until`)
  }
}

/** What makes a function run as its owner, on the tables of this schema and nobody else's. */
async function asOwner(runner: QueryRunner): Promise<string> {
  const [row] = (await runner.query(`select quote_ident(current_schema()) as schema`)) as [
    { schema: string },
  ]
  return `security definer set search_path = ${row.schema}, pg_temp`
}

const tables = ['dated_entries', 'transaction_metadata', 'account_metadata', 'unposted_accounts']

const postgresTables = [
  `alter table ledgers add column books_closed_until timestamptz(3)`,
  `create table dated_entries (
     ledger_id integer not null,
     account_id uuid not null,
     account_version bigint not null,
     effective_at timestamptz(3) not null,
     posted_at timestamptz(3) not null,
     direction text not null,
     amount numeric(38,0) not null
   )`,
  `create table transaction_metadata (
     ledger_id integer not null,
     name text not null,
     value text not null,
     transaction_id uuid not null
   )`,
  `create table account_metadata (
     ledger_id integer not null,
     name text not null,
     value text not null,
     account_id uuid not null
   )`,
  `create table unposted_accounts (
     ledger_id integer not null,
     account_id uuid not null,
     transaction_id uuid not null
   )`,
]

const sqliteTables = [
  `alter table ledgers add column books_closed_until integer`,
  `create table dated_entries (
     ledger_id integer not null,
     account_id text not null,
     account_version integer not null,
     effective_at integer not null,
     posted_at integer not null,
     direction text not null,
     amount text not null,
     constraint dated_entries_pkey primary key (ledger_id, account_id, account_version)
   ) strict, without rowid`,
  `create table transaction_metadata (
     ledger_id integer not null,
     name text not null,
     value text not null,
     transaction_id text not null,
     constraint transaction_metadata_pkey primary key (ledger_id, name, value, transaction_id)
   ) strict, without rowid`,
  `create table account_metadata (
     ledger_id integer not null,
     name text not null,
     value text not null,
     account_id text not null,
     constraint account_metadata_pkey primary key (ledger_id, name, value, account_id)
   ) strict, without rowid`,
  `create table unposted_accounts (
     ledger_id integer not null,
     account_id text not null,
     transaction_id text not null,
     constraint unposted_accounts_pkey primary key (ledger_id, account_id, transaction_id)
   ) strict, without rowid`,
]

/**
 * `entries_posted` is the one that every payment pays for: it grows at its end only. It has the first entry of each, because an
 * index over `posted_at` of transactions would change with each that is drained, and with it all their other indexes: 15 %
 * of what a drained transaction costs Postgres.
 */
const indexes = [
  `create index entries_posted on entries (ledger_id, posted_at, transaction_id)
   WHERE "position" = 0`,
  `create index transactions_effective on transactions (ledger_id, effective_at, id)
   WHERE "effective_at" IS NOT NULL`,
  `create index dated_entries_of_account
   on dated_entries (ledger_id, account_id, effective_at, account_version)`,
  `create index dated_entries_posted
   on dated_entries (ledger_id, posted_at, account_id, account_version)`,
  `create index dated_entries_effective
   on dated_entries (ledger_id, effective_at, account_id, account_version)`,
  `create index account_metadata_of_account on account_metadata (ledger_id, account_id)`,
]

/** Made last, so that a planner without statistics prefers them, as in the first migration. */
const postgresKeys = [
  `alter table dated_entries
   add constraint dated_entries_pkey primary key (ledger_id, account_id, account_version)`,
  `alter table transaction_metadata
   add constraint transaction_metadata_pkey primary key (ledger_id, name, value, transaction_id)`,
  `alter table account_metadata
   add constraint account_metadata_pkey primary key (ledger_id, name, value, account_id)`,
  `alter table unposted_accounts
   add constraint unposted_accounts_pkey primary key (ledger_id, account_id, transaction_id)`,
]

const fillDatedEntries = `
  insert into dated_entries
    (ledger_id, account_id, account_version, effective_at, posted_at, direction, amount)
  select e.ledger_id, e.account_id, e.account_version, t.effective_at, t.posted_at, e.direction, e.amount
    from transactions t
    join entries e on e.ledger_id = t.ledger_id and e.transaction_id = t.id
   where t.posted_at is not null and t.effective_at <> t.posted_at`

/** What a ledger that was here before has of all this. */
const postgresFill = [
  fillDatedEntries,
  `insert into transaction_metadata (ledger_id, name, value, transaction_id)
   select t.ledger_id, m.key, m.value, t.id
     from transactions t cross join lateral jsonb_each_text(t.metadata) m`,
  `insert into account_metadata (ledger_id, name, value, account_id)
   select a.ledger_id, m.key, m.value, a.id
     from accounts a cross join lateral jsonb_each_text(a.metadata) m`,
  `insert into unposted_accounts (ledger_id, account_id, transaction_id)
   select distinct t.ledger_id, (e.value ->> 'accountId')::uuid, t.id
     from transactions t cross join lateral json_array_elements(t.requested_entries) e
    where t.posted_at is null and t.status <> 'queued'`,
]

const sqliteFill = [
  fillDatedEntries,
  `insert into transaction_metadata (ledger_id, name, value, transaction_id)
   select t.ledger_id, m.key, m.value, t.id from transactions t join json_each(t.metadata) m`,
  `insert into account_metadata (ledger_id, name, value, account_id)
   select a.ledger_id, m.key, m.value, a.id from accounts a join json_each(a.metadata) m`,
  `insert into unposted_accounts (ledger_id, account_id, transaction_id)
   select distinct t.ledger_id, json_extract(e.value, '$.accountId'), t.id
     from transactions t join json_each(t.requested_entries) e
    where t.posted_at is null and t.status <> 'queued'`,
]

const postgresTriggerNames = [
  ['ledgers', 'ledgers_closed_for_good'],
  ['transactions', 'transactions_dated'],
  ['transactions', 'transactions_metadata'],
  ['transactions', 'transactions_unposted'],
  ['accounts', 'accounts_metadata_inserted'],
  ['accounts', 'accounts_metadata_updated'],
  ['dated_entries', 'dated_entries_append_only'],
  ['dated_entries', 'dated_entries_no_truncate'],
] as const

const postgresFunctions = [
  'note_dated_entries',
  'note_transaction_metadata',
  'note_unposted_accounts',
  'note_account_metadata',
]

/**
 * The functions run with the rights of the tables' owner, so that whoever posts needs none on what stands beside the books, and a
 * service of the version before goes on posting between this migration and the next grant. `refuse_change` is a guard of the
 * second migration. At commit the entries are there, in whatever order they were
 * written.
 */
const postgresTriggers = (asOwner: string) => [
  `create function note_dated_entries() returns trigger language plpgsql ${asOwner} as $$
   begin
     insert into dated_entries
       (ledger_id, account_id, account_version, effective_at, posted_at, direction, amount)
     select e.ledger_id, e.account_id, e.account_version, new.effective_at, new.posted_at,
            e.direction, e.amount
       from entries e where e.ledger_id = new.ledger_id and e.transaction_id = new.id;
     return null;
   end $$`,
  `create function note_transaction_metadata() returns trigger language plpgsql ${asOwner} as $$
   begin
     insert into transaction_metadata (ledger_id, name, value, transaction_id)
     select new.ledger_id, m.key, m.value, new.id from jsonb_each_text(new.metadata) m;
     return null;
   end $$`,
  `create function note_unposted_accounts() returns trigger language plpgsql ${asOwner} as $$
   begin
     insert into unposted_accounts (ledger_id, account_id, transaction_id)
     select distinct new.ledger_id, (e.value ->> 'accountId')::uuid, new.id
       from json_array_elements(new.requested_entries) e
     on conflict do nothing;
     return null;
   end $$`,
  `create function note_account_metadata() returns trigger language plpgsql ${asOwner} as $$
   begin
     delete from account_metadata where ledger_id = new.ledger_id and account_id = new.id;
     insert into account_metadata (ledger_id, name, value, account_id)
     select new.ledger_id, m.key, m.value, new.id from jsonb_each_text(new.metadata) m;
     return null;
   end $$`,

  `create trigger ledgers_closed_for_good before update on ledgers for each row
   when (old.books_closed_until is not null
     and (new.books_closed_until is null or new.books_closed_until < old.books_closed_until))
   execute function refuse_change()`,
  `create constraint trigger transactions_dated after insert or update of posted_at on transactions
   deferrable initially deferred for each row
   when (new.posted_at is not null and new.effective_at <> new.posted_at)
   execute function note_dated_entries()`,
  `create trigger transactions_metadata after insert on transactions for each row
   when (new.metadata is not null) execute function note_transaction_metadata()`,
  `create trigger transactions_unposted after insert or update of status on transactions for each row
   when (new.posted_at is null and new.status <> 'queued' and new.requested_entries is not null)
   execute function note_unposted_accounts()`,
  `create trigger accounts_metadata_inserted after insert on accounts for each row
   when (new.metadata is not null) execute function note_account_metadata()`,
  `create trigger accounts_metadata_updated after update of metadata on accounts for each row
   when (old.metadata is distinct from new.metadata) execute function note_account_metadata()`,
  `create trigger dated_entries_append_only before update or delete on dated_entries
   for each statement execute function refuse_change()`,
  `create trigger dated_entries_no_truncate before truncate on dated_entries
   for each statement execute function refuse_change()`,

  ...postgresTriggerNames.map(
    ([table, trigger]) => `alter table ${table} enable always trigger ${trigger}`,
  ),
]

const sqliteTriggerNames = [
  ['ledgers', 'ledgers_closed_for_good'],
  ['transactions', 'transactions_dated_inserted'],
  ['transactions', 'transactions_dated_updated'],
  ['transactions', 'transactions_metadata'],
  ['transactions', 'transactions_unposted_inserted'],
  ['transactions', 'transactions_unposted_updated'],
  ['accounts', 'accounts_metadata_inserted'],
  ['accounts', 'accounts_metadata_updated'],
  ['dated_entries', 'dated_entries_no_update'],
  ['dated_entries', 'dated_entries_no_delete'],
] as const

const noteDatedEntries = `
   when new.posted_at is not null and new.effective_at <> new.posted_at
   begin
     insert into dated_entries
       (ledger_id, account_id, account_version, effective_at, posted_at, direction, amount)
     select e.ledger_id, e.account_id, e.account_version, new.effective_at, new.posted_at,
            e.direction, e.amount
       from entries e where e.ledger_id = new.ledger_id and e.transaction_id = new.id;
   end`

const noteUnpostedAccounts = `
   when new.posted_at is null and new.status <> 'queued' and new.requested_entries is not null
   begin
     insert or ignore into unposted_accounts (ledger_id, account_id, transaction_id)
     select distinct new.ledger_id, json_extract(e.value, '$.accountId'), new.id
       from json_each(new.requested_entries) e;
   end`

const insertAccountMetadata = `
     insert into account_metadata (ledger_id, name, value, account_id)
     select new.ledger_id, m.key, m.value, new.id from json_each(new.metadata) m;`

/** The entries of a transaction are there before its row says that it is posted. */
const sqliteTriggers = [
  `create trigger ledgers_closed_for_good before update on ledgers
   when old.books_closed_until is not null
     and (new.books_closed_until is null or new.books_closed_until < old.books_closed_until)
   begin select raise(abort, 'the ledger refuses update of ledgers'); end`,
  `create trigger transactions_dated_inserted after insert on transactions ${noteDatedEntries}`,
  `create trigger transactions_dated_updated after update of posted_at on transactions ${noteDatedEntries}`,
  `create trigger transactions_metadata after insert on transactions when new.metadata is not null
   begin
     insert into transaction_metadata (ledger_id, name, value, transaction_id)
     select new.ledger_id, m.key, m.value, new.id from json_each(new.metadata) m;
   end`,
  `create trigger transactions_unposted_inserted after insert on transactions ${noteUnpostedAccounts}`,
  `create trigger transactions_unposted_updated after update of status on transactions ${noteUnpostedAccounts}`,
  `create trigger accounts_metadata_inserted after insert on accounts when new.metadata is not null
   begin ${insertAccountMetadata} end`,
  `create trigger accounts_metadata_updated after update of metadata on accounts
   when old.metadata is not new.metadata
   begin
     delete from account_metadata where ledger_id = new.ledger_id and account_id = new.id;
     ${insertAccountMetadata}
   end`,
  `create trigger dated_entries_no_update before update on dated_entries
   begin select raise(abort, 'the ledger refuses update of dated_entries'); end`,
  `create trigger dated_entries_no_delete before delete on dated_entries
   begin select raise(abort, 'the ledger refuses delete of dated_entries'); end`,
]

/** What SQLite's planner is told of the new tables and indexes, as in the first migration. */
const sqliteStatistics = [
  `insert into sqlite_stat1 (tbl, idx, stat) values
     ('entries', 'entries_posted', '1000000 1000000 2 1'),
     ('transactions', 'transactions_effective', '10000 10000 2 1'),
     ('dated_entries', 'dated_entries', '20000 20000 20 1'),
     ('dated_entries', 'dated_entries_of_account', '20000 20000 20 2 1'),
     ('dated_entries', 'dated_entries_posted', '20000 20000 4 2 1'),
     ('dated_entries', 'dated_entries_effective', '20000 20000 4 2 1'),
     ('transaction_metadata', 'transaction_metadata', '100000 100000 10000 2 1'),
     ('account_metadata', 'account_metadata', '10000 10000 1000 2 1'),
     ('account_metadata', 'account_metadata_of_account', '10000 10000 2'),
     ('unposted_accounts', 'unposted_accounts', '20000 20000 20 1')`,
]
