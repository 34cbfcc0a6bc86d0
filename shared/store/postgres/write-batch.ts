import type { NewEvent } from '../../engine/event.ts'
import type { BatchWrites } from '../../engine/posting-store.ts'
import { ifAgreed } from './agree.ts'
import { jsonText, metadataText, plainArray, timeText } from './array-text.ts'
import type { Prepared } from './posting-connection.ts'
import { movementParameters, movementParametersCount, moveMoney } from './move-money.ts'
import { eventParameters, tellEvents } from './tell-events.ts'

/**
 * Writes a batch in one statement: new transactions, their entries, the accounts' new totals, the events. The guards run once
 * over all of it. Inserts probe the primary keys and `transactions_idempotency_key`, in the order of the keys, so that two
 * batches with the same keys wait for each other and never deadlock.
 */
const writing = (condition = '') => `with written as (
           insert into transactions
             (ledger_id, id, status, reference, idempotency_key, fingerprint, description, currency,
              exponent, metadata, effective_at, ordering_key, created_at, posted_at, failed_at,
              failure, requested_entries)
           select $1::integer, t.id, t.status, t.reference, t.idempotency_key,
                  decode(t.fingerprint, 'hex'), t.description, t.currency, t.exponent, t.metadata,
                  t.effective_at, t.ordering_key, $2::timestamptz,
                  case t.status when 'posted' then $2::timestamptz end,
                  case t.status when 'failed' then $2::timestamptz end,
                  t.failure, t.requested_entries
             from unnest($20::uuid[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[],
                         $26::text[], $27::smallint[], $28::jsonb[], $29::timestamptz[], $30::text[],
                         $31::json[], $32::json[])
               as t (id, status, reference, idempotency_key, fingerprint, description, currency,
                     exponent, metadata, effective_at, ordering_key, failure, requested_entries)
             ${condition}
         ), ${tellEvents(movementParametersCount + 14, condition)}, ${moveMoney(condition)}`

/** For a batch that was decided under its locks. */
export const writeBatch: Prepared = { name: 'write_batch', text: writing() }

/** The same, for a batch that was sent before anybody knew whether it may be written. */
export const writeBatchIfAgreed: Prepared = {
  name: 'write_batch_if_agreed',
  text: writing(ifAgreed),
}

/** The parameters of both. */
export function writeBatchParameters(
  ledgerId: number,
  writes: BatchWrites,
  events: readonly NewEvent[],
): unknown[] {
  const transactions = writes.transactions.toSorted((a, b) =>
    (a.idempotencyKey ?? '') < (b.idempotencyKey ?? '') ? -1 : 1,
  )
  return [
    ...movementParameters(ledgerId, transactions, writes),
    plainArray(transactions, (t) => t.id),
    plainArray(transactions, (t) => t.status),
    transactions.map((t) => t.reference),
    transactions.map((t) => t.idempotencyKey),
    plainArray(transactions, (t) => t.fingerprint),
    transactions.map((t) => t.description),
    transactions.map((t) => t.currency),
    plainArray(transactions, (t) => t.exponent),
    transactions.map((t) => metadataText(t.metadata)),
    plainArray(transactions, (t) => (t.effectiveAt === null ? null : timeText(t.effectiveAt))),
    transactions.map((t) => t.orderingKey),
    transactions.map((t) => jsonText(t.failure)),
    transactions.map((t) => jsonText(t.requestedEntries.length > 0 ? t.requestedEntries : null)),
    ...eventParameters(events),
  ]
}
