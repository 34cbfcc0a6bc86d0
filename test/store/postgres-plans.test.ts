import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { Acceptance } from '../../shared/engine/accept.ts'
import { drainDecider } from '../../shared/engine/decide-drain.ts'
import { drainOnce } from '../../shared/engine/drain.ts'
import { newId } from '../../shared/engine/new-id.ts'
import { Posting } from '../../shared/engine/post.ts'
import type { QueueStore } from '../../shared/engine/queue-store.ts'
import { Metrics } from '../../shared/metrics.ts'
import { openPostgresSource } from '../../shared/store/data-source.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { acceptOn } from '../../shared/store/postgres/accept.ts'
import { drainOn } from '../../shared/store/postgres/drain.ts'
import { DrainFloors } from '../../shared/store/postgres/drain-floors.ts'
import { postOn } from '../../shared/store/postgres/post.ts'
import { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'
import { PostgresReader } from '../../shared/store/postgres/reader.ts'
import { balanceAt, findAccount, listEntries } from '../../shared/store/read-accounts.ts'
import { findTransaction, listTransactions } from '../../shared/store/read-transactions.ts'
import type { Parameter, Reader, Statement } from '../../shared/store/reader.ts'
import type { Row } from '../../shared/store/rows.ts'
import { verifyAccounts } from '../../shared/store/verify/verify-accounts.ts'
import { Differences } from '../../shared/store/verify/differences.ts'
import { verifyTotals } from '../../shared/store/verify/verify-totals.ts'
import { verifyQueue } from '../../shared/store/verify/verify-queue.ts'
import { verifyTransactions } from '../../shared/store/verify/verify-transactions.ts'
import { openVerifyingReader } from '../../shared/store/verify/verifying-reader.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { payment } from '../support/people.ts'

/** Enough rows that the planner would rather scan than probe, were it allowed to. */
const accountsMany = 5000
const transactionsMany = 20_000

/** One scan of a plan: which index, and the columns its condition is on. */
interface Scan {
  readonly statement: string
  readonly kind: string
  readonly index: string | undefined
  readonly condition: string
}

let url: string
let store: LedgerStore
let alice: string
let cash: string
/** A connection that planned all it does while the tables were empty, and keeps those plans. */
let old: PostingConnection
let indexColumns: Map<string, string[]>

beforeAll(async () => {
  url = await createPostgresDatabase()
  store = (await openStore({ dialect: 'postgres', url })).store
  old = await PostingConnection.open(url)
  indexColumns = await readIndexColumns()
})
afterAll(async () => {
  old.close()
  await store.close()
})

// In this order: each state is what the ones before have made of the tables.
describe.each([
  { state: 'empty', prepare: openTwo },
  { state: 'large and never analysed', prepare: fill },
  {
    state: 'large and analysed',
    prepare: () => withClient(url, (client) => client.query('analyze')),
  },
])('on tables that are $state', ({ state, prepare }) => {
  beforeAll(async () => {
    await prepare()
  })

  test('every statement of posting probes its indexes with all their columns', async () => {
    const fresh = await PostingConnection.open(url)
    try {
      for (const connection of [fresh, old]) {
        const scans = await scansOfPosting(connection)
        expect([...new Set(scans.map(({ statement }) => statement))].toSorted()).toEqual([
          'find_standing',
          'lock_accounts',
          'write_batch',
        ])
        for (const scan of scans) expect(scan).toEqual(probeOf(scan))
      }
    } finally {
      fresh.close()
    }
  })

  test('every statement of the queue probes its indexes', async () => {
    const fresh = await PostingConnection.open(url)
    try {
      for (const connection of [fresh, old]) {
        const scans = await scansOfQueue(connection)
        const found = [...new Set(scans.map((scan) => `${scan.statement}: ${shortOf(scan)}`))]
        expect(found.filter((scan) => !expectedOfQueue.includes(scan))).toEqual([])
        expect(found.length).toBeGreaterThan(8)
      }
    } finally {
      fresh.close()
    }
  })

  test('every read goes through the index it should', async () => {
    const plans = await scansOfReads()
    // Reads are planned each time, so with next to no rows it does not matter how.
    if (state === 'empty') expect(Object.values(plans).flat().join()).not.toMatch(/Seq|Bitmap/)
    else expect(plans).toEqual(expectedOfReads)
  })

  test('verification walks along indexes', async () => {
    const reader = openVerifyingReader({ dialect: 'postgres', url })
    const explaining = new Explaining(reader)
    const verifying = Object.assign(explaining, {
      exactSum: (column: string) => reader.exactSum(column),
      close: () => reader.close(),
    })
    try {
      const differences = new Differences()
      const atOnce = <Result>(read: () => Promise<Result>) => read()
      const cut = { accountsAtOnceMax: 1, trailMs: 0 }
      await verifyTotals(verifying, ledgerId, differences, { pace: atOnce, cut })
      await verifyAccounts(verifying, ledgerId, differences, atOnce)
      await verifyTransactions(verifying, ledgerId, differences, atOnce)
      await verifyQueue(verifying, ledgerId, differences, atOnce)
      expect(differences.named).toEqual([])
    } finally {
      await reader.close()
    }
    const found = new Set(explaining.scans.map(shortOf))
    expect([...found].filter((scan) => !expectedOfVerification.includes(scan))).toEqual([])
    expect(found.size).toBeGreaterThan(4)
  })
})

test('without its settings a connection would scan: the control', async () => {
  const scans = await withClient(url, async (client) => {
    await client.query('set enable_indexscan = off')
    await client.query('set enable_bitmapscan = off')
    await client.query('set plan_cache_mode = force_generic_plan')
    await client.query(`prepare find (integer, uuid[]) as
      select id from accounts where ledger_id = $1 and id = any($2)`)
    const { rows } = await client.query('explain (format json) execute find (1, null)')
    return scansIn('find', planOf(rows[0] as Row))
  })
  expect(scans.map(({ kind }) => kind)).not.toEqual(['Index Scan'])
})

async function openTwo(): Promise<void> {
  cash = await openAccount(store, 'asset')
  alice = await openAccount(store, 'liability')
}

/** Fills the tables as posting would, only faster: two entries a transaction, over many accounts. */
async function fill(): Promise<void> {
  const posting = new Posting(store, new Metrics().posting)
  for (const index of [1, 2, 3]) {
    await posting.post(
      commandOf(
        payment({ debit: cash, credit: alice, amount: '1.00', idempotency_key: `key ${index}` }),
      ),
    )
  }
  const uuid = (prefix: string, number: string) =>
    `('${prefix}' || lpad(to_hex(${number}), 12, '0'))::uuid`
  const half = accountsMany / 2
  const each = transactionsMany / half
  await withClient(url, async (client) => {
    await client.query(`set session_replication_role = replica`)
    await client.query(`
      insert into accounts (ledger_id, id, code, name, account_type, currency, exponent,
                            posted_debits, posted_credits, version, last_posted_at, created_at)
      select 1, ${uuid('01900000-0000-7000-8000-', 'a')}, 'code ' || a, 'many',
             case when a < ${half} then 'asset' else 'liability' end, 'USD', 2,
             case when a < ${half} then ${each} else 0 end,
             case when a < ${half} then 0 else ${each} end, ${each}, '2026-01-01', '2026-01-01'
        from generate_series(0, ${accountsMany - 1}) a`)
    await client.query(`
      with many as (
        insert into transactions (ledger_id, id, status, currency, exponent, idempotency_key,
                                  created_at, posted_at)
        select 1, ${uuid('01900000-0000-7000-9000-', 't')}, 'posted', 'USD', 2, 'many ' || t,
               '2026-01-01', '2026-01-01'
          from generate_series(0, ${transactionsMany - 1}) t
      )
      insert into entries (ledger_id, account_id, account_version, transaction_id, position,
                           direction, amount, balance_after, debits_after, posted_at)
      select 1, ${uuid('01900000-0000-7000-8000-', `t % ${half} + ${half} * p`)}, t / ${half} + 1,
             ${uuid('01900000-0000-7000-9000-', 't')}, p,
             case p when 0 then 'debit' else 'credit' end, 1, t / ${half} + 1,
             case p when 0 then t / ${half} + 1 else 0 end, '2026-01-01'
        from generate_series(0, ${transactionsMany - 1}) t, generate_series(0, 1) p`)
  })
}

/** Posts once on the connection, and asks it how it runs each statement it has prepared. */
async function scansOfPosting(connection: PostingConnection): Promise<Scan[]> {
  const posting = new Posting(
    { batchesMax: 1, post: (reads, decide) => postOn(connection, reads, decide) },
    new Metrics().posting,
  )
  const request = payment({ debit: cash, credit: alice, amount: '1.00', idempotency_key: newId() })
  expect((await posting.post(commandOf(request))).kind).toBe('written')

  const scans = await scansOfPrepared(connection)
  return scans.filter(({ statement }) => !queueStatements.has(statement))
}

/** Accepts and drains once on the connection, and asks it how it runs each statement it has prepared. */
async function scansOfQueue(connection: PostingConnection): Promise<Scan[]> {
  const queue = {
    accept: (...[reads, decide]: Parameters<QueueStore['accept']>) =>
      acceptOn(connection, reads, decide),
    drain: (...[order, decider]: Parameters<QueueStore['drain']>) =>
      drainOn(connection, order, decider, new DrainFloors()),
  } as QueueStore
  const acceptance = new Acceptance(queue, new Metrics().accepting, () => {})
  const request = payment({ debit: cash, credit: alice, amount: '1.00', idempotency_key: newId() })
  const accepted = await acceptance.accept(commandOf(request))
  if (accepted.kind !== 'written') throw new Error('not accepted')
  const { place } = accepted.transaction
  if (place === null) throw new Error('no place')
  expect((await drainOnce(queue, ledgerId, [place.slot])).ended).toHaveLength(1)
  await queue.drain({ ledgerId, places: [place] }, drainDecider)
  const scans = await scansOfPrepared(connection)
  return scans.filter(({ statement }) => queueStatements.has(statement))
}

async function scansOfPrepared(connection: PostingConnection): Promise<Scan[]> {
  const prepared = await connection.send(
    `select name, cardinality(parameter_types) as parameters from pg_prepared_statements
      where name <> ''`,
  )
  const scans: Scan[] = []
  for (const { name, parameters } of prepared.rows as { name: string; parameters: number }[]) {
    const nulls =
      parameters === 0 ? '' : `(${Array.from({ length: parameters }, () => 'null').join(', ')})`
    const { rows } = await connection.send(`explain (format json) execute "${name}"${nulls}`)
    scans.push(...scansIn(name, planOf(rows[0] as Row)))
  }
  return scans
}

/** Every read of the API, on the reader's own connections. */
async function scansOfReads(): Promise<Record<string, string[]>> {
  const postgres = new PostgresReader(url)
  const reader = new Explaining(postgres)
  const plans: Record<string, string[]> = {}
  const explain = async (title: string, read: () => Promise<unknown>) => {
    reader.scans.length = 0
    await read()
    plans[title] = [...new Set(reader.scans.map(shortOf))].toSorted()
  }
  const page = { before: undefined, size: 51 }
  const next = { before: newId(), size: 51 }
  try {
    const account = await findAccount(reader, ledgerId, alice)
    if (account === undefined) throw new Error('no account')
    const [entry] = await listEntries(reader, ledgerId, alice, page)
    const id = entry?.transactionId ?? newId()
    await explain('account', () => findAccount(reader, ledgerId, alice))
    await explain('entries', () => listEntries(reader, ledgerId, alice, page))
    await explain('balance at', () => balanceAt(reader, account, Date.now()))
    await explain('transaction', () => findTransaction(reader, ledgerId, id))
    for (const [title, filter] of [
      ['transactions', {}],
      ['failed', { status: 'failed' }],
      ['canceled', { status: 'canceled' }],
      ['by reference', { reference: 'order-4711' }],
    ] as const) {
      await explain(title, () => listTransactions(reader, ledgerId, filter, page))
      await explain(`${title}, next`, () => listTransactions(reader, ledgerId, filter, next))
    }
    return plans
  } finally {
    await postgres.close()
  }
}

const queueStatements = new Set([
  'take_sequence',
  'write_accepted',
  'take_slots',
  'take_oldest',
  'lock_slots',
  'take_places',
  'write_drained',
])

const ofTaking = (statement: string) => [
  `${statement}: queued_transactions_pkey (ledger_id, slot, sequence)`,
  // Only what is parked is in it, next to nothing.
  `${statement}: queued_parked (ledger_id)`,
  `${statement}: queued_parked (ledger_id, slot)`,
  `${statement}: queued_parked (ledger_id, slot, ordering_key)`,
  `${statement}: Tid Scan`,
  `${statement}: transactions_pkey (ledger_id, id)`,
]
const expectedOfQueue: readonly string[] = [
  ...ofTaking('take_slots'),
  ...ofTaking('take_oldest'),
  ...ofTaking('take_places'),
  'write_drained: transactions_pkey (ledger_id, id)',
  'write_drained: accounts_pkey (ledger_id, id)',
  'write_drained: Tid Scan',
]

const ofPage = ['entries_transaction (ledger_id, transaction_id)']
const expectedOfReads: Record<string, string[]> = {
  account: ['accounts_pkey (ledger_id, id)'],
  entries: ['entries_pkey (ledger_id, account_id, account_version)'],
  'balance at': ['entries_pkey (ledger_id, account_id, account_version)'],
  transaction: [...ofPage, 'transactions_pkey (ledger_id, id)'],
  transactions: [...ofPage, 'transactions_pkey (ledger_id)'],
  'transactions, next': [...ofPage, 'transactions_pkey (ledger_id, id)'],
  failed: ['transactions_failed (ledger_id)'],
  'failed, next': ['transactions_failed (ledger_id, id)'],
  canceled: ['transactions_canceled (ledger_id)'],
  'canceled, next': ['transactions_canceled (ledger_id, id)'],
  'by reference': ['transactions_reference (ledger_id, reference)'],
  'by reference, next': ['transactions_reference (ledger_id, reference, id)'],
}

const expectedOfVerification: readonly string[] = [
  'accounts_pkey (ledger_id)',
  'accounts_pkey (ledger_id, id)',
  'entries_pkey (ledger_id, account_id, account_version)',
  'entries_transaction (ledger_id)',
  'entries_transaction (ledger_id, transaction_id)',
  'transactions_pkey (ledger_id)',
  'transactions_pkey (ledger_id, id)',
  'queued_transactions_pkey (ledger_id, slot, sequence)',
]

/** Runs reads as the service does, and keeps how each was planned. */
class Explaining implements Reader {
  readonly scans: Scan[] = []
  readonly #reader: Reader

  constructor(reader: Reader) {
    this.#reader = reader
  }

  async rows(statement: Statement, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    const text = `explain (format json) ${statement.text}`
    const [row] = await this.#reader.rows({ name: `explain ${statement.name}`, text }, parameters)
    this.scans.push(...scansIn(statement.name, planOf(row ?? {})))
    return this.#reader.rows(statement, parameters)
  }

  timeParameter(ms: number): Parameter {
    return this.#reader.timeParameter(ms)
  }
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Relation Name'?: string
  readonly Plans?: readonly PlanNode[]
}

function planOf(row: Row): PlanNode {
  const [explained] = row['QUERY PLAN'] as { Plan: PlanNode }[]
  if (explained === undefined) throw new Error('no plan')
  return explained.Plan
}

/** All that reads a table or joins by reading a whole side; tables a trigger reads are planned for themselves. */
function scansIn(statement: string, node: PlanNode): Scan[] {
  const kind = node['Node Type']
  const own =
    node['Relation Name'] !== undefined && kind !== 'ModifyTable'
      ? [{ statement, kind, index: node['Index Name'], condition: node['Index Cond'] ?? '' }]
      : /Hash Join|Merge Join|Bitmap/.test(kind)
        ? [{ statement, kind, index: undefined, condition: '' }]
        : []
  return [...own, ...(node.Plans ?? []).flatMap((plan) => scansIn(statement, plan))]
}

/** The same scan as it should be: at a known place, or through an index with a condition on every column of it. */
function probeOf(scan: Scan): unknown {
  if (scan.kind === 'Tid Scan') return scan
  const columns = indexColumns.get(scan.index ?? '') ?? ['an index']
  const all = columns.map((column) => `(?=[^]*\\b${column}\\b)`).join('')
  return {
    ...scan,
    kind: expect.stringMatching(/^Index (Only )?Scan$/) as string,
    condition: expect.stringMatching(new RegExp(`^${all}`)) as string,
  }
}

/** `index (columns in its condition)`, or what it is instead of an index scan. */
function shortOf({ kind, index, condition }: Scan): string {
  if (index === undefined) return kind
  const columns = (indexColumns.get(index) ?? []).filter((column) =>
    new RegExp(`\\b${column}\\b`).test(condition),
  )
  return `${index} (${columns.join(', ')})`
}

async function readIndexColumns(): Promise<Map<string, string[]>> {
  const source = await openPostgresSource(url)
  const rows = await source.dataSource.query<{ name: string; columns: string[] }[]>(
    `select i.indexrelid::regclass::text as name,
            array_agg(a.attname::text order by k.place) as columns
       from pg_index i
      cross join lateral unnest(i.indkey) with ordinality as k (number, place)
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
      where i.indrelid::regclass::text !~ '^(pg_|information_schema)'
      group by i.indexrelid`,
  )
  await source.dataSource.destroy()
  return new Map(rows.map(({ name, columns }) => [name, columns]))
}
