import { z } from 'zod'

/** The name of a ledger: fit for a header, and never changed. */
export const ledgerName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,62}$/, 'must be 1 to 63 of a–z, 0–9, point, dash, underscore')
  .meta({ example: 'marketplace-eu' })

const example = { name: 'marketplace-eu', created_at: '2026-11-22T15:19:09.591Z' }

/** The body that makes a ledger. */
export const newLedgerRequest = z
  .strictObject({ name: ledgerName })
  .meta({ id: 'NewLedgerRequest', examples: [{ name: example.name }] })

/** A ledger as the list of all ledgers shows it. */
export const ledgerListingSchema = z
  .strictObject({ name: z.string(), created_at: z.string() })
  .meta({ id: 'LedgerListing', examples: [example] })

export const ledgerListSchema = z
  .strictObject({ items: z.array(ledgerListingSchema) })
  .meta({ id: 'LedgerList', examples: [{ items: [example] }] })

/** Writes a ledger. `createdAt` is ms since 1970. */
export function ledgerListing(ledger: {
  readonly name: string
  readonly createdAt: number
}): z.output<typeof ledgerListingSchema> {
  return { name: ledger.name, created_at: new Date(ledger.createdAt).toISOString() }
}
