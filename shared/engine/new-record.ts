import type { PostCommand } from './post-command.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** The row that a command becomes, before it is known how it ends: nothing posted, nothing failed, no place. */
export function newRecord(
  command: PostCommand,
  at: number,
  end: Pick<TransactionRecord, 'status'> & Partial<TransactionRecord>,
): TransactionRecord {
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
    metadata: command.metadata,
    effectiveAt: command.effectiveAt,
    orderingKey: command.orderingKey,
    createdAt: at,
    postedAt: end.postedAt ?? null,
    failedAt: end.failedAt ?? null,
    canceledAt: null,
    failure: end.failure ?? null,
    place: end.place ?? null,
    requestedEntries: end.requestedEntries ?? command.requestedEntries,
    entries: end.entries ?? [],
  }
}
