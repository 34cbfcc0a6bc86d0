import type { z } from 'zod'
import type { TimeSpan, TransactionFilter } from '../../shared/store/ledger-store.ts'
import { invalidParts } from '../../shared/wire/invalid-request.ts'
import type { transactionQuery } from '../../shared/wire/transaction-request.ts'

/** The filter of a transaction list; throws the problem of parameters that do not go together. */
export function transactionFilterOf(query: z.output<typeof transactionQuery>): TransactionFilter {
  const { currency, amount_gte: gte, amount_lte: lte } = query
  const hasAmount = gte !== undefined || lte !== undefined
  if (hasAmount && currency === undefined) {
    throw invalidParts([{ pointer: 'query/currency', detail: 'is required with an amount' }])
  }
  return {
    status: query.status,
    accountId: query.account_id,
    reference: query.reference,
    currency,
    metadata: query.metadata,
    amount: hasAmount && currency !== undefined ? { currency, gte, lte } : undefined,
    posted: spanOf('posted', query.posted_from, query.posted_to),
    effective: spanOf('effective', query.effective_from, query.effective_to),
    expiresBefore: query.expires_before,
    expiresAfter: query.expires_after,
  }
}

function spanOf(
  axis: 'posted' | 'effective',
  from: number | undefined,
  to: number | undefined,
): TimeSpan | undefined {
  if (from === undefined && to === undefined) return undefined
  if (to !== undefined && from !== undefined && to < from) {
    throw invalidParts([
      { pointer: `query/${axis}_to`, detail: `must not be before \`${axis}_from\`` },
    ])
  }
  return { from, to }
}
