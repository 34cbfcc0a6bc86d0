import type { MigrationInterface, QueryRunner } from 'typeorm'

/** The keys that callers show. What is stored of a key is its hash; without a ledger it is one for all of them. */
export class ApiKeys0000000000008 implements MigrationInterface {
  readonly name = 'ApiKeys0000000000008'

  async up(runner: QueryRunner): Promise<void> {
    const isPostgres = runner.connection.options.type === 'postgres'
    await runner.query(isPostgres ? postgresTable : sqliteTable)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table api_keys')
  }
}

/** TypeORM finds the names of SQLite's constraints only where they are written like this. */
const roleCheck = `CONSTRAINT "api_keys_role_check" CHECK (role in ('viewer', 'poster', 'operator', 'admin', 'auditor'))`

const postgresTable = `create table api_keys (
     id uuid not null,
     prefix text not null,
     secret_hash bytea not null,
     name text,
     role text not null,
     ledger_id integer,
     created_at timestamptz(3) not null,
     expires_at timestamptz(3),
     revoked_at timestamptz(3),
     constraint api_keys_pkey primary key (id),
     constraint api_keys_prefix_key unique (prefix),
     constraint api_keys_secret_hash_key unique (secret_hash),
     ${roleCheck}
   )`

const sqliteTable = `create table api_keys (
     id text not null,
     prefix text not null,
     secret_hash blob not null,
     name text,
     role text not null,
     ledger_id integer,
     created_at integer not null,
     expires_at integer,
     revoked_at integer,
     CONSTRAINT "api_keys_prefix_key" UNIQUE ("prefix"),
     CONSTRAINT "api_keys_secret_hash_key" UNIQUE ("secret_hash"),
     ${roleCheck},
     constraint api_keys_pkey primary key (id)
   ) strict, without rowid`
