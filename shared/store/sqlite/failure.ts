import { SqliteError } from 'better-sqlite3'
import { StoreFailure } from '../../engine/store-failure.ts'

/**
 * Sorts an error of SQLite by its result code; one of ours (a throw of `decide`) passes through. After
 * an I/O error nobody knows whether the commit reached the disk.
 *
 * Source: SQLite, "Result and Error Codes".
 */
export function sqliteFailureOf(error: unknown): unknown {
  if (!(error instanceof SqliteError)) return error
  const code = error.code
  if (/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG|ERROR)/.test(code)) {
    return new StoreFailure('deterministic', error, { code })
  }
  if (/^SQLITE_(FULL|NOMEM|READONLY|CANTOPEN)/.test(code)) {
    return new StoreFailure('capacity', error, { code })
  }
  if (code.startsWith('SQLITE_IOERR')) return new StoreFailure('unknown', error, { code })
  return new StoreFailure('not_done', error, { code })
}
