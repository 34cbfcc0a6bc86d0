import Database, { SqliteError, type Database as SqliteDatabase } from 'better-sqlite3'

/**
 * Makes this process the only one that serves a database file. A second service on the same file would form
 * batches of its own beside ours; it is refused with a message instead. The claim is an exclusive lock on a small file
 * beside the database, held by the operating system: it goes with the process, also after kill -9.
 */
export function claimSoleWriter(path: string): SqliteDatabase {
  const claim = new Database(`${path}-owner`, { timeout: 0 })
  try {
    claim.pragma('journal_mode = delete')
    claim.exec('begin exclusive')
    return claim
  } catch (error) {
    claim.close()
    if (error instanceof SqliteError && error.code.startsWith('SQLITE_BUSY')) {
      throw new FileInUse(path, error)
    }
    throw error
  }
}

/** Another process serves the file. */
export class FileInUse extends Error {
  constructor(path: string, cause: unknown) {
    super(
      `${path} is in use by another LedgerFlow process. One process serves a SQLite file: stop the other ` +
        'one, or use Postgres (DATABASE_URL) to run several.',
      { cause },
    )
    this.name = 'FileInUse'
  }
}
