import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { migrateStore } from '../../shared/store/open.ts'
import { openSqlite } from '../../shared/store/sqlite/connection.ts'
import { createPostgresDatabase, createSqlitePath } from '../support/databases.ts'
import { bookEntries, ids, openBooks, together } from './books-by-hand.ts'

const { alice, cash, euros, posted, queued, failed, fresh, stranger } = ids

/** The rows that are tried: a hold that is open, one that is partly captured, one that has ended, a change of one. */
const open = '01900000-0000-7000-9000-00000000000a'
const partly = '01900000-0000-7000-9000-00000000000b'
const ended = '01900000-0000-7000-9000-00000000000c'

/** Books by hand on one of the stores. */
interface Books {
  /** SQL for a time, and for one a while after it. */
  readonly at: string
  readonly later: string
  /** Runs statements in one database transaction, rolls it back, and says whether one of them was refused by a guard. */
  isRefused(statements: readonly string[]): Promise<boolean>
  close(): Promise<void>
}

function holds(at: string, later: string): string[] {
  const hold = (
    id: string,
    status: string,
    resolved: string,
    more: { at: string; names: string },
  ) =>
    `insert into transactions (ledger_id, id, status, currency, exponent, idempotency_key, wish, created_at,
                               held_at, expires_at, resolved_entries${more.names})
     values (1, '${id}', '${status}', 'USD', 2, 'key of ${id}', '{"kind":"hold"}', ${at}, ${at}, ${later},
             ${resolved}${more.at})`
  const none = { names: '', at: '' }
  return [
    hold(open, 'held', 'null', none),
    hold(partly, 'held', `'["99","99"]'`, none),
    hold(ended, 'captured', `'["99","99"]'`, { names: ', resolved_at', at: `, ${at}` }),
    `insert into hold_changes (ledger_id, id, hold_id, wish, idempotency_key, created_at)
     values (1, '${stranger}', '${open}', '{"kind":"void"}', 'key of a change', ${at})`,
  ]
}

async function postgresBooks(): Promise<Books> {
  const client = new Client({ connectionString: await createPostgresDatabase() })
  await client.connect()
  const [at, later] = ['now()', `now() + interval '1 hour'`]
  for (const statement of [...openBooks(at), ...holds(at, later)]) await client.query(statement)
  return {
    at,
    later,
    async isRefused(statements) {
      await client.query('begin')
      try {
        for (const statement of statements) await client.query(statement)
        return false
      } catch (error) {
        expect((error as { code: string }).code).toMatch(/^(LF00[12]|23514)$/)
        return true
      } finally {
        await client.query('rollback')
      }
    },
    close: () => client.end(),
  }
}

async function sqliteBooks(): Promise<Books> {
  const path = createSqlitePath()
  await migrateStore({ dialect: 'sqlite', path })
  const database = openSqlite(path)
  const [at, later] = ['1000', '3601000']
  for (const statement of [...openBooks(at), ...holds(at, later)]) database.exec(statement)
  return {
    at,
    later,
    isRefused(statements) {
      database.exec('begin')
      try {
        for (const statement of statements) database.exec(statement)
        return Promise.resolve(false)
      } catch (error) {
        expect((error as Error).message).toMatch(/refuses|CHECK constraint failed/)
        return Promise.resolve(true)
      } finally {
        if (database.inTransaction) database.exec('rollback')
      }
    },
    close: () => {
      database.close()
      return Promise.resolve()
    },
  }
}

const update = (set: string, id: string) => `update transactions set ${set} where id = '${id}'`

/** How a transaction may move on. */
const allowed: readonly [string, (books: Books) => readonly string[]][] = [
  ['a hold is put off', ({ at }) => [update(`expires_at = ${at}`, open)]],
  ['a hold is captured in part', () => [update(`resolved_entries = '["1","1"]'`, open)]],
  ['more of it is captured', () => [update(`resolved_entries = '["100","99"]'`, partly)]],
  ...['captured', 'voided', 'expired'].map(
    (status): [string, (books: Books) => readonly string[]] => [
      `a hold is ${status}`,
      ({ at }) => [
        update(`status = '${status}', resolved_at = ${at}`, open),
        update(
          `status = '${status}', resolved_at = ${at}, resolved_entries = '["100","100"]'`,
          partly,
        ),
      ],
    ],
  ),
  [
    'a posted transaction is reversed, and reversed further',
    () => [
      update(`resolved_entries = '["9","9"]'`, posted),
      update(`resolved_entries = '["10","10"]'`, posted),
    ],
  ],
  [
    'a queued transaction is held',
    ({ at, later }) => [update(`status = 'held', held_at = ${at}, expires_at = ${later}`, queued)],
  ],
  [
    'entries balance in each of several currencies',
    ({ at }) => {
      const transaction = `insert into transactions
        (ledger_id, id, status, currency, created_at, posted_at, currencies)
        values (1, '${fresh}', 'posted', 'USD', ${at}, ${at}, '[["USD",2],["USD",2],["EUR",2],["EUR",2]]')`
      const otherEuros = `insert into accounts
        (ledger_id, id, name, account_type, currency, exponent, created_at)
        values (1, '${stranger}', 'an account', 'asset', 'EUR', 2, ${at})`
      const entries = bookEntries(
        [
          [fresh, cash, 2, 'debit', 108],
          [fresh, alice, 2, 'credit', 108],
          [fresh, stranger, 1, 'debit', 100],
          [fresh, euros, 1, 'credit', 100],
        ],
        at,
      )
      return at === 'now()'
        ? [otherEuros, together(transaction, entries)]
        : [otherEuros, entries, transaction]
    },
  ],
]

/** How it may not. */
const refused: readonly [string, (books: Books) => string][] = [
  ['a captured amount shrinks', () => update(`resolved_entries = '["98","99"]'`, partly)],
  ['a captured amount loses a digit', () => update(`resolved_entries = '["99","9"]'`, partly)],
  ['captured amounts are forgotten', () => update(`resolved_entries = null`, partly)],
  ['a captured entry is dropped', () => update(`resolved_entries = '["99"]'`, partly)],
  ['a hold has no end any more', () => update(`expires_at = null`, open)],
  ['a hold ends without a time', () => update(`status = 'voided'`, open)],
  ['a hold has a time and does not end', ({ at }) => update(`resolved_at = ${at}`, open)],
  ['a hold is posted', ({ at }) => update(`status = 'posted', posted_at = ${at}`, open)],
  ['a hold fails', ({ at }) => update(`status = 'failed', failed_at = ${at}`, open)],
  ['a hold is queued again', () => update(`status = 'queued', held_at = null`, open)],
  ['a hold asks for something else', () => update(`wish = '{"kind":"post"}'`, open)],
  ['a hold asks for other amounts', () => update(`requested_entries = '[]'`, open)],
  ['a hold gets another time of placing', ({ later }) => update(`held_at = ${later}`, open)],
  ['a hold gets another reference', () => update(`reference = 'other'`, open)],
  ['a hold gets another key', () => update(`idempotency_key = 'other'`, open)],
  ['a hold that has ended ends otherwise', () => update(`status = 'voided'`, ended)],
  [
    'a hold that has ended is open again',
    () => update(`status = 'held', resolved_at = null`, ended),
  ],
  ['more is captured of what has ended', () => update(`resolved_entries = '["100","100"]'`, ended)],
  ['a hold that has ended is put off', ({ at }) => update(`expires_at = ${at}`, ended)],
  [
    'a posted transaction becomes a hold',
    ({ at }) => update(`status = 'held', held_at = ${at}`, posted),
  ],
  ['a posted transaction ends by itself', ({ later }) => update(`expires_at = ${later}`, posted)],
  ['a posted transaction reverses another', () => update(`reversal_of = '${failed}'`, posted)],
  ['a posted transaction captures a hold', () => update(`hold_id = '${open}'`, posted)],
  ['a failed transaction is reversed', () => update(`resolved_entries = '["1","1"]'`, failed)],
  ['a queued transaction is about another', () => update(`reversal_of = '${posted}'`, queued)],
  ['a queued transaction captures a hold', () => update(`hold_id = '${open}'`, queued)],
  ['a queued transaction wishes for more', () => update(`wish = '{"kind":"post"}'`, queued)],
  ['a hold was never placed', () => update(`status = 'held'`, queued)],
  ['something else was placed', ({ at }) => update(`held_at = ${at}`, queued)],
  ['a change of a hold changes', () => `update hold_changes set hold_id = '${ended}'`],
  ['a change of a hold goes', () => `delete from hold_changes`],
]

describe.each([
  { name: 'sqlite', create: sqliteBooks },
  { name: 'postgres', create: postgresBooks },
])('the guards of $name', ({ create }) => {
  let books: Books
  beforeAll(async () => {
    books = await create()
  })
  afterAll(() => books.close())

  test.each(allowed)('let through that %s', async (_, sql) => {
    expect(await books.isRefused(sql(books))).toBe(false)
  })

  test.each(refused)('refuse that %s', async (_, sql) => {
    expect(await books.isRefused([sql(books)])).toBe(true)
  })
})

test('the guards of SQLite refuse a second change under a key, also by REPLACE', async () => {
  const books = await sqliteBooks()
  const again = `insert or replace into hold_changes (ledger_id, id, hold_id, wish, idempotency_key, created_at)
    values (1, '${fresh}', '${open}', '{"kind":"void"}', 'key of a change', 1000)`
  expect(await books.isRefused([again])).toBe(true)
  expect(await books.isRefused([again.replace('key of a change', 'another')])).toBe(false)
  await books.close()
})
