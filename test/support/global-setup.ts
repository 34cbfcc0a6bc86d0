import { randomBytes } from 'node:crypto'
import { rm } from 'node:fs/promises'
import type { TestProject } from 'vitest/node'
import { dropDatabases, sealTemplate } from '../../scripts/provision/postgres-database.ts'
import { provisionPostgres } from '../../scripts/provision/postgres.ts'
import { provisionRedis } from '../../scripts/provision/redis.ts'
import { throwAwayFolder } from '../../scripts/provision/throw-away-folder.ts'
import { startWatchdog } from '../../scripts/provision/watchdog.ts'
import { prepareTemplate } from './template.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The superuser's URL of the run's Postgres. */
    postgresUrl: string
    redisUrl: string
    /** Begins the names of all that this run creates on a server it may share with others. */
    runName: string
    /** The database that test files copy. */
    templateDatabase: string
    /** A folder for SQLite files, removed after the run. */
    scratchFolder: string
  }
}

/**
 * Gives the whole run one real Postgres, one real Redis and one folder; gone when the run is,
 * however it ends.
 */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const scratchFolder = await throwAwayFolder()
  const watchdog = startWatchdog(scratchFolder)
  const [postgres, redis] = await Promise.all([
    provisionPostgres({ durable: false }),
    provisionRedis(),
  ])
  console.log(`Postgres: ${postgres.how}\nRedis:    ${redis.how}`)

  const runName = `ledgerflow_test_${randomBytes(4).toString('hex')}`
  const templateDatabase = `${runName}_template`
  await prepareTemplate(await postgres.createDatabase(templateDatabase))
  await sealTemplate(postgres.url(), templateDatabase)

  project.provide('postgresUrl', postgres.url())
  project.provide('redisUrl', redis.url())
  project.provide('runName', runName)
  project.provide('templateDatabase', templateDatabase)
  project.provide('scratchFolder', scratchFolder)

  return async () => {
    // A server that was given to us outlives the run; our databases on it must not.
    if (postgres.pid === undefined) await dropDatabases(postgres.url(), runName)
    await Promise.all([postgres.stop(), redis.stop()])
    await rm(scratchFolder, { recursive: true, force: true })
    watchdog.dismiss()
  }
}
