import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * Lets a trace lead through the queue: the `traceparent` of the request that a place was taken by, where it is traced. It goes
 * with the place. Null by default: no row is rewritten.
 */
export class Traceparent0000000000012 implements MigrationInterface {
  readonly name = 'Traceparent0000000000012'

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table queued_transactions add column traceparent text`)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table queued_transactions drop column traceparent`)
  }
}
