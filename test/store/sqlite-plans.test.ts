import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from 'better-sqlite3'
import { openStore } from '../../shared/store/open.ts'
import { openSqlite } from '../../shared/store/sqlite/connection.ts'
import { createSqlitePath } from '../support/databases.ts'

let database: Database

beforeAll(async () => {
  const path = createSqlitePath()
  const { store } = await openStore({ dialect: 'sqlite', path })
  await store.close()
  database = openSqlite(path)
})
afterAll(() => {
  database.close()
})

/** What posting, its guards and the keys between the tables look up, and the way each must go. */
const lookups = [
  {
    what: "the balance of a posted transaction's entries",
    text: `select 1 from entries e left join accounts a
               on a.ledger_id = e.ledger_id and a.id = e.account_id
            where e.ledger_id = 1 and e.transaction_id = 'x'
            group by a.currency
           having debits_less_credits(e.direction, e.amount) <> '0' or min(e.posted_at) <> 1`,
    ways: [
      'SEARCH e USING INDEX entries_transaction (ledger_id=? AND transaction_id=?)',
      'SEARCH a USING PRIMARY KEY (ledger_id=? AND id=?) LEFT-JOIN',
    ],
  },
  {
    what: 'the entries that wait for their transaction',
    text: `select 1 from entries
            where ledger_id = 1 and transaction_id = 'x' and posted_at = 1`,
    ways: ['SEARCH entries USING INDEX entries_transaction (ledger_id=? AND transaction_id=?)'],
  },
  {
    what: 'an account',
    text: `select * from accounts where ledger_id = 1 and id = 'x'`,
    ways: ['SEARCH accounts USING PRIMARY KEY (ledger_id=? AND id=?)'],
  },
  {
    what: 'the entries of a version',
    text: `select * from entries where ledger_id = 1 and account_id = 'x' and account_version = 1`,
    ways: ['SEARCH entries USING PRIMARY KEY (ledger_id=? AND account_id=? AND account_version=?)'],
  },
  {
    what: 'a transaction under its key',
    text: `select id, fingerprint, status from transactions
            where ledger_id = 1 and idempotency_key = 'x'`,
    ways: [
      'SEARCH transactions USING INDEX transactions_idempotency_key (ledger_id=? AND idempotency_key=?)',
    ],
  },
  {
    what: 'the oldest rows of a slot',
    text: `select slot, sequence from queued_transactions
            where ledger_id = 1 and slot = 3 and parked_at is null order by sequence limit 4`,
    ways: ['SEARCH queued_transactions USING PRIMARY KEY (ledger_id=? AND slot=?)'],
  },
]

test.each(lookups)('$what: found through its own index', ({ text, ways }) => {
  expect(planOf(text)).toEqual(ways)
})

test('without what the planner is told, the whole ledger is read: the control', () => {
  database.exec('delete from sqlite_stat1; analyze sqlite_schema')
  expect(planOf(lookups[0]?.text ?? '')[0]).toContain('PRIMARY KEY (ledger_id=?)')
})

function planOf(text: string): string[] {
  const rows = database.prepare(`explain query plan ${text}`).all() as { detail: string }[]
  return rows.map(({ detail }) => detail).filter((detail) => !detail.startsWith('USE TEMP'))
}
