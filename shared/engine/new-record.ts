import { targetOfWish } from '../ledger/special-wish.ts'
import type { PostCommand } from './post-command.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** The row that a command becomes, before it is known how it ends: nothing posted, nothing failed, no place. */
export function newRecord(
  command: PostCommand,
  at: number,
  end: Pick<TransactionRecord, 'status'> & Partial<TransactionRecord>,
): TransactionRecord {
  const { wish } = command
  const target = targetOfWish(wish) ?? null
  return {
    id: command.transactionId,
    ledgerId: command.ledgerId,
    status: end.status,
    reference: command.reference,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    description: command.description,
    currency: command.currency,
    exponent: command.exponent,
    currencies: end.currencies ?? (command.pricing.ok ? command.pricing.currencies : null),
    wish,
    reversalOf: wish?.kind === 'reversal' ? target : null,
    holdId: wish?.kind === 'capture' ? target : null,
    metadata: command.metadata,
    effectiveAt: command.effectiveAt,
    orderingKey: command.orderingKey,
    createdAt: at,
    postedAt: end.postedAt ?? null,
    failedAt: end.failedAt ?? null,
    canceledAt: null,
    heldAt: end.heldAt ?? null,
    expiresAt: end.expiresAt ?? null,
    resolvedAt: null,
    resolved: null,
    failure: end.failure ?? null,
    place: end.place ?? null,
    requestedEntries: end.requestedEntries ?? command.requestedEntries,
    entries: end.entries ?? [],
    traceparent: command.traceparent,
  }
}
