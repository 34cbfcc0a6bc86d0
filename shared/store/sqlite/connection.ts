import Database, { type Database as SqliteDatabase } from 'better-sqlite3'

/**
 * After how many pages of the write-ahead log SQLite moves them over into the file, within a commit: 32 MiB. Its own
 * 1,000 pages are less than two full batches; with more, a page that many batches wrote is moved once. The log stays
 * that large on the disk, and a commit that moves it takes some 30 ms longer.
 */
const checkpointPages = 8000

/**
 * The settings that durability, the guards and the speed rest on. better-sqlite3 reopens an existing WAL file with
 * `synchronous = NORMAL`, so they are set at every open and read back.
 */
const pragmas = [
  ['journal_mode', 'wal'],
  ['synchronous', 2],
  ['foreign_keys', 1],
  ['recursive_triggers', 1],
  ['trusted_schema', 1],
  ['busy_timeout', 5000],
  ['wal_autocheckpoint', checkpointPages],
] as const

/** Opens a connection for writing, prepared. */
export function openSqlite(path: string): SqliteDatabase {
  const database = new Database(path)
  prepareSqlite(database)
  return database
}

/** Sets the pragmas, reads them back, and adds the function that the guards of the schema call. */
export function prepareSqlite(database: SqliteDatabase): void {
  for (const [name, value] of pragmas) {
    database.pragma(`${name} = ${value}`)
    const read: unknown = database.pragma(name, { simple: true })
    if (read !== value) throw new Error(`SQLite did not take the pragma ${name} = ${value}`)
  }
  addGuardFunction(database)
}

/** Sums entries exactly: SQLite's own numbers end at 19 digits. */
function addGuardFunction(database: SqliteDatabase): void {
  database.aggregate('debits_less_credits', {
    start: 0n,
    step: (sum: bigint, direction: string, amount: string) =>
      direction === 'debit' ? sum + BigInt(amount) : sum - BigInt(amount),
    result: (sum: bigint) => sum.toString(),
    deterministic: true,
    directOnly: false,
  } as Parameters<SqliteDatabase['aggregate']>[1])
}

/**
 * Adds a `sum` for money: SQLite's own numbers end at 19 digits, so the sum is made here and given as a text; null when
 * one of the texts is no whole number.
 */
export function addExactSum(database: SqliteDatabase): void {
  database.aggregate('exact_sum', {
    start: 0n,
    step: (sum: bigint | null, units: unknown) =>
      sum !== null && typeof units === 'string' && /^-?[0-9]+$/.test(units)
        ? sum + BigInt(units)
        : null,
    result: (sum: bigint | null) => sum?.toString() ?? null,
    deterministic: true,
  } as Parameters<SqliteDatabase['aggregate']>[1])
}
