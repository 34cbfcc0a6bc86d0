import { randomBytes } from 'node:crypto'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { grantRole } from '../../shared/store/postgres/grant-role.ts'
import { makeAnchors } from '../../shared/store/anchors/make-anchors.ts'
import { openAnchorBooks } from '../../shared/store/anchors/open-anchor-books.ts'
import { openStore } from '../../shared/store/open.ts'
import { paceOf } from '../../shared/store/verify/pace.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import type { NewTransactionJson, PageJson } from '../support/api-client.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { fund, openPeople, payment } from '../support/people.ts'
import { poisonedDatabase } from '../support/poison.ts'
import { startService } from '../support/service.ts'
import { until } from '../support/until.ts'
import { bookEntries, bookTransaction, ids, openBooks, together } from '../store/books-by-hand.ts'
import { runScript } from './run-script.ts'

/** "permission denied", and "must be owner of". */
const denied = '42501'
const password = 'canary-of-the-password'
const suffix = randomBytes(6).toString('hex')
const service = `ledgerflow_test_service_${suffix}`
const reader = `ledgerflow_test_reader_${suffix}`

let owner: string
let made: Awaited<ReturnType<typeof runScript>>

beforeAll(async () => {
  owner = await createPostgresDatabase()
  await withClient(owner, async (client) => {
    for (const statement of openBooks('now()')) await client.query(statement)
  })
  const environment = { DATABASE_URL: owner, ROLE_PASSWORD: password }
  made = await runScript('grant-service-role', environment, ['--role', service])
  await grantRole(owner, { name: reader, purpose: 'reader', password })
})

afterAll(async () => {
  for (const client of sessions.values()) await client.end()
  await withClient(owner, async (client) => {
    for (const role of [service, reader]) {
      await client.query(`drop owned by ${role}`)
      await client.query(`drop role ${role}`)
    }
  })
})

/** What neither role may do, whatever the guards would say to it. */
const forbiddenToBoth: readonly string[] = [
  'delete from entries',
  'delete from transactions',
  'delete from accounts',
  'delete from currencies',
  'delete from ledgers',
  'delete from schema_migrations',
  'delete from dated_entries',
  'delete from transaction_metadata',
  'delete from unposted_accounts',
  'delete from account_metadata',
  'insert into dated_entries table dated_entries',
  'insert into transaction_metadata table transaction_metadata',
  'insert into unposted_accounts table unposted_accounts',
  'truncate entries',
  'truncate transactions',
  'truncate accounts',
  'truncate currencies',
  'truncate ledgers',
  'truncate queued_transactions',
  'truncate schema_migrations',
  'delete from api_keys',
  'truncate api_keys',
  `update api_keys set role = 'admin'`,
  'update api_keys set revoked_at = null',
  `insert into api_keys (id, prefix, secret_hash, role, created_at)
     values (gen_random_uuid(), 'lf_other', 'x', 'admin', now())`,
  'update entries set amount = 1',
  'update entries set hash = null',
  'update anchors set heads = 0',
  'delete from anchors',
  'update anchored_heads set account_version = 0',
  'delete from anchored_heads',
  'truncate anchors, anchored_heads',
  'update dated_entries set amount = 1',
  `update ledgers set cursor_secret = ''`,
  'update entries set balance_after = 1',
  `update ledgers set name = 'other'`,
  'update currencies set exponent = 3',
  `update schema_migrations set name = 'other'`,
  `insert into schema_migrations (timestamp, name) values (3, 'other')`,
  ...['id = gen_random_uuid()', 'ledger_id = 2', `code = 'other'`, `account_type = 'asset'`].map(
    (change) => `update accounts set ${change}`,
  ),
  ...[`currency = 'EUR'`, 'exponent = 3', 'created_at = now()'].map(
    (change) => `update accounts set ${change}`,
  ),
  ...['id = gen_random_uuid()', 'ledger_id = 2', `currency = 'EUR'`, 'created_at = now()'].map(
    (change) => `update transactions set ${change}`,
  ),
  ...[`idempotency_key = 'other'`, `fingerprint = 'x'`, `description = 'x'`, `slot = 1`].map(
    (change) => `update transactions set ${change}`,
  ),
  'create table other (id integer)',
  'create temporary table other (id integer)',
  'create table other as table entries',
  'create view other as table entries',
  'create sequence other',
  'create schema other',
  `create function other() returns integer language sql as 'select 1'`,
  `create or replace function check_inserted_entries() returns trigger language plpgsql as
     'begin return null; end'`,
  `create trigger other before insert on entries execute function refuse_change()`,
  'drop table entries',
  'drop trigger entries_balance on entries',
  'drop function refuse_change cascade',
  'drop schema public cascade',
  'drop sequence accept_sequence',
  'alter table entries disable trigger entries_append_only',
  'alter table entries disable trigger all',
  'alter table entries drop constraint entries_amount_check',
  'alter table accounts add column other integer',
  `alter table entries owner to ${service}`,
  'alter function refuse_change() rename to other',
  'alter sequence accept_sequence restart',
  'create index other on entries (amount)',
  'drop index entries_transaction',
  'reindex table entries',
  `comment on table entries is 'other'`,
  'create rule other as on insert to entries do instead nothing',
  'create policy other on entries',
  'alter table entries enable row level security',
  'lock table entries in access exclusive mode',
  'lock table accounts in access exclusive mode',
  `select setval('accept_sequence', 1000)`,
  'set session_replication_role = replica',
  'alter system set fsync = off',
  'create role other',
  `alter role ${service} superuser`,
  `alter role ${service} createrole`,
  `alter role ${service} bypassrls`,
  `alter role ${reader} password 'other'`.replace(reader, 'postgres'),
  'create database other',
  'create extension dblink',
  `copy entries to '/tmp/other'`,
  `copy entries to program 'cat'`,
  `select pg_read_file('postgresql.conf')`,
  'select rolpassword from pg_authid',
]

const forbiddenToReader: readonly string[] = [
  `insert into ledgers (id, name, cursor_secret, created_at) values (2, 'other', 'x', now())`,
  'select prefix from api_keys',
  'select cursor_secret from ledgers',
  'table ledgers',
  'insert into accounts table accounts',
  'insert into transactions table transactions',
  'insert into entries table entries',
  'insert into currencies table currencies',
  'insert into queued_transactions table queued_transactions',
  'delete from queued_transactions',
  'update queued_transactions set attempts = 1',
  `update accounts set name = 'other'`,
  'update accounts set posted_debits = 1',
  `update transactions set status = 'failed'`,
  'select id from accounts for update',
  `select nextval('accept_sequence')`,
]

/** What a role may do on a table: to all of it, or to these columns. */
interface Rights {
  readonly select?: readonly string[] | 'all'
  readonly update?: readonly string[] | 'all'
  readonly insert?: boolean
  readonly delete?: boolean
}

const look: Rights = { select: 'all' }
const append: Rights = { select: 'all', insert: true }
const everything: Rights = { select: 'all', insert: true, update: 'all', delete: true }

/** Every table, so that a new one must be decided here. What is left out is refused. */
const rights: Readonly<Record<string, { readonly service: Rights; readonly reader?: Rights }>> = {
  schema_migrations: { service: look, reader: look },
  ledgers: {
    service: { ...append, update: ['books_closed_until'] },
    reader: { select: ['id', 'name', 'books_closed_until', 'created_at'] },
  },
  currencies: { service: append, reader: look },
  accounts: {
    service: {
      ...append,
      update: [
        'name',
        'status',
        'min_available',
        'metadata',
        'posted_debits',
        'posted_credits',
        'held_debits',
        'held_credits',
        'version',
        'last_posted_at',
        'chain_hash',
        'chain_version',
        'newest_transaction_id',
        'newest_transaction_version',
      ],
    },
    reader: look,
  },
  transactions: {
    service: {
      ...append,
      update: [
        'status',
        'posted_at',
        'failed_at',
        'canceled_at',
        'failure',
        'requested_entries',
        'currencies',
        'held_at',
        'expires_at',
        'resolved_at',
        'resolved_entries',
      ],
    },
    reader: look,
  },
  entries: { service: append, reader: look },
  hold_changes: { service: append, reader: look },
  batches: { service: append, reader: look },
  batch_members: { service: append, reader: look },
  queued_transactions: { service: everything, reader: look },
  dated_entries: { service: look, reader: look },
  transaction_metadata: { service: look, reader: look },
  account_metadata: { service: look, reader: look },
  unposted_accounts: { service: look, reader: look },
  anchors: { service: append, reader: look },
  anchored_heads: { service: append, reader: look },
  events: { service: { ...append, delete: true }, reader: look },
  event_numbering: { service: { select: 'all', update: 'all' }, reader: look },
  pruned_events: { service: { ...append, update: 'all' }, reader: look },
  api_keys: { service: look },
  webhook_endpoints: { service: everything },
  webhook_deliveries: { service: everything },
  audit_log: { service: append },
}

/** Every statement on a table, and whether it is allowed: of those that read or change, each column by itself. */
function attempts(
  table: string,
  columns: readonly string[],
  { select = [], update = [], insert = false, delete: removes = false }: Rights,
): (readonly [sql: string, isAllowed: boolean])[] {
  const has = (some: readonly string[] | 'all', column: string) =>
    some === 'all' || some.includes(column)
  return [
    ...columns.flatMap((column) => [
      [`select ${column} from ${table} limit 0`, has(select, column)] as const,
      [`update ${table} set ${column} = null where false`, has(update, column)] as const,
    ]),
    [`insert into ${table} select * from ${table} where false`, insert && select === 'all'],
    [`delete from ${table} where false`, removes],
    [`truncate ${table}`, false],
    [`alter table ${table} add column other integer`, false],
    [`alter table ${table} disable trigger all`, false],
    [`drop table ${table} cascade`, false],
    [`create index other on ${table} (${columns[0]})`, false],
    [`create table other (like ${table})`, false],
  ]
}

/** The tables of the schema with their columns, as the catalog has them. */
async function columnsByTable(): Promise<Map<string, readonly string[]>> {
  const { rows } = await withClient(owner, (client) =>
    client.query<{ name: string; columns: string[] }>(
      `select c.relname as name, array_agg(a.attname::text order by a.attnum) as columns
         from pg_class c join pg_attribute a on a.attrelid = c.oid
        where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f')
          and a.attnum > 0 and not a.attisdropped
        group by c.relname`,
    ),
  )
  return new Map(rows.map(({ name, columns }) => [name, columns]))
}

const sessions = new Map<string, Client>()

/** As `refusalOf`, on one connection for all: there are a thousand of them. */
async function inOneSession(url: string, sql: string): Promise<string | undefined> {
  let client = sessions.get(url)
  if (client === undefined) {
    client = new Client({ connectionString: url })
    sessions.set(url, client)
    await client.connect()
    await client.query('set default_transaction_read_only = off')
  }
  try {
    await client.query('begin')
    await client.query(sql)
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  } finally {
    await client.query('rollback')
  }
}

test('npm run grant-service-role says what it made and never the password', async () => {
  expect(made).toEqual({
    code: 0,
    stdout: `role ${service} made: service\nits password is set\n`,
    stderr: '',
  })
  const { rows } = await withClient(owner, (client) =>
    client.query<{ rolpassword: string }>('select rolpassword from pg_authid where rolname = $1', [
      service,
    ]),
  )
  expect(rows[0]?.rolpassword).toMatch(/^SCRAM-SHA-256\$4096:/)
  const recorded = await withClient(owner, (client) =>
    client.query<{ records: unknown }>('select records from audit_log'),
  )
  expect(recorded.rows).toMatchObject([
    { records: [{ action: 'grantRole', object: { kind: 'role', id: service } }] },
  ])
})

test('npm run grant-service-role is for Postgres only', async () => {
  const end = await runScript('grant-service-role', { DATABASE_URL: 'sqlite:nowhere.db' })
  expect(end).toMatchObject({ code: 1, stdout: '' })
  expect(end.stderr).toContain('roles are for Postgres')
})

test.each([...forbiddenToBoth])('the service may not: %s', async (sql) => {
  expect(await refusalOf(urlOf(service), sql)).toBe(denied)
})

test.each([...forbiddenToBoth, ...forbiddenToReader])('the reader may not: %s', async (sql) => {
  // Its sessions are read-only to begin with; whoever switches that off has no right to write either.
  expect(await refusalOf(urlOf(reader), sql, ['set default_transaction_read_only = off'])).toBe(
    denied,
  )
})

describe('on every table that there is', () => {
  test.each(['service', 'reader'] as const)(
    'the %s may do what is said here, and what is not said is refused',
    async (purpose) => {
      const columns = await columnsByTable()
      expect([...columns.keys()].toSorted()).toEqual(Object.keys(rights).toSorted())
      const url = urlOf(purpose === 'service' ? service : reader)
      const wrong: string[] = []
      for (const [table, names] of columns) {
        const allowed = rights[table]?.[purpose] ?? {}
        for (const [statement, isAllowed] of attempts(table, names, allowed)) {
          const refusal = await inOneSession(url, statement)
          if ((refusal !== denied) !== isAllowed) wrong.push(`${statement}: ${refusal}`)
        }
      }
      expect(wrong).toEqual([])
    },
  )
})

test('the owner may do the same things: it is the role that stops them', async () => {
  const sql = 'create temporary table other (id integer)'
  expect(await refusalOf(owner, sql)).toBeUndefined()
  expect(await refusalOf(owner, 'alter table entries disable trigger all')).toBeUndefined()
})

test('the whole API works under the role of the service, and the books are right', async () => {
  const run = await startService({ dialect: 'postgres', url: urlOf(service) })
  try {
    expect(run.store.advice).toBeUndefined()
    const { api } = run
    const people = await openPeople(api)
    await fund(api, people, people.alice, '10.00')
    const key = { idempotency_key: 'paid' }
    const paid = payment({ debit: people.alice, credit: people.bob, amount: '4.00', ...key })
    expect((await api.postTransaction(paid)).status).toBe(201)
    expect((await api.postTransaction(paid)).replayed).toBe(true)
    const refused = { ...paid, idempotency_key: 'refused', entries: paid.entries.toReversed() }
    expect((await api.postTransaction({ ...refused, currency: 'EUR' })).status).toBe(422)
    expect(
      (await api.changeAccount(people.alice, { name: 'Alice', status: 'frozen' })).status,
    ).toBe(200)
    expect((await api.registerCurrency({ code: 'PTS', exponent: 0 })).status).toBe(201)
    expect((await api.get('/api/v1/ledgers')).status).toBe(200)
    expect((await api.post('/api/v1/ledgers', { name: 'default' })).status).toBe(201)

    const past = '2020-01-01T00:00:00Z'
    expect((await api.changeLedger({ books_closed_until: past })).status).toBe(200)
    const fundAgain = payment({ debit: people.cash, credit: people.bob, amount: '1.00' })
    const noted = { effective_at: '2021-01-01T00:00:00Z', metadata: { order: '4711' } }
    expect((await api.postTransaction({ ...fundAgain, ...noted })).status).toBe(201)
    expect((await api.postTransaction({ ...fundAgain, effective_at: past })).code).toBe(
      'books_closed',
    )
    expect((await api.changeAccount(people.bob, { metadata: { tier: 'gold' } })).status).toBe(200)
    expect((await api.changeAccount(people.bob, { metadata: {} })).status).toBe(200)

    const bob = `/api/v1/accounts/${people.bob}`
    for (const path of [
      '/api/v1/accounts',
      bob,
      `${bob}/balance`,
      `${bob}/balance?at=2026-01-01T00:00:00Z`,
      `${bob}/balance?at=2022-01-01T00:00:00Z&axis=effective`,
      `${bob}/statement?axis=effective`,
      '/api/v1/trial-balance?axis=effective',
      '/api/v1/transactions?metadata[order]=4711',
      '/api/v1/accounts?metadata[tier]=gold',
      '/api/v1/currencies',
    ]) {
      expect([path, (await api.get(path)).status]).toEqual([path, 200])
    }
    expect((await fetch(`${run.url}/health/ready`)).status).toBe(200)
    const entries = await api.get<PageJson<unknown>>(`${bob}/entries`)
    expect(entries.body.items).toHaveLength(2)
    const posted = `/api/v1/transactions?status=posted&account_id=${people.bob}`
    expect((await api.get<PageJson<unknown>>(posted)).body.items).toHaveLength(2)
  } finally {
    await run.close()
  }
})

test('accepting, draining, parking and canceling work under the role of the service', async () => {
  const database = await poisonedDatabase({ dialect: 'postgres', url: owner })
  await withClient(owner, (client) => client.query(`grant select on poisoned to ${service}`))
  const run = await startService({ dialect: 'postgres', url: urlOf(service) })
  try {
    const { api } = run
    const { cash, alice } = await openPeople(api)
    const queue = async (rest: Partial<NewTransactionJson> = {}) =>
      (await api.queueTransaction(payment({ debit: cash, credit: alice, amount: '1.00', ...rest })))
        .body.id
    const statusOf = async (id: string) => (await api.transaction(id, { wait: 20 })).body.status
    // The first in a slot is drained carefully, the second as usual.
    for (let n = 0; n < 2; n += 1) expect(await statusOf(await queue())).toBe('posted')
    const poor = payment({ debit: alice, credit: cash, amount: '9.00' })
    expect(await statusOf((await api.queueTransaction(poor)).body.id)).toBe('failed')

    const key = { ordering_key: 'stuck' }
    await database.poison('poison')
    const [bad, worse] = [await queue({ ...key, reference: 'poison' }), await queue(key)]
    await until('it is parked', async () => {
      return (await api.transaction(bad)).body.queue?.parked !== undefined
    })
    expect((await api.cancel(worse)).body.status).toBe('canceled')
    expect((await api.resume(bad)).status).toBe(200)
    await until('it is parked again', async () => {
      return (await api.transaction(bad)).body.queue?.parked !== undefined
    })
    expect((await api.refuse(bad, 'because')).body.status).toBe('failed')
  } finally {
    await run.close()
    await withClient(owner, async (client) => {
      await client.query('drop table poisoned')
      await client.query('drop function refuse_poisoned cascade')
    })
  }
})

describe('the queue under the role of the service', () => {
  test('takes an accepted transaction in, counts attempts, and posts it', async () => {
    const { queued, cash, alice } = ids
    const sql = [
      `select nextval('accept_sequence')`,
      `select pg_try_advisory_xact_lock(1)`,
      bookTransaction(ids.fresh, 'queued'),
      `insert into queued_transactions
         (ledger_id, slot, sequence, transaction_id, entry_count, ordering_key, enqueued_at)
         values (1, 3, 1000, '${queued}', 2, 'alice', now())`,
      `update queued_transactions set attempts = attempts + 1, last_error = 'x', parked_at = now(),
              parked_reason = 'x'`,
      `delete from queued_transactions where transaction_id = '${queued}'`,
      together(
        `update transactions set status = 'posted', posted_at = now(), requested_entries = null
          where id = '${queued}'`,
        bookEntries([
          [queued, cash, 2, 'debit', 100],
          [queued, alice, 2, 'credit', 100],
        ]),
      ),
      `update transactions set status = 'failed', failed_at = now(), failure = '{}'
        where id = '${ids.fresh}'`,
    ]
    expect(await refusalOf(urlOf(service), sql.join(';'))).toBeUndefined()
  })

  test('is still held by the guards', async () => {
    const { fresh, cash } = ids
    const sql = together(bookTransaction(fresh), bookEntries([[fresh, cash, 2, 'debit', 100]]))
    expect(await refusalOf(urlOf(service), sql)).toBe('LF001')
    expect(await refusalOf(urlOf(service), bookTransaction(fresh))).toBe('LF001')
  })
})

test('the service may anchor what was posted', async () => {
  const books = openAnchorBooks({ dialect: 'postgres', url: urlOf(service) })
  expect(await makeAnchors(books, 1, paceOf(0))).toMatchObject([{ ledgerId: 1, number: 1 }])
  await books.close()
})

test('the service may make a ledger, with a name that nobody has', async () => {
  const sql = `insert into ledgers (id, name, cursor_secret, created_at) values (9, 'nine', 'x', now())`
  expect(await refusalOf(urlOf(service), sql)).toBeUndefined()
})

test('the reader can verify, in sessions that are read-only to begin with', async () => {
  expect(await verifyStore({ dialect: 'postgres', url: urlOf(reader) })).toMatchObject({
    ledgers: [{ ledgerId: 1, transactions: { queued: 1 } }],
  })
  expect(await refusalOf(urlOf(reader), `insert into currencies table currencies`)).toBe('25006')
})

describe('a role that is there', () => {
  test('is brought back to its rights, whatever it had on our tables', async () => {
    await withClient(owner, async (client) => {
      await client.query(`grant delete, truncate on entries to ${service}`)
      await client.query(`grant update (code) on accounts to ${service}`)
      await client.query(`grant create on schema public to ${service}`)
    })
    expect(await refusalOf(urlOf(service), 'create table other (id integer)')).toBeUndefined()

    const wish = { name: service, purpose: 'service', password: undefined } as const
    expect(await grantRole(owner, wish)).toEqual({ created: false, remaining: [] })

    for (const sql of [
      'delete from entries',
      `update accounts set code = 'x'`,
      'create table other ()',
    ]) {
      expect([sql, await refusalOf(urlOf(service), sql)]).toEqual([sql, denied])
    }
  })

  test('is not taken when it could undo the guards, as the owner itself could', async () => {
    const { rows } = await withClient(owner, (client) =>
      client.query<{ name: string }>('select current_user as name'),
    )
    const wish = { name: rows[0]?.name ?? '', purpose: 'service', password: undefined } as const
    await expect(grantRole(owner, wish)).rejects.toThrow('is more than a login')
  })

  test('gets no password beyond printable ASCII, and the message does not repeat it', async () => {
    const wish = { name: `${service}_x`, purpose: 'service', password: 'ключ' } as const
    const error = await grantRole(owner, wish).catch((caught: unknown) => String(caught))
    expect(error).toContain('printable ASCII')
    expect(error).not.toContain('ключ')
  })
})

test('a role that owns the tables serves too, and says what it could drop', async () => {
  const { store } = await openStore({ dialect: 'postgres', url: owner })
  expect(store.advice).toContain('npm run grant-service-role')
  await store.close()
})

function urlOf(role: string): string {
  const url = new URL(owner)
  url.username = role
  url.password = password
  return url.href
}

/** Runs SQL in a database transaction that is rolled back; gives the SQLSTATE if it is refused. */
async function refusalOf(
  url: string,
  sql: string,
  before: readonly string[] = [],
): Promise<string | undefined> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    for (const statement of before) await client.query(statement)
    // These refuse to run inside a database transaction before they look at rights.
    const alone = /^(create database|alter system|reindex)/.test(sql)
    if (!alone) await client.query('begin')
    await client.query(sql)
    return undefined
  } catch (error) {
    return (error as { code?: string }).code ?? String(error)
  } finally {
    await client.query('rollback')
    await client.end()
  }
}
