import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { Redis } from 'ioredis'
import pg from 'pg'
import {
  createDatabase,
  dropDatabases,
  withClient,
} from '../../scripts/provision/postgres-database.ts'
import { provisionPostgres, type PostgresServer } from '../../scripts/provision/postgres.ts'
import { provisionRedis, type RedisServer } from '../../scripts/provision/redis.ts'
import { throwAwayFolder } from '../../scripts/provision/throw-away-folder.ts'
import { openAccounts } from './accounts.ts'
import { startService, startWorker, type MeasuredProcess } from './measured-process.ts'
import { preload } from './preload.ts'

const accountCount = 1000
const modelDatabase = 'model'

/** Postgres and Redis of a run, and a database with accounts that every measurement gets a copy of. */
export interface Lab {
  readonly postgres: PostgresServer
  readonly redis: RedisServer
  readonly postgresSettings: string
  /** Transactions that are stored before anything is measured. */
  readonly preloaded: number
  /** The paths of the service's OpenAPI document. */
  readonly routes: ReadonlySet<string>
  /** A folder for files of the run. */
  readonly folder: string
  readonly accounts: readonly string[]
  /** The accounts as a JSON file. */
  readonly accountsFile: string
  /** Gives the URL of a copy of the model database. */
  readonly createDatabase: () => Promise<string>
  /** Starts the API and a worker on a copy of the model database. One site at a time: all share the Redis. */
  readonly open: () => Promise<Site>
  readonly stop: () => Promise<void>
}

/** The service as it is measured: a database of its own, one API process, one worker process. */
export interface Site {
  readonly databaseUrl: string
  readonly database: pg.Client
  readonly redisUrl: string
  readonly api: MeasuredProcess
  readonly worker: MeasuredProcess
  readonly stop: () => Promise<void>
}

/**
 * Starts a fresh Postgres (fsync on, default settings) and a fresh Redis, opens a thousand accounts through the API and stores
 * `preloaded` transactions between them. Everything ends with this process, however it ends.
 */
export async function startLab(preloaded: number, tell: (progress: string) => void): Promise<Lab> {
  const folder = await throwAwayFolder()
  const [postgres, redis] = await Promise.all([
    provisionPostgres({ durable: true, ownServer: true }),
    provisionRedis({ ownServer: true }),
  ])
  const modelUrl = await postgres.createDatabase(modelDatabase)
  const { accounts, routes } = await furnish(modelUrl)
  if (preloaded > 0) await preloadModel(modelUrl, accounts, preloaded, tell)
  const accountsFile = join(folder, 'accounts.json')
  await writeFile(accountsFile, JSON.stringify(accounts))

  let copies = 0
  // The name ends so that none begins another.
  const createCopy = async () => {
    copies += 1
    const name = `copy_${copies}_`
    return { name, url: await createDatabase(postgres.url(), name, modelDatabase) }
  }
  return {
    postgres,
    redis,
    postgresSettings: await settingsOf(modelUrl),
    preloaded,
    routes,
    folder,
    accounts,
    accountsFile,
    createDatabase: async () => (await createCopy()).url,
    open: async () => {
      const copy = await createCopy()
      const site = await openSite(copy.url, redis.url())
      return {
        ...site,
        stop: async () => {
          await site.stop()
          await dropDatabases(postgres.url(), copy.name)
        },
      }
    },
    stop: async () => {
      await Promise.all([postgres.stop(), redis.stop()])
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Brings a new database to this version's schema, and opens the accounts. */
async function furnish(databaseUrl: string): Promise<{ accounts: string[]; routes: Set<string> }> {
  const service = await startService({ databaseUrl })
  try {
    const accounts = await openAccounts(service.address, accountCount)
    const response = await fetch(`${service.address}/openapi.json`)
    const { paths } = (await response.json()) as { paths: Record<string, unknown> }
    return { accounts, routes: new Set(Object.keys(paths)) }
  } finally {
    await service.stop()
  }
}

async function preloadModel(
  url: string,
  accounts: readonly string[],
  count: number,
  tell: (progress: string) => void,
): Promise<void> {
  await withClient(url, (database) =>
    preload(database, accounts, count, (made) => tell(`${made} of ${count} transactions stored`)),
  )
}

async function openSite(databaseUrl: string, redisUrl: string): Promise<Site> {
  await emptyRedis(redisUrl)
  const database = new pg.Client(databaseUrl)
  await database.connect()
  // What was written before is not to be written out during the measurement.
  await database.query('checkpoint')
  const api = await startService({ databaseUrl, redisUrl })
  const worker = await startWorker({ databaseUrl, redisUrl })
  return {
    databaseUrl,
    database,
    redisUrl,
    api,
    worker,
    stop: async () => {
      await Promise.all([api.stop(), worker.stop()])
      await database.end()
    },
  }
}

async function emptyRedis(url: string): Promise<void> {
  const redis = new Redis(url)
  await redis.flushall()
  redis.disconnect()
}

/** The settings that decide how durable a commit is and how much is kept in memory. */
async function settingsOf(url: string): Promise<string> {
  const { rows } = await withClient(url, (database) =>
    database.query<{ setting: string }>(
      `select name || ' ' || current_setting(name) as setting from pg_settings
        where name = any(array['fsync', 'synchronous_commit', 'full_page_writes', 'shared_buffers', 'max_wal_size'])
        order by name`,
    ),
  )
  return `as freshly installed (${rows.map(({ setting }) => setting).join(', ')})`
}
