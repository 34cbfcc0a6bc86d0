import { copyFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import Database from 'better-sqlite3'
import { inject } from 'vitest'
import { createDatabase, withClient } from '../../scripts/provision/postgres-database.ts'
import type { StoreLocation } from '../../shared/store/open.ts'
import { createSqlitePath } from '../support/databases.ts'

const tables = [
  'accounts',
  'transactions',
  'entries',
  'queued_transactions',
  'dated_entries',
  'anchors',
  'anchored_heads',
  'events',
  'pruned_events',
]

/** Books that can be spoilt past every guard, as only somebody with the file or the superuser's password can. */
export interface Spoilable {
  readonly location: StoreLocation
  /** Puts the books back as they were and spoils them. */
  spoil(sql: string): Promise<void>
}

/** Copies books to where they can be spoilt. */
export async function spoilable(original: StoreLocation): Promise<Spoilable> {
  return original.dialect === 'postgres'
    ? spoilablePostgres(original.url)
    : spoilableSqlite(original.path)
}

async function spoilablePostgres(original: string): Promise<Spoilable> {
  const name = `${inject('runName')}_${randomBytes(6).toString('hex')}`
  const template = new URL(original).pathname.slice(1)
  // A database that somebody is connected to cannot be copied; our pools connect again when they need to.
  await withClient(inject('postgresUrl'), (client) =>
    client.query(`select pg_terminate_backend(pid) from pg_stat_activity where datname = $1`, [
      template,
    ]),
  )
  const url = await createDatabase(inject('postgresUrl'), name, template)
  await withClient(url, async (client) => {
    for (const table of tables) {
      await client.query(`alter table ${table} disable trigger all`)
      await client.query(`create table kept_${table} as table ${table}`)
    }
  })
  return {
    location: { dialect: 'postgres', url },
    spoil: (sql) =>
      withClient(url, async (client) => {
        for (const table of tables) {
          await client.query(`delete from ${table}`)
          await client.query(`insert into ${table} table kept_${table}`)
        }
        await client.query(sql)
      }),
  }
}

function spoilableSqlite(original: string): Spoilable {
  const path = createSqlitePath()
  return {
    location: { dialect: 'sqlite', path },
    async spoil(sql) {
      const source = new Database(original)
      source.pragma('wal_checkpoint(truncate)')
      source.close()
      copyFileSync(original, path)
      const copy = new Database(path)
      copy.pragma('foreign_keys = off')
      const triggers = copy
        .prepare(`select name, sql from sqlite_schema where type = 'trigger'`)
        .all() as { name: string; sql: string }[]
      for (const { name } of triggers) copy.exec(`drop trigger ${name}`)
      copy.exec(sql)
      // Without them whoever posts to these books would tell no events.
      for (const trigger of triggers) copy.exec(trigger.sql)
      copy.close()
    },
  }
}
