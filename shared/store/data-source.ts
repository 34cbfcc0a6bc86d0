import { DataSource } from 'typeorm'
import type { Database } from 'better-sqlite3'
import type { Dialect } from './dialect.ts'
import { entitiesFor, type Entities } from './entities/entities.ts'
import { migrations } from './migrations/index.ts'
import { prepareSqlite } from './sqlite/connection.ts'

/** TypeORM's way into a store: schema, migrations, administrative reads and writes. Never posting. */
export interface AdministrativeSource {
  readonly dialect: Dialect
  readonly dataSource: DataSource
  readonly entities: Entities
}

/** How many connections administration may use on Postgres. */
const poolSize = 2

/** How long an administrative statement may take: no snapshot of ours stays open. */
const statementTimeoutMs = 5000

/** Opens TypeORM on a Postgres URL. Rejects with a sentence that names the place when it cannot be opened. */
export async function openPostgresSource(url: string): Promise<AdministrativeSource> {
  const entities = entitiesFor('postgres')
  const dataSource = new DataSource({
    type: 'postgres',
    url,
    entities: Object.values(entities),
    migrations: [...migrations],
    migrationsTableName: 'schema_migrations',
    poolSize,
    applicationName: 'ledgerflow-admin',
    connectTimeoutMS: 2000,
    installExtensions: false,
    logging: false,
    extra: { statement_timeout: statementTimeoutMs },
  })
  try {
    return { dialect: 'postgres', dataSource: await dataSource.initialize(), entities }
  } catch (error) {
    throw cannotOpen(`the database at ${placeOf(url)}`, error)
  }
}

/** What an operator is told of a store that cannot be opened: which, by which variable, and what the driver says. */
export function cannotOpen(what: string, error: unknown): Error {
  return new Error(`cannot open ${what} (DATABASE_URL): ${reasonOf(error)}`, { cause: error })
}

/** Where a Postgres database is, for people: without user and password. */
export function placeOf(url: string): string {
  const { hostname, port, pathname } = new URL(url)
  return `${hostname}:${port || '5432'}${pathname}`
}

/** What the driver says; of a name with several addresses it says it of each, and nothing of the whole. */
function reasonOf(error: unknown): string {
  const all = error instanceof AggregateError ? error.errors : [error]
  return all.map((one) => (one instanceof Error ? one.message : String(one))).join('; ')
}

/**
 * Opens TypeORM on a SQLite file, as a connection of its own beside the posting one. Rejects with a sentence that names the
 * file when it cannot be opened.
 */
export async function openSqliteSource(path: string): Promise<AdministrativeSource> {
  const entities = entitiesFor('sqlite')
  const dataSource = new DataSource({
    type: 'better-sqlite3',
    database: path,
    entities: Object.values(entities),
    migrations: [...migrations],
    migrationsTableName: 'schema_migrations',
    logging: false,
    prepareDatabase: (database: Database) => {
      prepareSqlite(database)
    },
  })
  try {
    return { dialect: 'sqlite', dataSource: await dataSource.initialize(), entities }
  } catch (error) {
    throw cannotOpen(`the file ${path}`, error)
  }
}
