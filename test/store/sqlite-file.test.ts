import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { describe, expect, test } from 'vitest'
import { openSqliteSource } from '../../shared/store/data-source.ts'
import { migrateStore, openStore } from '../../shared/store/open.ts'
import { openSqlite } from '../../shared/store/sqlite/connection.ts'
import { createSqlitePath } from '../support/databases.ts'

/** What durability and the guards rest on: the write-ahead log, fsync at each commit, keys and triggers; and seldom checkpoints. */
const expected = {
  journal_mode: 'wal',
  synchronous: 2,
  foreign_keys: 1,
  recursive_triggers: 1,
  trusted_schema: 1,
  busy_timeout: 5000,
  wal_autocheckpoint: 8000,
}

describe('a connection that writes', () => {
  test('has its pragmas on a new file and on one whose write-ahead log is there', async () => {
    const path = createSqlitePath()
    const first = openSqlite(path)
    expect(pragmasOf((name) => first.pragma(name, { simple: true }))).toEqual(expected)
    first.exec('create table kept (value integer)')

    // The control: opened without us, the same file is less safe.
    const bare = new Database(path)
    expect(bare.pragma('recursive_triggers', { simple: true })).toBe(0)
    expect(bare.pragma('synchronous', { simple: true })).toBe(1)
    bare.close()

    const second = openSqlite(path)
    expect(pragmasOf((name) => second.pragma(name, { simple: true }))).toEqual(expected)
    second.close()
    first.close()

    const source = await openSqliteSource(path)
    const rows = await Promise.all(
      Object.keys(expected).map((name) =>
        source.dataSource.query<Record<string, unknown>[]>(`pragma ${name}`),
      ),
    )
    expect(rows.map(([row]) => Object.values(row ?? {})[0])).toEqual(Object.values(expected))
    await source.dataSource.destroy()
  })

  test('is refused when the database does not take a pragma', () => {
    // A database in memory cannot have a write-ahead log.
    expect(() => openSqlite(':memory:')).toThrow('did not take the pragma journal_mode')
  })
})

describe('a file that a process serves', () => {
  test('is refused to a second store, in this process and in another, until the first is closed', async () => {
    const path = createSqlitePath()
    const { store } = await openStore({ dialect: 'sqlite', path })
    await expect(openStore({ dialect: 'sqlite', path })).rejects.toThrow(
      `${path} is in use by another LedgerFlow process`,
    )
    await store.close()
    await (await openStore({ dialect: 'sqlite', path })).store.close()
  })

  test('that cannot be opened is named, whatever is wrong with it', async () => {
    const path = createSqlitePath()
    writeFileSync(path, 'no database, but a text of some length that somebody left here')
    for (const [place, reason] of [
      [path, 'file is not a database'],
      [`${path}/ledger.db`, 'EEXIST'],
    ] as const) {
      const error = await openStore({ dialect: 'sqlite', path: place }).catch(String)
      expect(error).toContain(`cannot open the file ${place} (DATABASE_URL): `)
      expect(error).toContain(reason)
    }
  })

  test('is free again when an opening has failed', async () => {
    const path = createSqlitePath()
    new Database(path).exec('create table accounts (id integer)').close()
    await expect(openStore({ dialect: 'sqlite', path })).rejects.toThrow('already exists')

    new Database(path).exec('drop table accounts').close()
    await migrateStore({ dialect: 'sqlite', path })
  })

  test('is free again after kill -9 of its process', async () => {
    const path = createSqlitePath()
    const holder = await holdFile(path)
    await expect(openStore({ dialect: 'sqlite', path })).rejects.toThrow('is in use by another')

    holder.kill('SIGKILL')
    await once(holder, 'exit')

    await (await openStore({ dialect: 'sqlite', path })).store.close()
  })

  test('may be read beside it', async () => {
    const path = createSqlitePath()
    const { store } = await openStore({ dialect: 'sqlite', path })
    const reader = new Database(path, { readonly: true })
    expect(reader.prepare('select count(*) from ledgers').pluck().get()).toBe(1)
    reader.close()
    await store.close()
  })
})

function pragmasOf(read: (name: string) => unknown): Record<string, unknown> {
  return Object.fromEntries(Object.keys(expected).map((name) => [name, read(name)]))
}

/** Another process that has opened the file as a service does, and waits to be killed. */
async function holdFile(path: string): Promise<ReturnType<typeof spawn>> {
  const opening = fileURLToPath(new URL('../../shared/store/open.ts', import.meta.url))
  const script = `
    import { openStore } from ${JSON.stringify(opening)}
    await openStore({ dialect: 'sqlite', path: ${JSON.stringify(path)} })
    console.log('open')
    setInterval(() => {}, 60_000)`
  const holder = spawn(
    process.execPath,
    ['--import', 'tsx', '--input-type=module', '--eval', script],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(createInterface(holder.stdout), 'line')
  return holder
}
