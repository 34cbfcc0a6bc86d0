import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Batches that were accepted for later. A queued place may stand for all of an atomic batch: it names it then. What is posted, alone
 * or in a batch, has no part in these tables.
 */
export class Batches0000000000007 implements MigrationInterface {
  readonly name = 'Batches0000000000007'

  async up(runner: QueryRunner): Promise<void> {
    const statements =
      runner.connection.options.type === 'postgres'
        ? [...postgresTables, ...indexes, ...postgresGuards]
        : [...sqliteTables, ...indexes, ...sqliteGuards, ...sqliteStatistics]
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') {
      await runner.query(`delete from sqlite_stat1 where tbl in ('batches', 'batch_members')`)
    }
    await runner.query(`alter table queued_transactions drop column batch_id`)
    await runner.query(`drop table batch_members`)
    await runner.query(`drop table batches`)
  }
}

const postgresTables = [
  `create table batches (
     ledger_id integer not null,
     id uuid not null,
     mode text not null,
     fingerprint text,
     created_at timestamptz(3) not null,
     constraint batches_pkey primary key (ledger_id, id)
   )`,
  `create table batch_members (
     ledger_id integer not null,
     batch_id uuid not null,
     position smallint not null,
     transaction_id uuid,
     problem json,
     replayed smallint not null,
     constraint batch_members_pkey primary key (ledger_id, batch_id, position)
   )`,
  `alter table queued_transactions add column batch_id uuid`,
]

const sqliteTables = [
  `create table batches (
     ledger_id integer not null,
     id text not null,
     mode text not null,
     fingerprint text,
     created_at integer not null,
     constraint batches_pkey primary key (ledger_id, id)
   ) strict, without rowid`,
  `create table batch_members (
     ledger_id integer not null,
     batch_id text not null,
     position integer not null,
     transaction_id text,
     problem text,
     replayed integer not null,
     constraint batch_members_pkey primary key (ledger_id, batch_id, position)
   ) strict, without rowid`,
  `alter table queued_transactions add column batch_id text`,
]

/** Finds the batch that a request repeats. */
const indexes = [
  `create unique index batches_fingerprint on batches (ledger_id, fingerprint)
   WHERE "fingerprint" IS NOT NULL`,
]

const tables = ['batches', 'batch_members'] as const

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

const sqliteGuards = [
  `create trigger batches_once before insert on batches
   begin
     select raise(abort, 'the ledger refuses a second batch of the same id or content')
      where exists (select 1 from batches where ledger_id = new.ledger_id and id = new.id)
         or exists (select 1 from batches
                     where ledger_id = new.ledger_id and fingerprint = new.fingerprint);
   end`,
  `create trigger batch_members_once before insert on batch_members
   begin
     select raise(abort, 'the ledger refuses a second member at the same position')
      where exists (select 1 from batch_members
                     where ledger_id = new.ledger_id and batch_id = new.batch_id
                       and position = new.position);
   end`,
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
     ('batches', 'batches', '10000 10000 1'),
     ('batches', 'batches_fingerprint', '10000 10000 1'),
     ('batch_members', 'batch_members', '1000000 1000000 100 1')`,
]
