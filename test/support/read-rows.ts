import Database from 'better-sqlite3'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import type { StoreLocation } from '../../shared/store/open.ts'

/** A row as a driver gives it. */
export type Row = Record<string, string | number | null>

/** Reads past the service, with a test's own SQL; all of it in one snapshot. */
export async function readRows(
  location: StoreLocation,
  texts: readonly string[],
): Promise<Row[][]> {
  if (location.dialect === 'postgres') {
    return withClient(location.url, async (client) => {
      // One snapshot for all of it: others may be posting.
      await client.query('begin isolation level repeatable read read only')
      const results: Row[][] = []
      for (const text of texts) results.push((await client.query<Row>(text)).rows)
      return results
    })
  }
  const database = new Database(location.path, { readonly: true })
  try {
    return database.transaction(() => texts.map((text) => database.prepare(text).all() as Row[]))()
  } finally {
    database.close()
  }
}
