import { DataSource } from 'typeorm'
import type { Database } from 'better-sqlite3'
import type { Dialect } from './dialect.ts'
import { entitiesFor, type Entities } from './entities.ts'
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
const statementTimeoutMs = 10_000

/** Opens TypeORM on a Postgres URL. Rejects with the driver's error when it does not answer. */
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
  return { dialect: 'postgres', dataSource: await dataSource.initialize(), entities }
}

/** Opens TypeORM on a SQLite file, as a connection of its own beside the posting one. */
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
  return { dialect: 'sqlite', dataSource: await dataSource.initialize(), entities }
}
