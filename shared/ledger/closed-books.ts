import { refuse, type Refusal } from './refusal.ts'

/**
 * Refuses what would take effect in closed books: at or before the closing time, both in ms since 1970. It needs no account,
 * and comes before the rules that do. What names no time takes effect when it is posted, which is after every closing
 * time, because books are closed for the past only.
 */
export function closedBooksRefusal(
  effectiveAt: number | null,
  booksClosedUntil: number | null,
): Refusal | undefined {
  if (effectiveAt === null || booksClosedUntil === null) return undefined
  if (effectiveAt > booksClosedUntil) return undefined
  return refuse('books_closed', {
    effective_at: new Date(effectiveAt).toISOString(),
    books_closed_until: new Date(booksClosedUntil).toISOString(),
  })
}
