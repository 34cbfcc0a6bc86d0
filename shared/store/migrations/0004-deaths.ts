import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Counts, at a queued transaction, the processes that have ended while they had it in hand, so that one that ends every
 * process is found and parked. A constant default: no row is rewritten.
 */
export class Deaths0000000000004 implements MigrationInterface {
  readonly name = 'Deaths0000000000004'

  async up(runner: QueryRunner): Promise<void> {
    const type = runner.connection.options.type === 'postgres' ? 'smallint' : 'integer'
    await runner.query(
      `alter table queued_transactions add column deaths ${type} not null default 0`,
    )
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table queued_transactions drop column deaths`)
  }
}
