import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createPostgresDatabase } from '../support/databases.ts'
import { bookEntries, bookTransaction, ids, openBooks, together } from './books-by-hand.ts'

/** SQLSTATEs of ours: entries that are wrong or missing, and changes to what may never change. */
const wrongEntries = 'LF001'
const refusedChange = 'LF002'

let client: Client

beforeAll(async () => {
  client = new Client({ connectionString: await createPostgresDatabase() })
  await client.connect()
  for (const statement of openBooks('now()')) await client.query(statement)
})
afterAll(() => client.end())

const { alice, cash, euros, posted, queued, failed, fresh, stranger } = ids

/** Wrong ways to write the new transaction `fresh`, or to post one. */
const refusedEntries: readonly { readonly title: string; readonly sql: readonly string[] }[] = [
  {
    title: 'entries that do not balance',
    sql: [
      together(
        bookTransaction(fresh),
        bookEntries([
          [fresh, cash, 2, 'debit', 100],
          [fresh, alice, 2, 'credit', 99],
        ]),
      ),
    ],
  },
  {
    title: 'entries of which one is missing',
    sql: [together(bookTransaction(fresh), bookEntries([[fresh, cash, 2, 'debit', 100]]))],
  },
  {
    title: 'entries that balance only over two currencies',
    sql: [
      together(
        bookTransaction(fresh),
        bookEntries([
          [fresh, cash, 2, 'debit', 100],
          [fresh, euros, 1, 'credit', 100],
        ]),
      ),
    ],
  },
  {
    title: 'entries that balance only over two transactions',
    sql: [
      together(
        bookTransaction(fresh),
        bookTransaction(stranger),
        bookEntries([
          [fresh, cash, 2, 'debit', 100],
          [stranger, alice, 2, 'credit', 100],
        ]),
      ),
    ],
  },
  {
    title: 'entries that balance only over two inserts',
    sql: [
      together(
        bookTransaction(fresh),
        bookEntries([[fresh, cash, 2, 'debit', 100]]),
        bookEntries([[fresh, alice, 2, 'credit', 99]]),
      ),
    ],
  },
  {
    title: 'entries of an account that does not exist',
    sql: [
      together(
        bookTransaction(fresh),
        bookEntries([
          [fresh, cash, 2, 'debit', 100],
          [fresh, stranger, 1, 'credit', 100],
        ]),
      ),
    ],
  },
  {
    title: "entries of another ledger's account",
    sql: [
      together(
        bookTransaction(fresh, 'posted', 'now()', 2),
        bookEntries(
          [
            [fresh, cash, 2, 'debit', 100],
            [fresh, alice, 2, 'credit', 100],
          ],
          'now()',
          2,
        ),
      ),
    ],
  },
  {
    title: 'entries of a transaction that does not exist',
    sql: [
      bookEntries([
        [stranger, cash, 2, 'debit', 100],
        [stranger, alice, 2, 'credit', 100],
      ]),
    ],
  },
  ...(['queued', 'failed'] as const).map((status) => ({
    title: `entries of a transaction that is ${status}`,
    sql: [
      together(
        bookTransaction(fresh, status),
        bookEntries([
          [fresh, cash, 2, 'debit', 100],
          [fresh, alice, 2, 'credit', 100],
        ]),
      ),
    ],
  })),
  {
    title: 'entries of another time than their transaction',
    sql: [
      together(
        bookTransaction(fresh),
        bookEntries(
          [
            [fresh, cash, 2, 'debit', 100],
            [fresh, alice, 2, 'credit', 100],
          ],
          `now() - interval '1 second'`,
        ),
      ),
    ],
  },
  {
    title: 'entries that a transaction gets which stands posted, though they balance',
    sql: [
      `insert into entries select ledger_id, account_id, 2, transaction_id, position + 2, direction, amount,
              balance_after, debits_after, posted_at
         from entries where transaction_id = '${posted}'`,
    ],
  },
  { title: 'a posted transaction without entries', sql: [bookTransaction(fresh)] },
  {
    title: 'a posted transaction without entries beside one that has them',
    sql: [
      together(
        bookTransaction(stranger),
        bookTransaction(fresh),
        bookEntries([
          [fresh, cash, 2, 'debit', 100],
          [fresh, alice, 2, 'credit', 100],
        ]),
      ),
    ],
  },
  {
    title: 'a posted transaction whose id has entries in another ledger only',
    sql: [bookTransaction(posted, 'posted', 'now()', 2)],
  },
  {
    title: 'a queued transaction that becomes posted without entries',
    sql: [`update transactions set status = 'posted', posted_at = now() where id = '${queued}'`],
  },
]

/** Changes that nobody may make. */
const refusedChanges: readonly string[] = [
  `update entries set amount = 1 where transaction_id = '${posted}'`,
  `update entries set amount = amount`,
  `update entries set posted_at = now() where false`,
  `insert into entries table entries
     on conflict (ledger_id, account_id, account_version) do update set amount = 1`,
  `delete from entries where transaction_id = '${posted}'`,
  `delete from entries where false`,
  `truncate entries`,
  `truncate transactions`,
  `truncate accounts cascade`,
  `truncate ledgers, accounts, transactions, entries`,
  `update transactions set description = 'other' where id = '${posted}'`,
  `update transactions set status = 'failed' where id = '${posted}'`,
  `update transactions set status = 'posted', posted_at = now() where id = '${failed}'`,
  `update transactions set posted_at = now() where id = '${posted}'`,
  `update transactions set id = '${stranger}' where id = '${queued}'`,
  `update transactions set ledger_id = 2 where id = '${queued}'`,
  `update transactions set currency = 'EUR' where id = '${queued}'`,
  `update transactions set created_at = now() + interval '1 day' where id = '${queued}'`,
  `update transactions set idempotency_key = 'other' where id = '${queued}'`,
  `update transactions set fingerprint = 'other' where id = '${queued}'`,
  `delete from transactions where id = '${queued}'`,
  `delete from transactions where false`,
  `update accounts set id = '${stranger}' where id = '${alice}'`,
  `update accounts set ledger_id = 2 where id = '${alice}'`,
  `update accounts set account_type = 'asset' where id = '${alice}'`,
  `update accounts set currency = 'EUR' where id = '${alice}'`,
  `update accounts set exponent = 3 where id = '${alice}'`,
  `update accounts set version = 0 where id = '${alice}'`,
  `delete from accounts where id = '${alice}'`,
  `delete from accounts where false`,
  `update batches set mode = 'atomic'`,
  `delete from batches`,
  `truncate batches`,
  `update batch_members set transaction_id = '${posted}'`,
  `delete from batch_members`,
  `truncate batch_members`,
]

describe.each([
  ['the superuser', []],
  [
    'the superuser with replication triggers only',
    ['set local session_replication_role = replica'],
  ],
])('Postgres refuses %s', (_who, before) => {
  test.each(refusedEntries)('$title', async ({ sql }) => {
    expect(await refusalOf([...before, ...sql])).toBe(wrongEntries)
  })

  test.each(refusedChanges)('%s', async (sql) => {
    expect(await refusalOf([...before, sql])).toBe(refusedChange)
  })

  test.each([0, -100])('entries with the amount %i', async (amount) => {
    const entries = bookEntries([
      [fresh, cash, 2, 'debit', amount],
      [fresh, alice, 2, 'credit', amount],
    ])
    expect(await refusalOf([...before, together(bookTransaction(fresh), entries)])).toBe('23514')
  })

  test('a second entry of the same version, also as an upsert', async () => {
    const entries = bookEntries([
      [fresh, cash, 1, 'debit', 100],
      [fresh, alice, 2, 'credit', 100],
    ])
    expect(await refusalOf([...before, together(bookTransaction(fresh), entries)])).toBe('23505')
    const nothing = together(bookTransaction(fresh), `${entries} on conflict do nothing`)
    expect(await refusalOf([...before, nothing])).toBe(wrongEntries)
  })
})

describe('Postgres accepts', () => {
  test('balanced entries that come with their transaction', async () => {
    const sql = [
      together(
        bookTransaction(fresh),
        bookEntries([
          [fresh, cash, 2, 'debit', 100],
          [fresh, alice, 2, 'credit', 60],
          [fresh, alice, 3, 'credit', 40],
        ]),
      ),
      `update accounts set posted_debits = 200, version = 2 where id = '${cash}'`,
      `update accounts set posted_credits = 200, version = 3, name = 'Alice' where id = '${alice}'`,
    ]
    expect(await refusalOf(sql)).toBeUndefined()
  })

  test('a queued transaction that becomes posted together with its entries', async () => {
    const sql = [
      together(
        `update transactions set status = 'posted', posted_at = now() where id = '${queued}'`,
        bookEntries([
          [queued, cash, 2, 'debit', 100],
          [queued, alice, 2, 'credit', 100],
        ]),
      ),
      `delete from queued_transactions where transaction_id = '${queued}'`,
    ]
    expect(await refusalOf(sql)).toBeUndefined()
  })
})

/** Runs statements in one database transaction, rolls it back, and gives the SQLSTATE of the first that is refused. */
async function refusalOf(statements: readonly string[]): Promise<string | undefined> {
  await client.query('begin')
  try {
    for (const statement of statements) await client.query(statement)
    return undefined
  } catch (error) {
    return (error as { code: string }).code
  } finally {
    await client.query('rollback')
  }
}
