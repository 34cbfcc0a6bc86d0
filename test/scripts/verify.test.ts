import { writeFileSync } from 'node:fs'
import Database from 'better-sqlite3'
import { expect, test } from 'vitest'
import { Posting } from '../../shared/engine/post.ts'
import { Metrics } from '../../shared/metrics.ts'
import { openStore } from '../../shared/store/open.ts'
import { commandOf, openAccount } from '../support/commands.ts'
import { createPostgresDatabase, createSqlitePath } from '../support/databases.ts'
import { payment } from '../support/people.ts'
import { bookEntries, bookTransaction, ids, openBooks } from '../store/books-by-hand.ts'
import { openSqlite } from '../../shared/store/sqlite/connection.ts'
import { runScript, sqliteUrl } from './run-script.ts'

const emptyLedger =
  'ledger 1\n  0 accounts with 0 entries\n' +
  '  0 transactions posted with 0 entries, 0 failed, 0 canceled, 0 queued, 0 places in the queue\n' +
  '  0 holds open, 0 captured, 0 voided, 0 expired\n'

test('npm run verify ends with 0 beside a service that has the file, and prints its evidence', async () => {
  const path = createSqlitePath()
  const { store } = await openStore({ dialect: 'sqlite', path })
  try {
    const end = await runScript('verify', { DATABASE_URL: sqliteUrl(path) })
    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toContain(`${emptyLedger}clean: no difference, in `)
  } finally {
    await store.close()
  }
})

test('npm run verify reads Postgres too', async () => {
  const end = await runScript('verify', { DATABASE_URL: await createPostgresDatabase() })
  expect(end).toMatchObject({ code: 0, stderr: '' })
  expect(end.stdout).toContain(emptyLedger)
})

test('npm run verify ends with 1 and names what differs', async () => {
  const path = createSqlitePath()
  await (await openStore({ dialect: 'sqlite', path })).store.close()
  const database = openSqlite(path)
  for (const statement of openBooks('1000')) database.exec(statement)
  const { fresh, cash, alice } = ids
  // The accounts' own totals are left behind.
  database.transaction(() => {
    database.exec(
      bookEntries(
        [
          [fresh, cash, 2, 'debit', 50],
          [fresh, alice, 2, 'credit', 50],
        ],
        '1000',
      ),
    )
    database.exec(bookTransaction(fresh, 'posted', '1000'))
  })()
  database.close()

  const end = await runScript('verify', { DATABASE_URL: sqliteUrl(path) }, ['--full-speed'])
  expect(end).toMatchObject({ code: 1, stderr: '' })
  expect(end.stdout).toContain(
    `DIFFERENCE in ledger 1: account ${cash}: has version 1 and an entry of version 2\n`,
  )
  expect(end.stdout).toMatch(/NOT CLEAN: \d+ differences, in /)
})

test('npm run anchors makes anchors and writes them out, and npm run verify holds the books against them', async () => {
  const path = createSqlitePath()
  const { store } = await openStore({ dialect: 'sqlite', path })
  const url = { DATABASE_URL: sqliteUrl(path) }
  const [cash, alice] = [await openAccount(store, 'asset'), await openAccount(store, 'liability')]
  const posting = new Posting(store, new Metrics().posting)
  await posting.post(commandOf(payment({ debit: cash, credit: alice, amount: '1.00' })))
  // Beside a process that has the file.
  const made = await runScript('anchors', url, ['--now'])
  await store.close()
  expect(made).toMatchObject({ code: 0, stderr: '' })
  expect(JSON.parse(made.stdout)).toMatchObject({ ledger_id: 1, number: 1, heads: 2 })
  expect(await runScript('anchors', url)).toEqual(made)

  const file = `${path}.anchors`
  const verify = async (text: string) => {
    writeFileSync(file, text)
    return runScript('verify', url, ['--anchors', file])
  }
  const good = await verify(made.stdout)
  expect(good.code).toBe(0)
  expect(good.stdout).toContain('  1 anchors over the chains of entries\n')
  expect(await verify(made.stdout.replace('"heads":2', '"heads":3'))).toMatchObject({
    code: 2,
    stderr: 'cannot verify: line 1 is no anchor, or was changed\n',
  })
  const database = openSqlite(path)
  database.exec('drop trigger anchors_no_delete; drop trigger anchored_heads_no_delete')
  database.exec('delete from anchors; delete from anchored_heads')
  database.close()
  const gone = await verify(made.stdout)
  expect(gone.code).toBe(1)
  expect(gone.stdout).toContain('anchor 1: was kept outside and is not there')
})

test('npm run verify ends with 2 when it cannot tell', async () => {
  const path = createSqlitePath()
  const noFile = await runScript('verify', { DATABASE_URL: sqliteUrl(path) })
  expect(noFile).toMatchObject({ code: 2, stdout: '' })
  expect(noFile.stderr).toContain('cannot verify: ')

  new Database(path).exec('create table other (id integer)').close()
  const noLedger = await runScript('verify', { DATABASE_URL: sqliteUrl(path) })
  expect(noLedger).toMatchObject({ code: 2, stdout: '' })
  expect(noLedger.stderr).toContain('no such table')

  const url = 'postgres://alice:canary@127.0.0.1:1/ledger'
  const noServer = await runScript('verify', { DATABASE_URL: url })
  expect(noServer.code).toBe(2)
  expect(noServer.stderr).toContain('ECONNREFUSED')
  expect(noServer.stderr).not.toContain('canary')
})
