import { randomBytes } from 'node:crypto'
import type { MigrationInterface, QueryRunner } from 'typeorm'
import type { Dialect } from '../dialect.ts'

/** The tables of the ledger, and the default ledger. */
export class Ledger0000000000001 implements MigrationInterface {
  readonly name = 'Ledger0000000000001'

  async up(runner: QueryRunner): Promise<void> {
    const dialect: Dialect = runner.connection.options.type === 'postgres' ? 'postgres' : 'sqlite'
    const statements =
      dialect === 'postgres'
        ? [...postgresTables, ...indexes, ...postgresKeys, ...parkedIndex]
        : [...sqliteTables, ...indexes, ...parkedIndex, ...sqliteStatistics]
    for (const statement of statements) await runner.query(statement)
    await runner.query(
      dialect === 'postgres'
        ? `insert into ledgers (id, name, cursor_secret, created_at) values (1, 'default', $1, now())`
        : `insert into ledgers (id, name, cursor_secret, created_at)
           values (1, 'default', ?, unixepoch() * 1000)`,
      [randomBytes(32)],
    )
  }

  async down(runner: QueryRunner): Promise<void> {
    const names = ['queued_transactions', 'entries', 'transactions', 'accounts', 'currencies']
    for (const name of [...names, 'ledgers']) await runner.query(`drop table ${name}`)
    if (runner.connection.options.type === 'postgres') {
      await runner.query(`drop sequence accept_sequence`)
    } else {
      await runner.query(`drop table accept_counter`)
    }
  }
}

/**
 * Rows that are updated keep room on their page (fillfactor), so that the update stays HOT: no index is touched.
 * `accept_sequence` hands out a thousand numbers at a time, one block for each batch of accepted transactions.
 */
const postgresTables = [
  `create table ledgers (
     id integer not null,
     name text not null,
     cursor_secret bytea not null,
     created_at timestamptz(3) not null,
     constraint ledgers_pkey primary key (id),
     constraint ledgers_name_key unique (name)
   )`,
  `create table currencies (
     ledger_id integer not null,
     code text not null,
     exponent smallint not null,
     created_at timestamptz(3) not null,
     constraint currencies_pkey primary key (ledger_id, code)
   )`,
  `create table accounts (
     ledger_id integer not null,
     id uuid not null,
     code text,
     name text not null,
     account_type text not null,
     currency text not null,
     exponent smallint not null,
     status text not null default 'active',
     min_available numeric(38,0),
     metadata jsonb,
     posted_debits numeric(38,0) not null default '0',
     posted_credits numeric(38,0) not null default '0',
     held_debits numeric(38,0) not null default '0',
     held_credits numeric(38,0) not null default '0',
     version bigint not null default 0,
     last_posted_at timestamptz(3),
     created_at timestamptz(3) not null,
     constraint accounts_code_key unique (ledger_id, code),
     constraint accounts_account_type_check
       check (account_type in ('asset', 'liability', 'equity', 'revenue', 'expense')),
     constraint accounts_status_check check (status in ('active', 'frozen', 'closed'))
   ) with (fillfactor = 50)`,
  `create table transactions (
     ledger_id integer not null,
     id uuid not null,
     status text not null,
     reference text,
     idempotency_key text,
     fingerprint bytea,
     description text,
     currency text not null,
     exponent smallint,
     metadata jsonb,
     effective_at timestamptz(3),
     ordering_key text,
     created_at timestamptz(3) not null,
     posted_at timestamptz(3),
     failed_at timestamptz(3),
     canceled_at timestamptz(3),
     failure json,
     requested_entries json,
     slot smallint,
     sequence bigint,
     constraint transactions_status_check
       check (status in ('queued', 'posted', 'failed', 'canceled'))
   ) with (fillfactor = 90)`,
  `create table entries (
     ledger_id integer not null,
     account_id uuid not null,
     account_version bigint not null,
     transaction_id uuid not null,
     position smallint not null,
     direction text not null,
     amount numeric(38,0) not null,
     balance_after numeric(38,0) not null,
     debits_after numeric(38,0) not null,
     posted_at timestamptz(3) not null,
     constraint entries_direction_check check (direction in ('debit', 'credit')),
     constraint entries_amount_check check (amount > 0)
   )`,
  `create table queued_transactions (
     ledger_id integer not null,
     slot smallint not null,
     sequence bigint not null,
     transaction_id uuid not null,
     entry_count smallint not null,
     ordering_key text not null,
     enqueued_at timestamptz(3) not null,
     attempts integer not null default 0,
     last_error text,
     parked_at timestamptz(3),
     parked_reason text
   ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 10000)`,
  `create sequence accept_sequence as bigint increment by 1000 minvalue 1000`,
]

/**
 * Money is TEXT: SQLite's integers end at 19 digits. Times are INTEGER, ms since 1970.
 *
 * TypeORM finds constraints in a table's text by the words that are in capitals here, with names and columns in
 * quotes, and a check only when a comma follows it. So a check is never last.
 */
const sqliteTables = [
  `create table ledgers (
     id integer not null,
     name text not null,
     cursor_secret blob not null,
     created_at integer not null,
     CONSTRAINT "ledgers_name_key" UNIQUE ("name"),
     constraint ledgers_pkey primary key (id)
   ) strict`,
  `create table currencies (
     ledger_id integer not null,
     code text not null,
     exponent integer not null,
     created_at integer not null,
     constraint currencies_pkey primary key (ledger_id, code)
   ) strict, without rowid`,
  `create table accounts (
     ledger_id integer not null,
     id text not null,
     code text,
     name text not null,
     account_type text not null,
     currency text not null,
     exponent integer not null,
     status text not null default 'active',
     min_available text,
     metadata text,
     posted_debits text not null default '0',
     posted_credits text not null default '0',
     held_debits text not null default '0',
     held_credits text not null default '0',
     version integer not null default 0,
     last_posted_at integer,
     created_at integer not null,
     CONSTRAINT "accounts_code_key" UNIQUE ("ledger_id", "code"),
     CONSTRAINT "accounts_account_type_check" CHECK (account_type in ('asset', 'liability', 'equity', 'revenue', 'expense')),
     CONSTRAINT "accounts_status_check" CHECK (status in ('active', 'frozen', 'closed')),
     constraint accounts_pkey primary key (ledger_id, id)
   ) strict, without rowid`,
  `create table transactions (
     ledger_id integer not null,
     id text not null,
     status text not null,
     reference text,
     idempotency_key text,
     fingerprint blob,
     description text,
     currency text not null,
     exponent integer,
     metadata text,
     effective_at integer,
     ordering_key text,
     created_at integer not null,
     posted_at integer,
     failed_at integer,
     canceled_at integer,
     failure text,
     requested_entries text,
     slot integer,
     sequence integer,
     CONSTRAINT "transactions_status_check" CHECK (status in ('queued', 'posted', 'failed', 'canceled')),
     constraint transactions_pkey primary key (ledger_id, id)
   ) strict, without rowid`,
  `create table entries (
     ledger_id integer not null,
     account_id text not null,
     account_version integer not null,
     transaction_id text not null,
     position integer not null,
     direction text not null,
     amount text not null,
     balance_after text not null,
     debits_after text not null,
     posted_at integer not null,
     CONSTRAINT "entries_direction_check" CHECK (direction in ('debit', 'credit')),
     CONSTRAINT "entries_amount_check" CHECK (amount glob '[1-9]*' and amount not glob '*[^0-9]*' and length(amount) <= 38),
     CONSTRAINT "entries_account_fkey" FOREIGN KEY ("ledger_id", "account_id") REFERENCES "accounts" ("ledger_id", "id"),
     CONSTRAINT "entries_transaction_fkey" FOREIGN KEY ("ledger_id", "transaction_id", "posted_at") REFERENCES "transactions" ("ledger_id", "id", "posted_at") deferrable initially deferred,
     constraint entries_pkey primary key (ledger_id, account_id, account_version)
   ) strict, without rowid`,
  `create table queued_transactions (
     ledger_id integer not null,
     slot integer not null,
     sequence integer not null,
     transaction_id text not null,
     entry_count integer not null,
     ordering_key text not null,
     enqueued_at integer not null,
     attempts integer not null default 0,
     last_error text,
     parked_at integer,
     parked_reason text,
     constraint queued_transactions_pkey primary key (ledger_id, slot, sequence)
   ) strict, without rowid`,
  `create table accept_counter (
     id integer not null,
     value integer not null,
     constraint accept_counter_pkey primary key (id)
   ) strict`,
  `insert into accept_counter (id, value) values (1, 0)`,
  `create unique index transactions_postings on transactions (ledger_id, id, posted_at)`,
]

const indexes = [
  `create unique index transactions_idempotency_key on transactions (ledger_id, idempotency_key)
   WHERE "idempotency_key" IS NOT NULL`,
  `create index transactions_reference on transactions (ledger_id, reference, id)
   WHERE "reference" IS NOT NULL`,
  `create index transactions_failed on transactions (ledger_id, id)
   WHERE "failed_at" IS NOT NULL`,
  `create index transactions_canceled on transactions (ledger_id, id)
   WHERE "canceled_at" IS NOT NULL`,
  `create index entries_transaction on entries (ledger_id, transaction_id)`,
  `create index entries_account_transaction on entries (ledger_id, account_id, transaction_id)`,
]

/**
 * Made last, and on purpose: where the planner cannot tell two indexes apart, as on a table that was never analysed, it
 * takes the newest. With the key made first, an account was looked up through `accounts_code_key`, that is among all
 * accounts of the ledger: 150 transactions a second with 10,000 accounts, against 7,000.
 */
const postgresKeys = [
  `alter table accounts add constraint accounts_pkey primary key (ledger_id, id)`,
  `alter table transactions add constraint transactions_pkey primary key (ledger_id, id)`,
  `alter table entries add constraint entries_pkey primary key (ledger_id, account_id, account_version)`,
  `alter table queued_transactions add constraint queued_transactions_pkey primary key (ledger_id, slot, sequence)`,
]

/** Last of all, for the same reason: who looks for parked rows finds them here, and nobody else can use it. */
const parkedIndex = [
  `create index queued_parked on queued_transactions (ledger_id, slot, ordering_key)
   WHERE "parked_at" IS NOT NULL`,
]

/**
 * What SQLite's planner is told of the tables, once and for good: without it, it takes the entries of a transaction for rarer by
 * `ledger_id` in the primary key than by their own index, and each posting reads the whole ledger (550 a second and
 * falling, against 1,900 to 2,300 with 50 connections). Rows, then rows for each distinct prefix of the index. Source: SQLite, "The sqlite_stat1 table".
 */
const sqliteStatistics = [
  `analyze`,
  `delete from sqlite_stat1`,
  `insert into sqlite_stat1 (tbl, idx, stat) values
     ('accounts', 'accounts', '10000 10000 1'),
     ('accounts', 'sqlite_autoindex_accounts_1', '10000 10000 2'),
     ('transactions', 'transactions', '1000000 1000000 1'),
     ('transactions', 'transactions_postings', '1000000 1000000 1 1'),
     ('transactions', 'transactions_idempotency_key', '1000000 1000000 1'),
     ('transactions', 'transactions_reference', '1000000 1000000 2 1'),
     ('transactions', 'transactions_failed', '10000 10000 1'),
     ('transactions', 'transactions_canceled', '10000 10000 1'),
     ('entries', 'entries', '2000000 2000000 200 1'),
     ('entries', 'entries_transaction', '2000000 2000000 2'),
     ('entries', 'entries_account_transaction', '2000000 2000000 200 1'),
     ('queued_transactions', 'queued_transactions', '10000 10000 100 1'),
     ('queued_transactions', 'queued_parked', '10 10 2 1')`,
]
