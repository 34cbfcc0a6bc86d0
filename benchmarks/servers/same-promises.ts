/**
 * One database transaction a request, one statement at a time, as in `one-at-a-time.ts`, by somebody who promises what we promise: the
 * service's own tables, guards, keys, events and chained entries, its validation and its decision. What is left between the
 * two is how the work comes to the database. Its statements are prepared. A process of its own, told by its argument which database; prints
 * its address when it listens.
 */
import pg from 'pg'
import { decideBatch } from '../../shared/engine/decide-batch.ts'
import { linkOf, type ChainedAccount } from '../../shared/engine/entry-chain.ts'
import { eventsOf } from '../../shared/engine/event.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import type { BatchState, BatchWrites, Standing } from '../../shared/engine/posting-store.ts'
import { isoCurrencies } from '../../shared/ledger/currency.ts'
import { chainHead, lockedAccountOf, lockedColumns } from '../../shared/store/locked-account.ts'
import { eventParameters, tellEvents } from '../../shared/store/postgres/tell-events.ts'
import { hex } from '../../shared/store/rows.ts'
import { transactionJson } from '../../shared/wire/transaction-json.ts'
import { postCommand, transactionRequest } from '../../shared/wire/transaction-request.ts'
import { servePayments } from './serve-payments.ts'

const ledgerId = 1
const pool = new pg.Pool({ connectionString: process.argv[2], max: 20 })

const findKey = `select id, idempotency_key, fingerprint, status from transactions
                  where ledger_id = $1 and idempotency_key = $2`
const lockAccount = `
  select ${lockedColumns}, (extract(epoch from last_posted_at) * 1000)::bigint,
         ${chainHead(`encode(chain_hash, 'hex')`)},
         (extract(epoch from clock_timestamp()) * 1000)::bigint
    from accounts where ledger_id = $1 and id = $2 for no key update`
/** With its entries: the guards refuse a statement that posts without any, or with some that do not balance. */
const insertTransaction = `
  with written as (
    insert into transactions
      (ledger_id, id, posted_at, created_at, status, idempotency_key, fingerprint, currency, exponent)
    values ($1, $2, $3, $3, $4, $5, decode($6, 'hex'), $7, $8)
  )
  insert into entries
    (ledger_id, transaction_id, posted_at, account_id, account_version, position, direction, amount,
     balance_after, debits_after, hash, follows_version)
  values ${[0, 1].map((position) => `($1, $2, $3, ${placesOf(position)})`).join(', ')}`
const moveAccount = `
  update accounts
     set posted_debits = $3, posted_credits = $4, version = $5, last_posted_at = $6,
         chain_hash = decode($7, 'hex'), chain_version = $5, newest_transaction_id = $8,
         newest_transaction_version = $9
   where ledger_id = $1 and id = $2`
const insertEvents = `with ${tellEvents(3)} select 1`

await servePayments(pool, async (client, body) => {
  const wanted = transactionRequest.parse(body)
  const command = postCommand(wanted, wanted.idempotency_key ?? null, ledgerId, isoCurrencies)
  return transactionJson(await post(client, command))
})

async function post(client: pg.PoolClient, command: PostCommand) {
  const { outcomes, writes } = decideBatch([command], await lockAndLookUp(client, command))
  const [outcome] = outcomes
  if (outcome?.kind !== 'written') throw new Error('the yardstick posts new payments only')
  await write(client, writes)
  return outcome.transaction
}

async function lockAndLookUp(client: pg.PoolClient, command: PostCommand): Promise<BatchState> {
  if (!command.pricing.ok) throw new Error('the yardstick posts new payments only')
  const found = await run(client, 'find_key', findKey, [ledgerId, command.idempotencyKey])
  const accounts = new Map<string, ChainedAccount>()
  let now = 0
  for (const id of command.pricing.entries.map(({ accountId }) => accountId).toSorted()) {
    const [row] = await run(client, 'lock_account', lockAccount, [ledgerId, id])
    if (row === undefined) throw new Error('the yardstick pays between accounts that are there')
    accounts.set(id, lockedAccountOf(row))
    now = Number(row.at(-1))
  }
  const standing = found.map(
    ([id, idempotencyKey, fingerprint, status]) =>
      ({ id, idempotencyKey, fingerprint: hex(fingerprint), status }) as Standing,
  )
  return { now, accounts, standing, targets: [], booksClosedUntil: null }
}

async function write(client: pg.PoolClient, { transactions, accounts, links, at }: BatchWrites) {
  const time = new Date(at)
  for (const transaction of transactions) {
    const { id, status, idempotencyKey, fingerprint, currency, exponent, entries } = transaction
    const rows = entries.flatMap((entry, position) => {
      const { hash, followsVersion } = linkOf(links, id, position)
      const { accountId, accountVersion, direction, amount, balanceAfter, debitsAfter } = entry
      const place = [accountId, accountVersion, position, direction]
      const money = [amount, balanceAfter, debitsAfter].map(String)
      return [...place, ...money, Buffer.from(hash, 'hex'), followsVersion]
    })
    const own = [id, time, status, idempotencyKey, fingerprint, currency, exponent]
    await run(client, 'insert_transaction', insertTransaction, [ledgerId, ...own, ...rows])
  }
  for (const account of accounts) {
    const { id, postedDebits, postedCredits, version, chainHash, newestTransaction } = account
    const totals = [postedDebits.toString(), postedCredits.toString(), version, time, chainHash]
    const newest = [newestTransaction?.id, newestTransaction?.version]
    await run(client, 'move_account', moveAccount, [ledgerId, id, ...totals, ...newest])
  }
  const events = eventParameters(eventsOf(transactions))
  await run(client, 'insert_events', insertEvents, [ledgerId, time, ...events])
}

async function run(client: pg.PoolClient, name: string, text: string, values: unknown[]) {
  const { rows } = await client.query<unknown[]>({ name, text, values, rowMode: 'array' })
  return rows
}

/** The places of an entry's own nine parameters. */
function placesOf(position: number): string {
  return Array.from({ length: 9 }, (_, index) => `$${9 + 9 * position + index}`).join(', ')
}
