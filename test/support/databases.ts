import { createHash, randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { expect, inject } from 'vitest'
import { createDatabase } from '../../scripts/provision/postgres-database.ts'

// Evaluated once a process, which runs many test files.
const PROCESS_NAME = randomBytes(6).toString('hex')

/**
 * A Postgres database that nobody else uses, as `prepareTemplate` left the template, or empty;
 * gives the superuser's URL. 40 to 220 ms, so once a file where tests can share it. It goes with
 * the run.
 */
export async function createPostgresDatabase(options?: { empty: boolean }): Promise<string> {
  const template = options?.empty === true ? undefined : inject('templateDatabase')
  return createDatabase(inject('postgresUrl'), unique(inject('runName')), template)
}

/** The path of a SQLite file that does not exist yet, in a folder that is removed after the run. */
export function createSqlitePath(): string {
  return join(inject('scratchFolder'), `${unique('ledger')}.db`)
}

/** The URL of the run's Redis. Shared: write only below `redisPrefix()`. */
export function redisUrl(): string {
  return inject('redisUrl')
}

/** What every key of this test file begins with; the same at each call. */
export function redisPrefix(): string {
  const { testPath = '' } = expect.getState()
  const file = createHash('sha256').update(testPath).digest('hex').slice(0, 12)
  return `ledgerflow-test-${PROCESS_NAME}-${file}`
}

function unique(prefix: string): string {
  return `${prefix}_${randomBytes(6).toString('hex')}`
}
