import type { MigrationInterface, QueryRunner } from 'typeorm'

/** Where events are sent, how far each endpoint has come, and what became of every delivery. No money is in these tables. */
export class Webhooks0000000000013 implements MigrationInterface {
  readonly name = 'Webhooks0000000000013'

  async up(runner: QueryRunner): Promise<void> {
    const isPostgres = runner.connection.options.type === 'postgres'
    const tables = isPostgres ? postgresTables : sqliteTables
    for (const statement of [...tables, ...indexes]) await runner.query(statement)
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop table webhook_deliveries')
    await runner.query('drop table webhook_endpoints')
  }
}

/** TypeORM finds the names of SQLite's constraints only where they are written like this. */
const endpointCheck = `CONSTRAINT "webhook_endpoints_status_check" CHECK (status in ('enabled', 'disabled'))`
const deliveryCheck = `CONSTRAINT "webhook_deliveries_status_check" CHECK (status in ('pending', 'delivered', 'failed'))`

const postgresTables = [
  `create table webhook_endpoints (
     ledger_id integer not null,
     id uuid not null,
     url text not null,
     types json,
     description text,
     status text not null,
     disabled_reason text,
     disabled_at timestamptz(3),
     failing_since timestamptz(3),
     secret text not null,
     previous_secret text,
     previous_until timestamptz(3),
     position bigint not null,
     revision bigint not null,
     lease_owner uuid,
     lease_until timestamptz(3),
     created_at timestamptz(3) not null,
     constraint webhook_endpoints_pkey primary key (ledger_id, id),
     ${endpointCheck}
   )`,
  `create table webhook_deliveries (
     ledger_id integer not null,
     endpoint_id uuid not null,
     position bigint not null,
     event_type text not null,
     event_at timestamptz(3) not null,
     account_ids json not null,
     status text not null,
     attempts integer not null,
     last_attempt_at timestamptz(3),
     last_status_code integer,
     last_error text,
     next_attempt_at timestamptz(3),
     delivered_at timestamptz(3),
     constraint webhook_deliveries_pkey primary key (ledger_id, endpoint_id, position),
     ${deliveryCheck}
   )`,
]

const sqliteTables = [
  `create table webhook_endpoints (
     ledger_id integer not null,
     id text not null,
     url text not null,
     types text,
     description text,
     status text not null,
     disabled_reason text,
     disabled_at integer,
     failing_since integer,
     secret text not null,
     previous_secret text,
     previous_until integer,
     position integer not null,
     revision integer not null,
     lease_owner text,
     lease_until integer,
     created_at integer not null,
     ${endpointCheck},
     constraint webhook_endpoints_pkey primary key (ledger_id, id)
   ) strict, without rowid`,
  `create table webhook_deliveries (
     ledger_id integer not null,
     endpoint_id text not null,
     position integer not null,
     event_type text not null,
     event_at integer not null,
     account_ids text not null,
     status text not null,
     attempts integer not null,
     last_attempt_at integer,
     last_status_code integer,
     last_error text,
     next_attempt_at integer,
     delivered_at integer,
     ${deliveryCheck},
     constraint webhook_deliveries_pkey primary key (ledger_id, endpoint_id, position)
   ) strict, without rowid`,
]

/** Nearly all deliveries are done: those that are not are few, and looked for by how they stand. */
const indexes = [
  `create index webhook_deliveries_open on webhook_deliveries (ledger_id, endpoint_id, status, position)
     where "status" <> 'delivered'`,
]
