import type { StoreLocation } from '../open.ts'
import { PostgresAnchorBooks } from '../postgres/anchor-books.ts'
import { SqliteAnchorBooks } from '../sqlite/anchor-books.ts'
import type { AnchorBooks } from './anchor-books.ts'

/** Opens books for anchoring, also beside the service that posts to them. */
export function openAnchorBooks(location: StoreLocation): AnchorBooks {
  return location.dialect === 'postgres'
    ? new PostgresAnchorBooks(location.url)
    : new SqliteAnchorBooks(location.path)
}
