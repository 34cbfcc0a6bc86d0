import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { Administration } from './administration.ts'
import type { ApiKeys } from './api-keys.ts'
import type { AdministrativeSource } from './data-source.ts'
import { cannotOpen, openPostgresSource, openSqliteSource } from './data-source.ts'
import type { LedgerStore } from './ledger-store.ts'
import type { KnownLedgers } from './ledgers.ts'
import { migrate, pendingMigrations, undoMigrations, type MigrationReport } from './migrate.ts'
import { PostgresStore } from './postgres/store.ts'
import { claimSoleWriter, FileInUse } from './sqlite/sole-writer.ts'
import { SqliteStore } from './sqlite/store.ts'
import { unwatched, type StoreWatch } from './store-watch.ts'

/** Where a ledger is kept, as `DATABASE_URL` says it. */
export type StoreLocation =
  | { readonly dialect: 'sqlite'; readonly path: string }
  | { readonly dialect: 'postgres'; readonly url: string }

/** An open store and what was done to its schema on the way. */
export interface OpenedStore {
  readonly store: LedgerStore
  readonly migrations: MigrationReport
}

/**
 * Opens a ledger: connects, applies pending migrations when the role may (one process does, the others wait), and
 * makes the store ready to post. Rejects with a sentence for the operator when it cannot.
 */
export async function openStore(
  location: StoreLocation,
  watch: StoreWatch = unwatched,
): Promise<OpenedStore> {
  return location.dialect === 'sqlite'
    ? openSqliteStore(location.path, watch)
    : openPostgresStore(location.url, watch)
}

/**
 * Applies pending migrations and opens nothing else. On Postgres another process that migrates is waited for; on
 * SQLite one that serves the file is an error, as it is for `openStore`. Rejects with a sentence for the operator.
 */
export async function migrateStore(location: StoreLocation): Promise<MigrationReport> {
  return changingSchema(location, migrate)
}

/**
 * Undoes the newest migrations, for going back to the version before; gives their names. What they added is dropped, with
 * what is in it. Rejects as `migrateStore` does.
 */
export async function undoMigrationsOf(
  location: StoreLocation,
  count: number,
): Promise<readonly string[]> {
  return changingSchema(location, (source) => undoMigrations(source, count))
}

async function changingSchema<Result>(
  location: StoreLocation,
  change: (source: AdministrativeSource) => Promise<Result>,
): Promise<Result> {
  const claim = location.dialect === 'sqlite' ? claimFile(location.path) : undefined
  try {
    const source = await openSource(location)
    try {
      return await change(source)
    } finally {
      await source.dataSource.destroy()
    }
  } finally {
    claim?.close()
  }
}

/** The keys and the ledgers of a database, for a script beside the running service. */
export interface OpenedAccess {
  readonly apiKeys: ApiKeys
  readonly ledgers: KnownLedgers
  close(): Promise<void>
}

/**
 * Opens the keys and ledgers of a database, also beside a service that is running: on a SQLite file too, whose one writer posts,
 * since a short write of another process only waits its turn. Pending migrations are applied first, as `migrateStore` does.
 */
export async function openAccess(location: StoreLocation): Promise<OpenedAccess> {
  const source = await openSource(location)
  return closingOnFailure(source, async () => {
    if ((await pendingMigrations(source)).length > 0) await migrateStore(location)
    const { apiKeys, ledgers } = new Administration(source)
    return { apiKeys, ledgers, close: () => source.dataSource.destroy() }
  })
}

async function openSource(location: StoreLocation): Promise<AdministrativeSource> {
  if (location.dialect === 'postgres') return openPostgresSource(location.url)
  mkdirSync(dirname(location.path), { recursive: true })
  return openSqliteSource(location.path)
}

async function openSqliteStore(path: string, watch: StoreWatch): Promise<OpenedStore> {
  const claim = claimFile(path)
  try {
    return await closingOnFailure(await openSqliteSource(path), async (source) => {
      const migrations = await migrate(source)
      return { store: SqliteStore.open(path, claim, source, watch), migrations }
    })
  } catch (error) {
    claim.close()
    throw error
  }
}

async function openPostgresStore(url: string, watch: StoreWatch): Promise<OpenedStore> {
  return closingOnFailure(await openPostgresSource(url), async (source) => {
    const migrations = await migrate(source)
    return { store: await PostgresStore.open(url, source, watch), migrations }
  })
}

function claimFile(path: string): ReturnType<typeof claimSoleWriter> {
  try {
    mkdirSync(dirname(path), { recursive: true })
    return claimSoleWriter(path)
  } catch (error) {
    throw error instanceof FileInUse ? error : cannotOpen(`the file ${path}`, error)
  }
}

async function closingOnFailure<Result>(
  source: AdministrativeSource,
  work: (source: AdministrativeSource) => Promise<Result>,
): Promise<Result> {
  try {
    return await work(source)
  } catch (error) {
    await source.dataSource.destroy()
    throw error
  }
}
