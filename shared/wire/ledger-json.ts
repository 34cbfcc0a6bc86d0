import { z } from 'zod'
import type { LedgerRecord } from '../engine/ledger-record.ts'
import { time, timeJson } from './fields.ts'

const description =
  'Nothing takes effect at or before this time any more; null while the books were never closed.'

/** The body that closes the books: what is left out stays. */
export const ledgerChangeRequest = z
  .strictObject({ books_closed_until: time.nullable().optional().meta({ description }) })
  .meta({
    id: 'LedgerChangeRequest',
    examples: [{ books_closed_until: '2026-01-31T23:59:59.999Z' }],
  })
export type LedgerChangeRequest = z.output<typeof ledgerChangeRequest>

/** A ledger as the API shows it. */
export const ledgerJsonSchema = z
  .strictObject({
    name: z.string(),
    books_closed_until: z.iso.datetime().nullable().meta({ description }),
    created_at: z.iso.datetime(),
  })
  .meta({
    id: 'Ledger',
    examples: [
      {
        name: 'default',
        books_closed_until: '2026-01-31T23:59:59.999Z',
        created_at: '2026-01-01T09:00:00.000Z',
      },
    ],
  })
export type LedgerJson = z.input<typeof ledgerJsonSchema>

/** Writes a ledger. */
export function ledgerJson(ledger: LedgerRecord): LedgerJson {
  const { booksClosedUntil } = ledger
  return {
    name: ledger.name,
    books_closed_until: booksClosedUntil === null ? null : timeJson(booksClosedUntil),
    created_at: timeJson(ledger.createdAt),
  }
}
