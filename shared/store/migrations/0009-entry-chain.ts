import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The chain of each account's entries: every entry has a hash over itself and the one before it, and the account that of its newest
 * one. What was posted before has none; an account's chain begins with the next entry that it gets. Anchors seal, from time to
 * time, how far the accounts have come.
 *
 * `chain_version` says which entry the account's hash is of: a version of this service without chains, which may still post while
 * this one takes its place, moves the account on and leaves both as they were.
 */
export class EntryChain0000000000009 implements MigrationInterface {
  readonly name = 'EntryChain0000000000009'

  async up(runner: QueryRunner): Promise<void> {
    const statements =
      runner.connection.options.type === 'postgres'
        ? [
            ...columns('bytea', 'bigint'),
            ...postgresTables,
            ...indexes,
            ...postgresKeys,
            ...postgresGuards,
          ]
        : [
            ...columns('blob', 'integer'),
            ...sqliteTables,
            ...indexes,
            ...sqliteGuards,
            ...sqliteStatistics,
          ]
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') {
      await runner.query(`delete from sqlite_stat1 where tbl in ('anchors', 'anchored_heads')`)
    }
    for (const table of tables) await runner.query(`drop table ${table}`)
    await runner.query(`alter table accounts drop column chain_version`)
    await runner.query(`alter table accounts drop column chain_hash`)
    await runner.query(`alter table entries drop column hash`)
  }
}

const columns = (bytes: string, count: string) => [
  `alter table entries add column hash ${bytes}`,
  `alter table accounts add column chain_hash ${bytes}`,
  `alter table accounts add column chain_version ${count}`,
]

const tables = ['anchored_heads', 'anchors'] as const

const postgresTables = [
  `create table anchors (
     ledger_id integer not null,
     number integer not null,
     created_at timestamptz(3) not null,
     moved_after timestamptz(3),
     moved_until timestamptz(3) not null,
     last_account_id uuid,
     heads integer not null,
     root bytea not null,
     previous bytea not null,
     hash bytea not null,
     constraint anchors_pkey primary key (ledger_id, number)
   )`,
  `create table anchored_heads (
     ledger_id integer not null,
     anchor integer not null,
     account_id uuid not null,
     account_version bigint not null,
     hash bytea
   )`,
]

/** Made last, so that a planner without statistics prefers it, as in the first migration. */
const postgresKeys = [
  `alter table anchored_heads
   add constraint anchored_heads_pkey primary key (ledger_id, anchor, account_id)`,
]

const sqliteTables = [
  `create table anchors (
     ledger_id integer not null,
     number integer not null,
     created_at integer not null,
     moved_after integer,
     moved_until integer not null,
     last_account_id text,
     heads integer not null,
     root blob not null,
     previous blob not null,
     hash blob not null,
     constraint anchors_pkey primary key (ledger_id, number)
   ) strict, without rowid`,
  `create table anchored_heads (
     ledger_id integer not null,
     anchor integer not null,
     account_id text not null,
     account_version integer not null,
     hash blob,
     constraint anchored_heads_pkey primary key (ledger_id, anchor, account_id)
   ) strict, without rowid`,
]

/** The newest anchor that an account is in. */
const indexes = [
  `create index anchored_heads_account on anchored_heads (ledger_id, account_id, anchor)`,
]

const postgresGuards = tables.flatMap((table) =>
  (
    [
      [`${table}_append_only`, 'update or delete'],
      [`${table}_no_truncate`, 'truncate'],
    ] as const
  ).flatMap(([trigger, event]) => [
    `create trigger ${trigger} before ${event} on ${table}
     for each statement execute function refuse_change()`,
    `alter table ${table} enable always trigger ${trigger}`,
  ]),
)

/** The first two stop REPLACE, which deletes without asking the guard of deletes. */
const sqliteGuards = [
  `create trigger anchors_once before insert on anchors
   when exists (select 1 from anchors where ledger_id = new.ledger_id and number = new.number)
   begin select raise(ignore); end`,
  `create trigger anchored_heads_once before insert on anchored_heads
   when exists (select 1 from anchored_heads
                 where ledger_id = new.ledger_id and anchor = new.anchor and account_id = new.account_id)
   begin select raise(abort, 'the ledger refuses a second head of an account in an anchor'); end`,
  ...tables.flatMap((table) =>
    (['update', 'delete'] as const).map(
      (event) =>
        `create trigger ${table}_no_${event} before ${event} on ${table}
         begin select raise(abort, 'the ledger refuses ${event} of ${table}'); end`,
    ),
  ),
]

/** As with the first tables: what the planner is told once and for good. */
const sqliteStatistics = [
  `insert into sqlite_stat1 (tbl, idx, stat) values
     ('anchors', 'anchors', '1000 1000 1'),
     ('anchored_heads', 'anchored_heads', '100000 100000 1000 1'),
     ('anchored_heads', 'anchored_heads_account', '100000 100000 10 1')`,
]
