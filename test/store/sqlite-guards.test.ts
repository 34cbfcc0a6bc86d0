import Database, { type Database as SqliteDatabase } from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateStore } from '../../shared/store/open.ts'
import { openSqlite } from '../../shared/store/sqlite/connection.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { createSqlitePath } from '../support/databases.ts'
import { bookEntries, bookTransaction, ids, openBooks, type HandEntry } from './books-by-hand.ts'

const at = '1000'
const { alice, cash, euros, posted, queued, failed, fresh, stranger } = ids

const batch = `insert into batches (ledger_id, id, mode, fingerprint, created_at)
  values (1, '${stranger}', 'independent', 'content', ${at})`
const batchMember = `insert into batch_members (ledger_id, batch_id, position, transaction_id, problem, replayed)
  values (1, '${stranger}', 0, '${queued}', null, 0)`

/** A new file with the books by hand in it. */
async function openFile(): Promise<string> {
  const path = createSqlitePath()
  await migrateStore({ dialect: 'sqlite', path })
  const database = openSqlite(path)
  for (const statement of [...openBooks(at), batch, batchMember]) database.exec(statement)
  database.close()
  return path
}

const entries = (...rows: HandEntry[]) => bookEntries(rows, at)
const transaction = (id: string) => bookTransaction(id, 'posted', at)
const debit: HandEntry = [fresh, cash, 2, 'debit', 100]
const credit: HandEntry = [fresh, alice, 2, 'credit', 100]

const refusedPostings: readonly { readonly title: string; readonly sql: readonly string[] }[] = [
  {
    title: 'that do not balance',
    sql: [entries(debit, [fresh, alice, 2, 'credit', 99]), transaction(fresh)],
  },
  { title: 'of which one is missing', sql: [entries(debit), transaction(fresh)] },
  { title: 'that are missing altogether', sql: [transaction(fresh)] },
  {
    title: 'that balance only over two currencies',
    sql: [entries(debit, [fresh, euros, 1, 'credit', 100]), transaction(fresh)],
  },
  {
    title: 'that balance only over two transactions',
    sql: [
      entries(debit, [stranger, alice, 2, 'credit', 100]),
      transaction(fresh),
      transaction(stranger),
    ],
  },
  {
    title: 'that come after their transaction',
    sql: [transaction(fresh), entries(debit, credit)],
  },
  {
    title: 'of an account that does not exist',
    sql: [entries(debit, credit, [fresh, stranger, 1, 'credit', 100]), transaction(fresh)],
  },
  {
    title: 'of another time than their transaction',
    sql: [bookEntries([debit, credit], '999'), transaction(fresh)],
  },
  {
    title: 'that a transaction gets which stands posted, though they balance',
    sql: [entries([posted, cash, 2, 'debit', 100], [posted, alice, 2, 'credit', 100])],
  },
  {
    title: 'that a failed transaction gets',
    sql: [entries([failed, cash, 2, 'debit', 100], [failed, alice, 2, 'credit', 100])],
  },
  {
    title: 'of the amount zero',
    sql: [
      entries([fresh, cash, 2, 'debit', 0], [fresh, alice, 2, 'credit', 0]),
      transaction(fresh),
    ],
  },
  {
    title: 'with an amount that is no whole number',
    sql: [
      entries(debit, credit).replaceAll(`'100', '100', '100'`, `'1e2', '100', '100'`),
      transaction(fresh),
    ],
  },
  {
    title: 'in the place of others (OR REPLACE)',
    sql: [
      entries([fresh, cash, 1, 'debit', 100], credit).replace('insert', 'insert or replace'),
      transaction(fresh),
    ],
  },
]

const refusedChanges: readonly string[] = [
  `update entries set amount = '1' where transaction_id = '${posted}'`,
  `update or replace entries set account_version = 2 where account_id = '${cash}'`,
  `insert into entries select * from entries where true
     on conflict (ledger_id, account_id, account_version) do update set amount = '1'`,
  `delete from entries where transaction_id = '${posted}'`,
  `delete from entries`,
  `update transactions set description = 'other' where id = '${posted}'`,
  `update transactions set posted_at = null where id = '${posted}'`,
  `update transactions set status = 'posted', posted_at = ${at} where id = '${failed}'`,
  `update transactions set status = 'posted', posted_at = ${at} where id = '${queued}'`,
  `update transactions set id = '${stranger}' where id = '${queued}'`,
  `update transactions set currency = 'EUR' where id = '${queued}'`,
  `update transactions set created_at = 1 where id = '${queued}'`,
  `update transactions set idempotency_key = 'other' where id = '${queued}'`,
  `update transactions set idempotency_key = null where id = '${queued}'`,
  `update transactions set fingerprint = x'00' where id = '${queued}'`,
  `update or replace transactions set idempotency_key = 'key of ${posted}' where id = '${queued}'`,
  bookTransaction(posted, 'failed', at).replace('insert', 'insert or replace'),
  bookTransaction(fresh, 'failed', at)
    .replace('insert', 'insert or replace')
    .replace(`key of ${fresh}`, `key of ${posted}`),
  `delete from transactions where id = '${queued}'`,
  `delete from transactions`,
  `update accounts set id = '${stranger}' where id = '${euros}'`,
  `update accounts set ledger_id = 2 where id = '${euros}'`,
  `update accounts set account_type = 'asset' where id = '${alice}'`,
  `update accounts set currency = 'EUR' where id = '${alice}'`,
  `update accounts set exponent = 3 where id = '${alice}'`,
  `update accounts set version = 0 where id = '${alice}'`,
  `update or replace accounts set code = '${euros}' where id = '${alice}'`,
  `insert or replace into accounts select * from accounts where id = '${euros}'`,
  `insert or replace into accounts (ledger_id, id, code, name, account_type, currency, exponent, created_at)
     values (1, '${stranger}', '${euros}', 'an account', 'asset', 'USD', 2, ${at})`,
  `update batches set mode = 'atomic'`,
  `delete from batches`,
  batch.replace('insert', 'insert or replace'),
  `update batch_members set transaction_id = '${posted}'`,
  `delete from batch_members`,
  batchMember.replace('insert', 'insert or replace'),
  `delete from accounts where id = '${euros}'`,
  `delete from accounts`,
]

describe.each([
  { who: 'our own connection', pragmas: [] },
  {
    who: 'a connection that checks no keys and fires no triggers of triggers',
    pragmas: ['foreign_keys = off', 'recursive_triggers = off'],
  },
])('SQLite refuses $who', ({ pragmas }) => {
  let database: SqliteDatabase
  beforeAll(async () => {
    database = openSqlite(await openFile())
    for (const pragma of pragmas) database.pragma(pragma)
  })
  afterAll(() => {
    database.close()
  })

  test.each(refusedPostings)('entries $title', ({ sql }) => {
    expect(refusalOf(database, sql)).toMatch(/refuses|constraint failed/)
  })

  test.each(refusedChanges)('%s', (sql) => {
    expect(refusalOf(database, [sql])).toMatch(/refuses/)
  })
})

test('SQLite accepts balanced entries followed by their transaction, new or queued until then', async () => {
  const path = await openFile()
  const database = openSqlite(path)
  const half: HandEntry = [fresh, alice, 2, 'credit', 60]
  const rest: HandEntry = [fresh, alice, 3, 'credit', 40]
  expect(refusalOf(database, [entries(debit, half, rest), transaction(fresh)])).toBeUndefined()
  expect(
    refusalOf(database, [
      entries([queued, cash, 3, 'debit', 100], [queued, alice, 4, 'credit', 100]),
      `update transactions set status = 'posted', posted_at = ${at} where id = '${queued}'`,
      `update accounts set name = 'Alice', code = 'alice', version = 4 where id = '${alice}'`,
    ]),
  ).toBeUndefined()
  database.close()
})

describe('a connection that is not ours', () => {
  // SQLite cannot add 38 digits, so the guard calls a function that only this program has.
  test('can neither post nor add entries', async () => {
    const database = new Database(await openFile())
    expect(refusalOf(database, [entries(debit, credit), transaction(fresh)])).toMatch(
      'no such function: debits_less_credits',
    )
    expect(refusalOf(database, [entries(debit, credit)])).toMatch('FOREIGN KEY constraint failed')
    expect(refusalOf(database, ['delete from entries'])).toMatch('the ledger refuses')
    database.close()
  })

  test('that also switches keys off can leave entries without a transaction, which verification names', async () => {
    const path = await openFile()
    const database = new Database(path)
    database.pragma('foreign_keys = off')
    expect(refusalOf(database, [entries(debit, credit)])).toBeUndefined()
    database.close()

    const { differences } = await verifyStore({ dialect: 'sqlite', path })
    const said = differences.map(({ subject, detail }) => `${subject} ${detail}`)
    expect(said).toContain(`transaction ${fresh} has 2 entries and is no posted transaction`)
  })
})

/** Runs statements in one database transaction up to its commit, and gives the message of what is refused. */
function refusalOf(database: SqliteDatabase, statements: readonly string[]): string | undefined {
  database.exec('begin')
  try {
    for (const statement of statements) database.exec(statement)
    database.exec('commit')
    return undefined
  } catch (error) {
    return (error as Error).message
  } finally {
    if (database.inTransaction) database.exec('rollback')
  }
}
