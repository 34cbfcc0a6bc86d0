import { hash } from 'node:crypto'
import type { TransactionNotes } from '../engine/transaction-record.ts'
import type { RequestedEntry } from '../ledger/command.ts'

/** What a request says, apart from its key: two requests with the same content are the same wish. */
export interface TransactionContent extends TransactionNotes {
  readonly currency: string
  /** In the order given. */
  readonly requestedEntries: readonly RequestedEntry[]
}

/** The fields that are compared, as the API names them. */
const fields = {
  reference: (content) => content.reference,
  description: (content) => content.description,
  currency: (content) => content.currency,
  entries: (content) =>
    content.requestedEntries.map((entry) => [
      entry.accountId,
      entry.direction,
      withoutTrailingZeros(entry.amount),
    ]),
  // Sorted where it is read: Postgres keeps the names of jsonb in an order of its own.
  metadata: (content) => Object.entries(content.metadata).toSorted(([a], [b]) => (a < b ? -1 : 1)),
  effective_at: (content) => content.effectiveAt,
  ordering_key: (content) => content.orderingKey,
} satisfies Record<string, (content: TransactionContent) => unknown>

/** Hashes the content of a request: SHA-256 over its fields in a fixed order, in hex. About 2 µs. */
export function fingerprintOf(content: TransactionContent): string {
  const canonical = JSON.stringify(Object.values(fields).map((field) => field(content)))
  return hash('sha256', canonical, 'hex')
}

/** Names the fields in which two requests differ. */
export function differingFields(a: TransactionContent, b: TransactionContent): string[] {
  return Object.entries(fields)
    .filter(([, field]) => JSON.stringify(field(a)) !== JSON.stringify(field(b)))
    .map(([name]) => name)
}

/**
 * The shortest text of an amount, so that "1", "1.0" and "1.00" are one wish. The currency's own scale will not do: a
 * request in a currency that the ledger does not know yet must be the same wish after somebody registered it.
 */
function withoutTrailingZeros(amount: string): string {
  if (!amount.includes('.')) return amount
  let end = amount.length
  while (amount[end - 1] === '0') end -= 1
  return amount.slice(0, amount[end - 1] === '.' ? end - 1 : end)
}
