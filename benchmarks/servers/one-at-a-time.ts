/**
 * The usual way to write a ledger, as the yardstick of our own: one database transaction a request, one statement at a
 * time, rows locked with FOR UPDATE. A process of its own, told by its argument which database; prints its address when it
 * listens.
 */
import pg from 'pg'
import { v7 as uuidV7 } from 'uuid'
import { servePayments } from './serve-payments.ts'

interface Body {
  readonly currency: string
  readonly idempotency_key: string
  readonly entries: readonly {
    readonly account_id: string
    readonly direction: 'debit' | 'credit'
    readonly amount: string
  }[]
}

const schema = `
  create schema if not exists one_at_a_time;
  create table if not exists one_at_a_time.accounts
    (id uuid primary key, debits numeric(38,0) not null, credits numeric(38,0) not null, version bigint not null);
  create table if not exists one_at_a_time.transactions
    (id uuid primary key, idempotency_key text unique, currency text not null, created_at timestamptz not null);
  create table if not exists one_at_a_time.entries
    (account_id uuid not null references one_at_a_time.accounts, account_version bigint not null,
     transaction_id uuid not null references one_at_a_time.transactions, direction text not null,
     amount numeric(38,0) not null, primary key (account_id, account_version));
  insert into one_at_a_time.accounts select id, 0, 0, 0 from accounts on conflict do nothing`

const pool = new pg.Pool({ connectionString: process.argv[2], max: 20 })
await pool.query(schema)

await servePayments(pool, (client, body) => post(client, body as Body))

async function post(client: pg.PoolClient, body: Body) {
  const id = uuidV7()
  await client.query(`select id from one_at_a_time.transactions where idempotency_key = $1`, [
    body.idempotency_key,
  ])
  const ids = body.entries.map((entry) => entry.account_id).toSorted()
  for (const account of ids) {
    await client.query(`select * from one_at_a_time.accounts where id = $1 for update`, [account])
  }
  await client.query(
    `insert into one_at_a_time.transactions (id, idempotency_key, currency, created_at)
     values ($1, $2, $3, now())`,
    [id, body.idempotency_key, body.currency],
  )
  for (const entry of body.entries) {
    const minorUnits = entry.amount.replace('.', '')
    const { rows } = await client.query<{ version: string }>(
      `update one_at_a_time.accounts
          set debits = debits + $2, credits = credits + $3, version = version + 1
        where id = $1 returning version`,
      [
        entry.account_id,
        entry.direction === 'debit' ? minorUnits : '0',
        entry.direction === 'credit' ? minorUnits : '0',
      ],
    )
    await client.query(
      `insert into one_at_a_time.entries (account_id, account_version, transaction_id, direction, amount)
       values ($1, $2, $3, $4, $5)`,
      [entry.account_id, rows[0]?.version, id, entry.direction, minorUnits],
    )
  }
  return { id, status: 'posted', ...body }
}
