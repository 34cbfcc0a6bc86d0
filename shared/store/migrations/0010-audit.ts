import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Who did what. A row holds the records that were written together: a row each cost a payment 12 µs of the database. Ledger 0 stands for
 * none: what strangers try, and what is done to all ledgers.
 */
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
      await runner.query(`delete from sqlite_stat1 where tbl = 'audit_log'`)
    }
    await runner.query('drop table audit_log')
  }
}

const postgresTable = `create table audit_log (
     ledger_id integer not null,
     id uuid not null,
     records json not null,
     constraint audit_log_pkey primary key (ledger_id, id)
   )`

const postgresGuards = (
  [
    ['audit_log_append_only', 'update or delete'],
    ['audit_log_no_truncate', 'truncate'],
  ] as const
).flatMap(([trigger, event]) => [
  `create trigger ${trigger} before ${event} on audit_log
   for each statement execute function refuse_change()`,
  `alter table audit_log enable always trigger ${trigger}`,
])

const sqliteTable = `create table audit_log (
     ledger_id integer not null,
     id text not null,
     records text not null,
     constraint audit_log_pkey primary key (ledger_id, id)
   ) strict, without rowid`

const sqliteGuards = [
  `create trigger audit_log_once before insert on audit_log
   begin
     select raise(abort, 'the ledger refuses a second row of the audit log under the same id')
      where exists (select 1 from audit_log where ledger_id = new.ledger_id and id = new.id);
   end`,
  ...(['update', 'delete'] as const).map(
    (event) =>
      `create trigger audit_log_no_${event} before ${event} on audit_log
       begin select raise(abort, 'the ledger refuses ${event} of audit_log'); end`,
  ),
]

/** As with the first tables: what the planner is told once and for good. */
const sqliteStatistics = `insert into sqlite_stat1 (tbl, idx, stat) values
     ('audit_log', 'audit_log', '1000000 1000000 1')`
