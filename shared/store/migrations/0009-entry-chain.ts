import type { MigrationInterface, QueryRunner } from 'typeorm'

/**
 * The chain of each account's entries: every entry has a hash over itself and the one before it, and the account that of its newest
 * one. What was posted before has none; an account's chain begins with the next entry that it gets.
 *
 * `chain_version` says which entry the account's hash is of: a version of this service without chains, which may still post while
 * this one takes its place, moves the account on and leaves both as they were.
 */
export class EntryChain0000000000009 implements MigrationInterface {
  readonly name = 'EntryChain0000000000009'

  async up(runner: QueryRunner): Promise<void> {
    const { bytes, count } = runner.connection.options.type === 'postgres' ? postgres : sqlite
    await runner.query(`alter table entries add column hash ${bytes}`)
    await runner.query(`alter table accounts add column chain_hash ${bytes}`)
    await runner.query(`alter table accounts add column chain_version ${count}`)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`alter table accounts drop column chain_version`)
    await runner.query(`alter table accounts drop column chain_hash`)
    await runner.query(`alter table entries drop column hash`)
  }
}

const postgres = { bytes: 'bytea', count: 'bigint' }
const sqlite = { bytes: 'blob', count: 'integer' }
