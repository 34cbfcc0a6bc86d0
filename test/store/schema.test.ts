import { describe, expect, test } from 'vitest'
import {
  openPostgresSource,
  openSqliteSource,
  type AdministrativeSource,
} from '../../shared/store/data-source.ts'
import { migrate, pendingMigrations } from '../../shared/store/migrate.ts'
import { migrations } from '../../shared/store/migrations/index.ts'
import { createPostgresDatabase, createSqlitePath } from '../support/databases.ts'

const stores = [
  { name: 'sqlite', open: async () => openSqliteSource(createSqlitePath()) },
  {
    name: 'postgres',
    open: async () => openPostgresSource(await createPostgresDatabase({ empty: true })),
  },
]

const all = migrations.map(({ name }) => name)

describe.each(stores)('the schema on $name', ({ open }) => {
  test('is what the entities say: after the migrations TypeORM finds nothing to change', async () => {
    await using(await open(), async (source) => {
      await migrate(source)
      expect(await changesWanted(source)).toEqual([])
    })
  })

  test('that lacks a column is seen by that same comparison', async () => {
    await using(await open(), async (source) => {
      await migrate(source)
      await source.dataSource.query('alter table queued_transactions drop column last_error')
      expect((await changesWanted(source)).join('\n')).toContain('last_error')
    })
  })

  test('is made once: a second run applies nothing', async () => {
    await using(await open(), async (source) => {
      expect(await pendingMigrations(source)).toEqual(all)
      expect((await migrate(source)).applied).toEqual(all)
      expect(await pendingMigrations(source)).toEqual([])
      expect((await migrate(source)).applied).toEqual([])
    })
  })

  test('goes down to nothing and up again', async () => {
    await using(await open(), async (source) => {
      await migrate(source)
      for (const _ of all) await source.dataSource.undoLastMigration({ transaction: 'each' })
      expect(await objectsOf(source)).toEqual([])

      expect((await migrate(source)).applied).toEqual(all)
      expect(await changesWanted(source)).toEqual([])
    })
  })
})

async function using(
  source: AdministrativeSource,
  work: (source: AdministrativeSource) => Promise<void>,
): Promise<void> {
  try {
    await work(source)
  } finally {
    await source.dataSource.destroy()
  }
}

async function changesWanted({ dataSource }: AdministrativeSource): Promise<string[]> {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log()
  return upQueries.map(({ query }) => query)
}

/** Everything the migrations have made: tables, sequences, indexes, triggers and functions, but for TypeORM's own. */
async function objectsOf({ dataSource, dialect }: AdministrativeSource): Promise<string[]> {
  const rows = await dataSource.query<{ name: string }[]>(
    dialect === 'postgres'
      ? `select relname as name from pg_class where relnamespace = 'public'::regnamespace
         union all select tgname from pg_trigger where not tgisinternal
         union all select proname from pg_proc where pronamespace = 'public'::regnamespace`
      : `select name from sqlite_schema`,
  )
  return rows
    .map(({ name }) => name)
    .filter((name) => !/^(schema_migrations|PK_|sqlite_)/.test(name))
}
