import { withClient } from '../../scripts/provision/postgres-database.ts'
import { newId } from '../../shared/engine/new-id.ts'
import { Posting } from '../../shared/engine/post.ts'
import { Metrics } from '../../shared/metrics.ts'
import { makeAnchors } from '../../shared/store/anchors/make-anchors.ts'
import { openAnchorBooks } from '../../shared/store/anchors/open-anchor-books.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { postOn } from '../../shared/store/postgres/post.ts'
import type { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'
import { paceOf } from '../../shared/store/verify/pace.ts'
import { commandOf, openAccount } from '../support/commands.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { payment } from '../support/people.ts'

/** Enough rows that the planner would rather scan than probe, were it allowed to. */
const accountsMany = 5000
const transactionsMany = 20_000

/** A ledger on Postgres with two accounts, whose statements are explained. */
export interface PlannedLedger {
  readonly url: string
  readonly store: LedgerStore
  readonly alice: string
  readonly cash: string
}

/** Posts on one connection, one batch after the other. */
export function postingOn(connection: PostingConnection): Posting {
  return new Posting(
    { batchesMax: 1, turnsBefore: 1, post: (reads, decide) => postOn(connection, reads, decide) },
    new Metrics().posting,
  )
}

/** Posts a payment under a key of its own on a connection; `more` is what its request says besides. */
export async function postPayment(
  { cash, alice }: PlannedLedger,
  connection: PostingConnection,
  more: { effective_at?: string } = {},
): Promise<void> {
  const wish = { debit: cash, credit: alice, amount: '1.00', idempotency_key: newId(), ...more }
  const outcome = await postingOn(connection).post(commandOf(payment(wish)))
  if (outcome.kind !== 'written') throw new Error(`not written: ${outcome.kind}`)
}

/** What autovacuum would analyse at a time of its own, and have planned anew. */
const grownTables = [
  'accounts',
  'batches',
  'entries',
  'hold_changes',
  'queued_transactions',
  'transactions',
]

/** Opens a new ledger; its tables are next to empty, and nobody analyses them unasked. */
export async function openPlannedLedger(): Promise<PlannedLedger> {
  const url = await createPostgresDatabase()
  const { store } = await openStore({ dialect: 'postgres', url })
  await withClient(url, async (client) => {
    for (const table of grownTables) {
      await client.query(`alter table ${table} set (autovacuum_enabled = false)`)
    }
  })
  const cash = await openAccount(store, 'asset')
  return { url, store, cash, alice: await openAccount(store, 'liability') }
}

interface TableState {
  readonly state: string
  readonly prepare: (ledger: PlannedLedger) => Promise<unknown>
}

const empty: TableState = { state: 'empty', prepare: () => Promise.resolve() }
const large: readonly TableState[] = [
  { state: 'large and never analysed', prepare: fill },
  {
    state: 'large and analysed',
    prepare: ({ url }) => withClient(url, (client) => client.query('analyze')),
  },
]

/** What the tables may look like to the planner. In this order: each state is what the ones before have made of them. */
export const tableStates: readonly TableState[] = [empty, ...large]

/**
 * The same, and how the tables grow, for plans that are kept. While they are small, some of their indexes are already a page higher than
 * others, which is all that tells two ways apart that are taken to cost the same.
 */
export const growingStates: readonly TableState[] = [
  empty,
  ...[1, 101, 201, 301].map((first) => ({
    state: `of ${first + 99} rows`,
    prepare: (ledger: PlannedLedger) => grow(ledger, { first, last: first + 99 }),
  })),
  ...large,
]

/** Adds some rows to each of the tables. Their keys are long, accounts have no codes, all that is queued is parked. */
async function grow(
  { url }: PlannedLedger,
  { first, last }: { first: number; last: number },
): Promise<void> {
  const names = `(select t.place, md5(t.place::text)::uuid as id,
                         'a key of about this length ' || md5(t.place::text) as key
                    from generate_series(${first}, ${last}) as t (place)) named`
  await withClient(url, async (client) => {
    await client.query(`set session_replication_role = replica`)
    await client.query(`
      insert into accounts (ledger_id, id, name, account_type, currency, exponent, created_at)
      select 1, id, 'one of few', 'liability', 'USD', 2, '2026-01-01' from ${names}`)
    await client.query(`
      with posted as (
        insert into transactions (ledger_id, id, status, currency, exponent, idempotency_key,
                                  created_at, posted_at, metadata)
        select 1, id, 'posted', 'USD', 2, key, '2026-01-01', '2026-01-01', '{}' from ${names}
      )
      insert into entries (ledger_id, account_id, account_version, transaction_id, position,
                           direction, amount, balance_after, debits_after, posted_at)
      select 1, id, side.version, id, side.version - 1, side.direction, 1, 0, 1, '2026-01-01'
        from ${names}, (values (1, 'debit'), (2, 'credit')) as side (version, direction)`)
    await client.query(`
      insert into hold_changes (ledger_id, id, hold_id, wish, idempotency_key, created_at)
      select 1, id, id, '{}', key, '2026-01-01' from ${names}`)
    await client.query(`
      insert into queued_transactions (ledger_id, slot, sequence, transaction_id, entry_count,
                                       ordering_key, enqueued_at, parked_at)
      select 1, place % 256, place, id, 2, key, '2026-01-01', '2026-01-01' from ${names}`)
    await client.query(`
      insert into batches (ledger_id, id, mode, fingerprint, created_at)
      select 1, id, 'atomic', key::bytea, '2026-01-01' from ${names}`)
  })
}

/** Fills the tables as posting would, only faster: two entries a transaction, over many accounts. */
async function fill({ url, store, cash, alice }: PlannedLedger): Promise<void> {
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
                                  created_at, posted_at, effective_at, metadata)
        select 1, ${uuid('01900000-0000-7000-9000-', 't')}, 'posted', 'USD', 2, 'many ' || t,
               '2026-01-01', '2026-01-01',
               case t % 4 when 0 then timestamptz '2025-01-01' + t * interval '1 minute' end,
               case t % 4 when 1 then jsonb_build_object('order', t) end
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
  const books = openAnchorBooks({ dialect: 'postgres', url })
  await makeAnchors(books, 1, paceOf(0), { accountsPerRead: 500, headsMax: 500 })
  await books.close()
}
