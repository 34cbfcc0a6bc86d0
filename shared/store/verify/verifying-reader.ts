import { PostgresReader } from '../postgres/reader.ts'
import type { Reader } from '../reader.ts'
import { SqliteReader } from '../sqlite/reader.ts'
import type { StoreLocation } from '../open.ts'

/** A reader for long walks in short steps. */
export interface VerifyingReader extends Reader {
  close(): Promise<void> | void
}

/**
 * Opens a store for reading only, beside whoever serves it. On Postgres a role that may only select will do;
 * a SQLite file is opened read-only.
 */
export function openVerifyingReader(location: StoreLocation): VerifyingReader {
  return location.dialect === 'postgres'
    ? new PostgresReader(location.url, {
        applicationName: 'ledgerflow-verify',
        // On tables that were never analysed, reading more and sorting it looked as cheap as the index in that order.
        settings: ['enable_sort=off', 'enable_incremental_sort=off', 'enable_hashagg=off'],
      })
    : new SqliteReader(location.path)
}
