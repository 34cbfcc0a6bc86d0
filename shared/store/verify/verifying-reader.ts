import { PostgresReader } from '../postgres/reader.ts'
import type { Reader } from '../reader.ts'
import { SqliteReader } from '../sqlite/reader.ts'
import type { StoreLocation } from '../open.ts'

/** A reader for long walks in short steps. */
export interface VerifyingReader extends Reader {
  /** The SQL that sums money (a column, or an expression) exactly, beyond 38 digits too, as a text. */
  exactSum(column: string): string
  close(): Promise<void> | void
}

/**
 * Opens a store for reading only, beside whoever serves it. On Postgres a role that may only select will do;
 * a SQLite file is opened read-only.
 */
export function openVerifyingReader(location: StoreLocation): VerifyingReader {
  return location.dialect === 'postgres'
    ? new VerifyingPostgresReader(location.url, {
        applicationName: 'ledgerflow-verify',
        // On tables that were never analysed, reading more and sorting it looked as cheap as the index in that order.
        settings: ['enable_sort=off', 'enable_incremental_sort=off', 'enable_hashagg=off'],
      })
    : new VerifyingSqliteReader(location.path)
}

class VerifyingPostgresReader extends PostgresReader implements VerifyingReader {
  exactSum(column: string): string {
    return `sum((${column})::numeric)::text`
  }
}

class VerifyingSqliteReader extends SqliteReader implements VerifyingReader {
  exactSum(column: string): string {
    return `exact_sum(${column})`
  }
}
