import { Client } from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { openStore } from '../../shared/store/open.ts'
import { PostgresReader } from '../../shared/store/postgres/reader.ts'
import { readClock, settle } from '../../shared/store/postgres/settle.ts'
import { trialBalance } from '../../shared/store/read-trial-balance.ts'
import type { Parameter, Statement } from '../../shared/store/reader.ts'
import { ledgerId } from '../support/commands.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { bookEntries, bookTransaction, openBooks, together } from './books-by-hand.ts'

let url: string
let reader: PostgresReader
/** Somebody who posts between an account of the first page and one of the last, slowly. */
let poster: Client

/** For each test one account of the first page and one of the last. */
const pair = (n: number) => ({
  transaction: `01900000-0000-7000-9000-0000000000a${n}`,
  first: `00000000-0000-7000-8000-00000000000${n}`,
  last: `ffffffff-0000-7000-8000-00000000000${n}`,
})
const pairs = [pair(1), pair(2)] as const

beforeAll(async () => {
  url = await createPostgresDatabase()
  const { store } = await openStore({ dialect: 'postgres', url })
  await store.close()
  await withClient(url, async (client) => {
    for (const statement of openBooks('now()')) await client.query(statement)
    await client.query(`
      insert into accounts (ledger_id, id, name, account_type, currency, exponent, created_at)
      select 1, gen_random_uuid(), 'one of many', 'liability', 'USD', 2, now()
        from generate_series(1, 1200)`)
    for (const id of pairs.flatMap(({ first, last }) => [first, last])) {
      await client.query(`
        insert into accounts (ledger_id, id, name, account_type, currency, exponent, created_at)
        values (1, '${id}', 'of a pair', '${id.startsWith('0') ? 'asset' : 'liability'}', 'USD', 2, now())`)
    }
  })
  reader = new PostgresReader(url)
  poster = new Client({ connectionString: url })
  await poster.connect()
})
afterAll(async () => {
  await poster.end()
  await reader.close()
})

/** Posts as somebody does who read the clock and then takes long: nothing is committed yet. */
async function postSlowly({ transaction, first, last }: (typeof pairs)[number]): Promise<void> {
  const moved = 'version = 1, last_posted_at = now()'
  const statements = [
    'begin',
    `select 1 from accounts where id in ('${first}', '${last}') for no key update`,
    together(
      bookTransaction(transaction),
      bookEntries([
        [transaction, first, 1, 'debit', 100],
        [transaction, last, 1, 'credit', 100],
      ]),
    ),
    `update accounts set posted_debits = 100, ${moved} where id = '${first}'`,
    `update accounts set posted_credits = 100, ${moved} where id = '${last}'`,
  ]
  for (const statement of statements) await poster.query(statement)
}

/** Reads the trial balance with something done before its second page; counts how often it began. */
async function readWith(settling: (at: number) => Promise<void>, beforeSecondPage: () => unknown) {
  let begun = 0
  const access = {
    now: () => readClock(reader),
    settle: settling,
    timeParameter: (ms: number) => reader.timeParameter(ms),
    exactSum: (column: string) => reader.exactSum(column),
    idRows: (...asked: Parameters<typeof reader.idRows>) => reader.idRows(...asked),
    keyRange: (...asked: Parameters<typeof reader.keyRange>) => reader.keyRange(...asked),
    probe: (...asked: Parameters<typeof reader.probe>) => reader.probe(...asked),
    rows: async (statement: Statement, parameters: readonly Parameter[]) => {
      if (statement.name === 'trial_balance_first_page') begun += 1
      if (statement.name === 'trial_balance_page') await beforeSecondPage()
      return reader.rows(statement, parameters)
    },
  }
  const { rows } = await trialBalance(access, ledgerId, { axis: 'posted', at: undefined })
  const sum = (side: 'debits' | 'credits') => rows.reduce((all, row) => all + row[side], 0n)
  return { begun, debits: sum('debits'), credits: sum('credits') }
}

test('a trial balance waits for who may still post before its time, and reads once', async () => {
  await postSlowly(pairs[0])
  const settling = async (at: number) => {
    const settled = settle(reader, at)
    await poster.query('commit')
    await settled
  }
  const read = await readWith(settling, () => undefined)
  expect(read).toEqual({ begun: 1, debits: 200n, credits: 200n })
})

test('without waiting it would be torn, which it sees, and begins again: the control', async () => {
  await postSlowly(pairs[1])
  const commit = () => poster.query('commit')
  const read = await readWith(() => Promise.resolve(), commit)
  expect(read).toEqual({ begun: 2, debits: 300n, credits: 300n })
})
