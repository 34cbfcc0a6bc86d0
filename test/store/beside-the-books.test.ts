import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  openPostgresSource,
  openSqliteSource,
  type AdministrativeSource,
} from '../../shared/store/data-source.ts'
import { migrate } from '../../shared/store/migrate.ts'
import { migrations } from '../../shared/store/migrations/index.ts'
import { createPostgresDatabase, createSqlitePath } from '../support/databases.ts'
import {
  bookEntries,
  bookTransaction,
  ids,
  openBooks,
  together,
  type HandEntry,
} from './books-by-hand.ts'

const { alice, cash, failed, fresh, posted, queued } = ids

const stores = [
  {
    name: 'sqlite',
    now: 'unixepoch() * 1000',
    past: '978307200000',
    open: async () => openSqliteSource(createSqlitePath()),
  },
  {
    name: 'postgres',
    now: 'now()',
    past: `timestamptz '2001-01-01 00:00:00Z'`,
    open: async () => openPostgresSource(await createPostgresDatabase({ empty: true })),
  },
]

const entriesOf = (transaction: string, version: number): HandEntry[] => [
  [transaction, cash, version, 'debit', 100],
  [transaction, alice, version, 'credit', 100],
]

describe.each(stores)('beside the books on $name', ({ name, now, past, open }) => {
  let source: AdministrativeSource
  const run = async (...statements: string[]) => {
    for (const statement of statements) await source.dataSource.query(statement)
  }
  const rows = async (sql: string) => {
    const found = await source.dataSource.query<Record<string, unknown>[]>(sql)
    return found.map((row) => Object.values(row).join(' '))
  }
  const dated = () =>
    rows(`select account_id, account_version, direction, amount from dated_entries
           where effective_at = ${past} and posted_at > ${past} order by account_id desc`)
  const wished = `'[{"accountId":"${alice}","direction":"debit","amount":"1.00"},
                    {"accountId":"${cash}","direction":"credit","amount":"1.00"}]'`

  beforeAll(async () => {
    source = await open()
    await migrate(source)
    // The ledger as it was before any of this was noted.
    const own = migrations.findIndex(({ name }) => name.startsWith('HistoryAndSearch'))
    for (const _ of migrations.slice(own)) {
      await source.dataSource.undoLastMigration({ transaction: 'each' })
    }
    await run(
      ...openBooks(now),
      `update transactions set effective_at = ${past}, metadata = '{"order":"4711"}',
              requested_entries = ${wished} where id = '${queued}'`,
      `update accounts set metadata = '{"tier":"gold"}' where id = '${alice}'`,
    )
    await migrate(source)
  })
  afterAll(() => source.dataSource.destroy())

  test('what was there before is noted by the migration', async () => {
    expect(await rows('select name, value, account_id from account_metadata')).toEqual([
      `tier gold ${alice}`,
    ])
    expect(await rows('select name, value, transaction_id from transaction_metadata')).toEqual([
      `order 4711 ${queued}`,
    ])
    // Posted at their own time, not ended, and ended without saying for which accounts.
    expect(await dated()).toEqual([])
    expect(await rows('select * from unposted_accounts')).toEqual([])
  })

  test('entries are noted when their transaction is posted at another time than it takes effect', async () => {
    await run(
      'begin',
      ...(name === 'sqlite'
        ? [
            bookEntries(entriesOf(queued, 2), now),
            `update transactions set status = 'posted', posted_at = ${now} where id = '${queued}'`,
          ]
        : [
            together(
              `update transactions set status = 'posted', posted_at = ${now} where id = '${queued}'`,
              bookEntries(entriesOf(queued, 2), now),
            ),
          ]),
      'commit',
    )
    expect(await dated()).toEqual([`${cash} 2 debit 100`, `${alice} 2 credit 100`])
  })

  test('an account’s metadata is noted as it is now', async () => {
    const noted = () => rows('select name, value from account_metadata order by name')
    await run(`update accounts set metadata = '{"a":"1","b":"2"}' where id = '${alice}'`)
    expect(await noted()).toEqual(['a 1', 'b 2'])
    await run(`update accounts set name = 'Alice' where id = '${alice}'`)
    expect(await noted()).toEqual(['a 1', 'b 2'])
    await run(`update accounts set metadata = null where id = '${alice}'`)
    expect(await noted()).toEqual([])
  })

  test('the accounts of a transaction that ends without entries are noted', async () => {
    await run(
      bookTransaction(fresh, 'queued', now),
      `update transactions set requested_entries = ${wished} where id = '${fresh}'`,
    )
    expect(await rows('select * from unposted_accounts')).toEqual([])
    await run(`update transactions set status = 'failed', failed_at = ${now} where id = '${fresh}'`)
    expect(
      await rows('select account_id, transaction_id from unposted_accounts order by account_id'),
    ).toEqual([alice, cash].toSorted().map((account) => `${account} ${fresh}`))
  })

  test.each([
    ['a dated entry is changed', `update dated_entries set amount = '1'`],
    ['a dated entry is removed', 'delete from dated_entries'],
    ['the books are opened again', `update ledgers set books_closed_until = null`],
  ])('the database refuses that %s', async (_, sql) => {
    await run(`update ledgers set books_closed_until = ${past} where id = 1`)
    await run(
      `insert into dated_entries select ledger_id, account_id, account_version, ${past}, posted_at, direction, amount
         from entries where transaction_id = '${posted}' and account_id = '${cash}' and not exists (
           select 1 from dated_entries where account_version = 1)`,
    )
    await expect(run(sql)).rejects.toThrow('the ledger refuses')
  })

  test('the books can be closed until a later time', async () => {
    await run(`update ledgers set books_closed_until = ${now} where id = 1`)
    expect(await rows(`select count(*) from ledgers where books_closed_until is not null`)).toEqual(
      ['1'],
    )
    expect(await rows(`select status from transactions where id = '${failed}'`)).toEqual(['failed'])
  })
})
