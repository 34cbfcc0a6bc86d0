import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Lets an account's transactions be listed by their ids without an index over all entries: an entry knows which one comes before it
 * in that order, and only late ones, whose transaction has a smaller id than one before it on the account, are in an index. The index
 * over all of them cost posting 6 % on Postgres and 40 % on SQLite. What was posted before, or by a version of this service that
 * knows nothing of it, follows none and counts as late.
 */
export class EntryOrder0000000000015 implements MigrationInterface {
  readonly name = 'EntryOrder0000000000015'

  async up(runner: QueryRunner): Promise<void> {
    const [id, count] = kindsFor(runner)
    await runner.query(`alter table entries add column follows_version ${count}`)
    await runner.query(`alter table accounts add column newest_transaction_id ${id}`)
    await runner.query(`alter table accounts add column newest_transaction_version ${count}`)
    await runner.query(`drop index entries_account_transaction`)
    await runner.query(
      `create index entries_late on entries (ledger_id, account_id, transaction_id)
       WHERE "follows_version" IS NULL`,
    )
    await this.#tellPlanner(runner, 'entries_late', 'entries_account_transaction')
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`drop index entries_late`)
    await runner.query(
      `create index entries_account_transaction on entries (ledger_id, account_id, transaction_id)`,
    )
    await this.#tellPlanner(runner, 'entries_account_transaction', 'entries_late')
    await runner.query(`alter table accounts drop column newest_transaction_version`)
    await runner.query(`alter table accounts drop column newest_transaction_id`)
    await runner.query(`alter table entries drop column follows_version`)
  }

  /** As with the first tables: what the planner of SQLite is told once and for good. */
  async #tellPlanner(runner: QueryRunner, index: string, former: string): Promise<void> {
    if (isPostgres(runner)) return
    await runner.query(`delete from sqlite_stat1 where idx = '${former}'`)
    await runner.query(
      `insert into sqlite_stat1 (tbl, idx, stat) values ('entries', '${index}', '2000000 2000000 200 1')`,
    )
  }
}

function isPostgres(runner: QueryRunner): boolean {
  return runner.connection.options.type === 'postgres'
}

function kindsFor(runner: QueryRunner): readonly [id: string, count: string] {
  return isPostgres(runner) ? ['uuid', 'bigint'] : ['text', 'integer']
}
