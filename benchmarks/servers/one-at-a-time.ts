/**
 * The usual way to write a ledger, as the yardstick of our own: one database transaction a request, one statement at a
 * time, rows locked with FOR UPDATE. A process of its own, told by DATABASE_URL; prints its address when it listens.
 */
import fastify from 'fastify'
import pg from 'pg'
import { v7 as uuidV7 } from 'uuid'

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

const server = fastify({ logger: false })
server.post<{ Body: Body }>('/api/v1/transactions', async (request, reply) => {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const transaction = await post(client, request.body)
    await client.query('commit')
    return await reply.code(201).send(transaction)
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
})
console.log(await server.listen({ host: '127.0.0.1', port: 0 }))

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
