import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { Client } from 'pg'
import type { AuditRecord } from '../../engine/audit-record.ts'
import { recordSteps } from '../audit-log.ts'

/** What a role is for: `service` posts and serves the API, `reader` looks and verifies. */
export type RolePurpose = 'service' | 'reader'

export interface RoleWish {
  readonly name: string
  readonly purpose: RolePurpose
  /** Undefined keeps the one it has; a new role without one can enter only where no password is asked. */
  readonly password: string | undefined
}

/** What was done, and what the role still may although it should not. */
export interface GrantReport {
  readonly created: boolean
  /** Sentences for the operator; empty when the role has exactly the rights it should. */
  readonly remaining: readonly string[]
}

/** The columns of an account that posting moves and the API changes. */
const accountColumns = [
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
]

/** The columns of a transaction that its end sets, or that change with what is captured or reversed of it. */
const transactionColumns = [
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
]

/** What stands beside the books for whoever searches them; only triggers write it, with the rights of its owner. */
const searchTables = 'dated_entries, transaction_metadata, account_metadata, unposted_accounts'

/** All that a service may: no deletion but of places in the queue and of old events, no change but of named columns. */
const serviceGrants = (role: string) => [
  `grant select on ${searchTables} to ${role}`,
  `grant update (books_closed_until) on ledgers to ${role}`,
  `grant select on schema_migrations, ledgers, currencies, accounts, transactions, entries, queued_transactions, hold_changes, batches, batch_members to ${role}`,
  `grant select, insert on anchors, anchored_heads to ${role}`,
  `grant insert on currencies, accounts, transactions, entries, hold_changes, batches, batch_members to ${role}`,
  `grant insert, update, delete on queued_transactions to ${role}`,
  `grant update (${accountColumns.join(', ')}) on accounts to ${role}`,
  `grant update (${transactionColumns.join(', ')}) on transactions to ${role}`,
  `grant usage, select on sequence accept_sequence to ${role}`,
  `grant insert on ledgers to ${role}`,
  `grant select, insert, delete on events to ${role}`,
  `grant select, update on event_numbering to ${role}`,
  `grant select, insert, update on pruned_events to ${role}`,
  // Keys are the owner's to make and to end: who takes the service over gives himself none that stays.
  `grant select on api_keys to ${role}`,
  `grant select, insert, update, delete on webhook_endpoints, webhook_deliveries to ${role}`,
  `grant select, insert on audit_log to ${role}`,
]

/** Everything but the secret that signs cursors. */
const readerGrants = (role: string) => [
  `grant select on ${searchTables} to ${role}`,
  `grant select on schema_migrations, currencies, accounts, transactions, entries, queued_transactions, hold_changes, batches, batch_members to ${role}`,
  `grant select on anchors, anchored_heads to ${role}`,
  `grant select (id, name, books_closed_until, created_at) on ledgers to ${role}`,
  `grant select on events, event_numbering, pruned_events to ${role}`,
]

/** A reader keeps no snapshot for long: while one is open, dead versions pile up and posting slows down. */
const readerSettings = (role: string) => [
  `alter role ${role} set default_transaction_read_only = on`,
  `alter role ${role} set statement_timeout = '30s'`,
  `alter role ${role} set idle_in_transaction_session_timeout = '10s'`,
]

/**
 * Makes a login role with exactly the rights of its purpose, or brings one that is there back to them: what else it had
 * on the ledger's tables is taken. Runs as the owner of the schema, in one database transaction; needs `createrole` to
 * make or change the role itself. PUBLIC loses the right to create tables, temporary ones too: else every role has it.
 *
 * Rejects with a sentence for the operator, above all when the role is one that could undo the guards. The password
 * leaves this process only as a SCRAM verifier, so that no log of the server can hold it. `record` says who did it, and is written in
 * the same database transaction.
 */
export async function grantRole(
  url: string,
  wish: RoleWish,
  record?: AuditRecord,
): Promise<GrantReport> {
  const client = new Client({ connectionString: url, application_name: 'ledgerflow-grant' })
  await client.connect()
  try {
    await client.query('begin')
    const created = await ensureRole(client, wish)
    const schema = await one(client, `select quote_ident(current_schema()) as value`)
    const database = await one(client, `select quote_ident(current_database()) as value`)
    const role = client.escapeIdentifier(wish.name)
    const statements = [
      `revoke create on schema ${schema} from public, ${role}`,
      `revoke temporary on database ${database} from public, ${role}`,
      `revoke all on all tables in schema ${schema} from ${role}`,
      `revoke all on all sequences in schema ${schema} from ${role}`,
      `grant connect on database ${database} to ${role}`,
      `grant usage on schema ${schema} to ${role}`,
      ...(wish.purpose === 'service' ? serviceGrants(role) : readerGrants(role)),
    ]
    for (const statement of statements) await client.query(statement)
    const remaining = await surplusOf(client, wish.name)
    for (const { statement, parameters } of recordSteps(record)) {
      await client.query(statement.text, [...parameters])
    }
    await client.query('commit')
    return { created, remaining }
  } finally {
    await client.end()
  }
}

async function ensureRole(client: Client, wish: RoleWish): Promise<boolean> {
  const role = client.escapeIdentifier(wish.name)
  const secret = wish.password === undefined ? '' : ` password '${scramVerifier(wish.password)}'`
  const { rows } = await client.query<{ mighty: boolean }>(
    `select r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolreplication or r.rolbypassrls
            or exists (select 1 from pg_auth_members m where m.member = r.oid)
            or exists (select 1 from pg_class c where c.relowner = r.oid) as mighty
       from pg_roles r where r.rolname = $1`,
    [wish.name],
  )
  const [known] = rows
  if (known?.mighty === true) {
    throw new Error(
      `the role ${wish.name} is there and is more than a login: it owns tables, belongs to another role or has ` +
        'rights over the whole server. Choose another name',
    )
  }
  if (known === undefined) await client.query(`create role ${role} login noinherit${secret}`)
  else if (secret !== '') await client.query(`alter role ${role} login${secret}`)
  if (wish.purpose === 'reader' && (known === undefined || secret !== '')) {
    for (const setting of readerSettings(role)) await client.query(setting)
  }
  return known === undefined
}

/** Rights that somebody else gave and we cannot take: the owner of the database or of the schema can. */
async function surplusOf(client: Client, name: string): Promise<string[]> {
  const { rows } = await client.query<{ creates: boolean; temporary: boolean }>(
    `select has_schema_privilege($1, current_schema(), 'create') as creates,
            has_database_privilege($1, current_database(), 'temporary') as temporary`,
    [name],
  )
  const [surplus] = rows
  return [
    ...(surplus?.creates === true ? ['it may still create tables in the schema'] : []),
    ...(surplus?.temporary === true ? ['it may still create temporary tables'] : []),
  ]
}

async function one(client: Client, text: string): Promise<string> {
  const { rows } = await client.query<{ value: string | null }>(text)
  const value = rows[0]?.value
  if (value == null) throw new Error('the connection has no schema of its own')
  return value
}

/**
 * The form in which Postgres keeps a password, made here.
 *
 * Source: RFC 5803, RFC 7677; PostgreSQL, "pg_authid", `rolpassword`.
 */
function scramVerifier(password: string): string {
  // Beyond printable ASCII, RFC 4013 rewrites a password before it is hashed.
  if (!/^[\x20-\x7e]+$/.test(password)) {
    throw new Error('the password must consist of printable ASCII characters')
  }
  const iterations = 4096
  const salt = randomBytes(16)
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const keyed = (text: string) => createHmac('sha256', salted).update(text).digest()
  const stored = createHash('sha256').update(keyed('Client Key')).digest('base64')
  const server = keyed('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${stored}:${server}`
}
