import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Who did what, when and from where. Ledger 0 stands for none: what strangers try, and what is done to all ledgers. */
export class Audit0000000000010 implements MigrationInterface {
  readonly name = 'Audit0000000000010'

  async up(runner: QueryRunner): Promise<void> {
    const statements =
      runner.connection.options.type === 'postgres'
        ? [postgresTable, ...postgresGuards]
        : [sqliteTable, ...sqliteGuards, sqliteStatistics]
    for (const statement of statements) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    if (runner.connection.options.type !== 'postgres') {
      await runner.query(`delete from sqlite_stat1 where tbl = 'audit_records'`)
    }
    await runner.query('drop table audit_records')
  }
}

const postgresTable = `create table audit_records (
     ledger_id integer not null,
     id uuid not null,
     at timestamptz(3) not null,
     credential text not null,
     role text,
     address text,
     action text not null,
     outcome text not null,
     status smallint,
     code text,
     object_kind text,
     object_id text,
     request_id text,
     count integer not null,
     constraint audit_records_pkey primary key (ledger_id, id)
   )`

const postgresGuards = (
  [
    ['audit_records_append_only', 'update or delete'],
    ['audit_records_no_truncate', 'truncate'],
  ] as const
).flatMap(([trigger, event]) => [
  `create trigger ${trigger} before ${event} on audit_records
   for each statement execute function refuse_change()`,
  `alter table audit_records enable always trigger ${trigger}`,
])

const sqliteTable = `create table audit_records (
     ledger_id integer not null,
     id text not null,
     at integer not null,
     credential text not null,
     role text,
     address text,
     action text not null,
     outcome text not null,
     status integer,
     code text,
     object_kind text,
     object_id text,
     request_id text,
     count integer not null,
     constraint audit_records_pkey primary key (ledger_id, id)
   ) strict, without rowid`

/** A second record of the same id is passed over and replaces nothing, as `on conflict do nothing` does on Postgres. */
const sqliteGuards = [
  `create trigger audit_records_once before insert on audit_records
   begin
     select raise(ignore)
      where exists (select 1 from audit_records where ledger_id = new.ledger_id and id = new.id);
   end`,
  ...(['update', 'delete'] as const).map(
    (event) =>
      `create trigger audit_records_no_${event} before ${event} on audit_records
       begin select raise(abort, 'the ledger refuses ${event} of audit_records'); end`,
  ),
]

/** As with the first tables: what the planner is told once and for good. */
const sqliteStatistics = `insert into sqlite_stat1 (tbl, idx, stat) values
     ('audit_records', 'audit_records', '1000000 1000000 1')`
