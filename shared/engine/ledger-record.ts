/** A book, as far as the services know it. Times are ms since 1970. */
export interface LedgerRecord {
  readonly id: number
  readonly name: string
  /** Nothing takes effect at or before this time any more; null while the books were never closed. */
  readonly booksClosedUntil: number | null
  readonly createdAt: number
}
