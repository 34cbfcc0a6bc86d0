import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Database } from 'better-sqlite3'
import { migrateStore } from '../../shared/store/open.ts'
import { openSqlite } from '../../shared/store/sqlite/connection.ts'
import { SqlitePosting } from '../../shared/store/sqlite/post.ts'
import { SqliteQueue } from '../../shared/store/sqlite/queue.ts'
import { createSqlitePath } from '../support/databases.ts'

let database: Database

beforeAll(async () => {
  const path = createSqlitePath()
  await migrateStore({ dialect: 'sqlite', path })
  database = openSqlite(path)
})
afterAll(() => {
  database.close()
})

/** A way into a table that names a row, or the few that belong together: by two columns at least, for all begin with the ledger's. */
const probe =
  /^SEARCH \w+ (?:EXISTS )?USING .*\(\w+=\? AND .*\)|^SEARCH (?:accept_counter|ledgers|event_numbering) .*\(rowid=\?\)/

/** The names and values of a JSON text of the row itself. */
const ownJson = /^SCAN [em] VIRTUAL TABLE INDEX 1:$/

test('every statement that posts, accepts or drains probes an index', () => {
  const ways = statements().flatMap(planOf)

  expect(ways.length).toBeGreaterThan(10)
  expect(ways.filter((way) => !probe.test(way))).toEqual([])
})

test('every look-up of the guards probes an index', () => {
  const lookups = guards()
  expect(lookups.length).toBeGreaterThan(5)
  const ways = lookups.flatMap(planOf)

  expect(ways.filter((way) => !probe.test(way) && !ownJson.test(way))).toEqual([])
  expect(new Set(ways)).toContain(
    'SEARCH e USING INDEX entries_transaction (ledger_id=? AND transaction_id=?)',
  )
})

test('the keys between the tables are probed from both sides', () => {
  const ways = foreignKeys().flatMap(planOf)

  expect(ways.length).toBe(4)
  expect(ways.filter((way) => !probe.test(way))).toEqual([])
})

test('without what the planner is told, a guard reads the whole ledger: the control', () => {
  database.exec('delete from sqlite_stat1; analyze sqlite_schema')

  expect(guards().flatMap(planOf)).toContain('SEARCH e USING PRIMARY KEY (ledger_id=?)')
})

/** What the store prepares for its work, as it prepares it. */
function statements(): string[] {
  const texts: string[] = []
  const listening = new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return (...parameters: unknown[]) => {
        if (name === 'prepare') texts.push(parameters[0] as string)
        return value.apply(target, parameters) as unknown
      }
    },
  })
  const queue = new SqliteQueue(listening, new SqlitePosting(listening))
  expect(queue).toBeDefined()
  return texts
}

/** The statements within the triggers, as the schema has them; the row that a trigger is about becomes parameters. */
function guards(): string[] {
  const triggers = database
    .prepare(`select sql from sqlite_schema where type = 'trigger'`)
    .pluck()
    .all() as string[]
  return triggers.flatMap((trigger) => {
    const body = /\bbegin\b([^]*)\bend$/i.exec(trigger)?.[1]
    if (body === undefined) throw new Error(`no body: ${trigger}`)
    return body
      .split(';')
      .map((text) =>
        text
          .replace(/raise\((?:abort, '[^']*'|ignore)\)/, '1')
          .replace(/\b(?:new|old)\.\w+/g, '?')
          .trim(),
      )
      .filter((text) => /\bfrom\b/.test(text))
  })
}

interface KeyColumn {
  readonly id: number
  readonly table: string
  readonly from: string
  readonly to: string
}

/** What SQLite looks up for each foreign key: the parent of a row that comes, and the children of one that goes. */
function foreignKeys(): string[] {
  const columns = database.pragma('foreign_key_list(entries)') as KeyColumn[]
  const keys = new Map<number, KeyColumn[]>()
  for (const column of columns) keys.set(column.id, [...(keys.get(column.id) ?? []), column])
  return [...keys.values()].flatMap((key) => {
    const parent = key.map(({ to }) => `${to} = ?`).join(' and ')
    const child = key.map(({ from }) => `${from} = ?`).join(' and ')
    return [
      `select 1 from ${key[0]?.table} where ${parent}`,
      `select 1 from entries where ${child}`,
    ]
  })
}

/** The ways into tables that a statement takes. */
function planOf(text: string): string[] {
  const unnamed = text.replace(/:\w+/g, '?')
  const parameters = Array.from(unnamed.matchAll(/\?/g), () => null)
  const rows = database.prepare(`explain query plan ${unnamed}`).all(parameters)
  return (rows as { detail: string }[])
    .map(({ detail }) => detail)
    .filter((detail) => /^(?:SCAN|SEARCH)/.test(detail) && detail !== 'SCAN CONSTANT ROW')
}
