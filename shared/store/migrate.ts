import { MigrationExecutor, type QueryRunner } from 'typeorm'
import type { AdministrativeSource } from './data-source.ts'

/** The names of the migrations that were applied just now; empty when the schema was complete. */
export interface MigrationReport {
  readonly applied: readonly string[]
}

/**
 * The advisory lock under which one process migrates while others wait. Any number does that nobody else uses; this one
 * is "ledger" in ASCII.
 */
const migrationLock = 0x6c6564676572n

/**
 * Applies pending migrations, each in its own database transaction. On Postgres one process does and the others
 * wait for it; a role that may not create tables is told what to do instead.
 */
export async function migrate(source: AdministrativeSource): Promise<MigrationReport> {
  const runner = source.dataSource.createQueryRunner()
  try {
    return source.dialect === 'postgres'
      ? await migratePostgres(source, runner)
      : await runPending(source, runner)
  } finally {
    await runner.release()
  }
}

/**
 * Undoes the newest migrations, each in its own database transaction, and gives their names: what they added is dropped, with
 * what is in it. Rejects when there are fewer, or when the newest is one that this version does not know.
 */
export async function undoMigrations(
  source: AdministrativeSource,
  count: number,
): Promise<readonly string[]> {
  const runner = source.dataSource.createQueryRunner()
  try {
    return source.dialect === 'postgres'
      ? await underLock(runner, () => undoNewest(source, runner, count))
      : await undoNewest(source, runner, count)
  } finally {
    await runner.release()
  }
}

async function undoNewest(
  { dataSource }: AdministrativeSource,
  runner: QueryRunner,
  count: number,
): Promise<readonly string[]> {
  const executor = new MigrationExecutor(dataSource, runner)
  executor.transaction = 'each'
  const done = await executor.getExecutedMigrations()
  if (count > done.length) throw new Error(`only ${done.length} migrations are applied`)
  const newest = done.toSorted((a, b) => b.timestamp - a.timestamp).slice(0, count)
  const known = new Set(dataSource.migrations.map(({ name }) => name))
  const strange = newest.find(({ name }) => !known.has(name))
  if (strange !== undefined) {
    throw new Error(`${strange.name} is of a newer version, which must undo it`)
  }
  for (const _ of newest) await executor.undoLastMigration()
  return newest.map(({ name }) => name)
}

async function migratePostgres(
  source: AdministrativeSource,
  runner: QueryRunner,
): Promise<MigrationReport> {
  if (!(await mayCreate(runner))) {
    if ((await pendingMigrations(source)).length === 0) return { applied: [] }
    throw new Error(
      'the schema is behind this version and this role may not change it: ' +
        'run npm run migrate with the owner role first',
    )
  }
  return underLock(runner, () => runPending(source, runner))
}

/** One process at a time changes the schema. */
async function underLock<Result>(
  runner: QueryRunner,
  work: () => Promise<Result>,
): Promise<Result> {
  // Waiting for another's migration, or building an index, takes as long as it takes.
  await runner.query(`set statement_timeout = 0`)
  await runner.query(`select pg_advisory_lock(${migrationLock})`)
  try {
    return await work()
  } finally {
    await runner.query(`select pg_advisory_unlock(${migrationLock})`).catch(() => undefined)
    await runner.query(`reset statement_timeout`).catch(() => undefined)
  }
}

async function mayCreate(runner: QueryRunner): Promise<boolean> {
  const [role] = (await runner.query(
    `select has_schema_privilege(current_schema(), 'create') as creates`,
  )) as { creates: boolean }[]
  return role?.creates === true
}

/** Runs on the connection that holds the lock: where that one goes, its migration goes with it. */
async function runPending(
  { dataSource }: AdministrativeSource,
  runner: QueryRunner,
): Promise<MigrationReport> {
  const executor = new MigrationExecutor(dataSource, runner)
  executor.transaction = 'each'
  const applied = await executor.executePendingMigrations()
  return { applied: applied.map((migration) => migration.name) }
}

/**
 * The names of the migrations that the schema lacks. Asks without creating TypeORM's own table, which a role without
 * rights could not. One round trip.
 */
export async function pendingMigrations({ dataSource }: AdministrativeSource): Promise<string[]> {
  const all = dataSource.migrations.map((migration) => migration.name ?? '')
  const runner = dataSource.createQueryRunner()
  try {
    if (!(await runner.hasTable('schema_migrations'))) return all
    const rows = (await runner.query('select name from schema_migrations')) as { name: string }[]
    const done = new Set(rows.map((row) => row.name))
    return all.filter((name) => !done.has(name))
  } finally {
    await runner.release()
  }
}
