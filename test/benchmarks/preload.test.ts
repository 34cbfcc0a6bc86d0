import pg from 'pg'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { preload } from '../../benchmarks/lab/preload.ts'
import { faultsIn, readBooks } from '../../benchmarks/lab/proof.ts'
import { Posting } from '../../shared/engine/post.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { payment } from '../support/people.ts'

let url: string
let store: LedgerStore
let database: pg.Client
let accounts: string[]
beforeAll(async () => {
  url = await createPostgresDatabase()
  store = (await openStore({ dialect: 'postgres', url })).store
  accounts = []
  for (let count = 0; count < 7; count += 1) accounts.push(await openAccount(store, 'asset'))
  database = new pg.Client(url)
  await database.connect()
})
afterAll(async () => {
  await database.end()
  await store.close()
})

it('stored transactions are as if the service had posted them: the books are clean, and posting goes on', async () => {
  // Two statements' worth and a little, so that the second goes on from the first.
  const count = 20_011
  const told: number[] = []
  await preload(database, accounts, count, (made) => told.push(made))
  expect(told).toEqual([20_000, count])
  expect(await readBooks(url)).toEqual({ posted: count, queued: 0, differences: [] })

  const [alice = '', bob = ''] = accounts
  const before = await store.findAccount(ledgerId, alice)
  const posting = new Posting(store, { batchDone() {}, retried() {}, split() {} })
  await posting.post(commandOf(payment({ debit: alice, credit: bob, amount: '1.00' })))
  expect(await store.findAccount(ledgerId, alice)).toMatchObject({
    version: (before?.version ?? 0) + 1,
    postedDebits: (before?.postedDebits ?? 0n) + 100n,
  })

  const books = await readBooks(url)
  expect(faultsIn(books, count + 1, { exact: true })).toEqual([])
  // The same books, had one more been accepted: a lost payment is seen.
  expect(faultsIn(books, count + 2, { exact: true })).toEqual([
    `${count + 2} were accepted, ${count + 1} are in the books`,
  ])
  expect(faultsIn(books, count + 2, { exact: false })).toHaveLength(1)
  // One that is there although nobody was told so is a fault only where everybody was waited for.
  expect(faultsIn(books, count, { exact: true })).toHaveLength(1)
  expect(faultsIn(books, count, { exact: false })).toEqual([])
})

it('every account takes part, on either side', async () => {
  const { rows } = await database.query<{ account_id: string; direction: string }>(
    'select distinct account_id, direction from entries',
  )
  expect(new Set(rows.map(({ account_id: id }) => id))).toEqual(new Set(accounts))
  expect(rows).toHaveLength(2 * accounts.length)
})

it('stored transactions carry keys, ids in the order of posting, and times in that order', async () => {
  const { rows } = await database.query<{ unordered: string; keys: string }>(
    `select count(*) filter (where id < before or posted_at < posted_before) as unordered,
            count(distinct idempotency_key) as keys
       from (select id, idempotency_key, posted_at, lag(id) over line as before,
                    lag(posted_at) over line as posted_before
               from transactions where idempotency_key like 'preload-%'
             window line as (order by substr(idempotency_key, 9)::integer)) t`,
  )
  expect(rows[0]).toEqual({ unordered: '0', keys: '20011' })
})

it('refuses to pay an account from itself', async () => {
  await expect(preload(database, accounts.slice(0, 1), 1)).rejects.toThrow('two accounts')
})
