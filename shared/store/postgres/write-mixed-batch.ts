import type { NewEvent } from '../../engine/event.ts'
import type { BatchWrites } from '../../engine/posting-store.ts'
import { currenciesText, wishText } from '../stored-columns.ts'
import { ifAgreed } from './agree.ts'
import { jsonText, metadataText, plainArray } from './array-text.ts'
import {
  movementAndHoldParameters,
  moveMoneyAndHolds,
  movementAndHoldParametersCount,
  timeOrNull,
} from './move-money-and-holds.ts'
import type { Prepared } from './posting-connection.ts'
import { eventParameters, tellEvents } from './tell-events.ts'

/** Parameters after those of the movement: of transactions, then of changes, then of events. */
const transactionParametersCount = 18
const changeParametersCount = 7
const firstOfEvents =
  movementAndHoldParametersCount + transactionParametersCount + changeParametersCount + 1
const transaction = (place: number) => `$${movementAndHoldParametersCount + place}`
const change = (place: number) => transaction(transactionParametersCount + place)

/**
 * Writes a batch of which some members are more than plain payments: what `writeBatch` writes, with the columns that these have
 * besides, and the changes of holds. A statement of its own, so that a batch of plain payments pays nothing for it. Inserts go
 * in the order of the keys, for the same reason as there.
 */
const writing = (condition = '') => `with written as (
           insert into transactions
             (ledger_id, id, status, reference, idempotency_key, fingerprint, description, currency,
              exponent, metadata, effective_at, ordering_key, created_at, posted_at, failed_at,
              held_at, failure, requested_entries, wish, currencies, reversal_of, hold_id, expires_at)
           select $1::integer, t.id, t.status, t.reference, t.idempotency_key,
                  decode(t.fingerprint, 'hex'), t.description, t.currency, t.exponent, t.metadata,
                  t.effective_at, t.ordering_key, $2::timestamptz,
                  case t.status when 'posted' then $2::timestamptz end,
                  case t.status when 'failed' then $2::timestamptz end,
                  case t.status when 'held' then $2::timestamptz end,
                  t.failure, t.requested_entries, t.wish, t.currencies, t.reversal_of, t.hold_id,
                  t.expires_at
             from unnest(${transaction(1)}::uuid[], ${transaction(2)}::text[], ${transaction(3)}::text[],
                         ${transaction(4)}::text[], ${transaction(5)}::text[], ${transaction(6)}::text[],
                         ${transaction(7)}::text[], ${transaction(8)}::smallint[], ${transaction(9)}::jsonb[],
                         ${transaction(10)}::timestamptz[], ${transaction(11)}::text[],
                         ${transaction(12)}::json[], ${transaction(13)}::json[], ${transaction(14)}::json[],
                         ${transaction(15)}::json[], ${transaction(16)}::uuid[], ${transaction(17)}::uuid[],
                         ${transaction(18)}::timestamptz[])
               as t (id, status, reference, idempotency_key, fingerprint, description, currency,
                     exponent, metadata, effective_at, ordering_key, failure, requested_entries,
                     wish, currencies, reversal_of, hold_id, expires_at)
             ${condition}
         ), changed as (
           insert into hold_changes
             (ledger_id, id, hold_id, wish, idempotency_key, fingerprint, expires_at, failure, created_at)
           select $1::integer, c.id, c.hold_id, c.wish, c.idempotency_key,
                  decode(c.fingerprint, 'hex'), c.expires_at, c.failure, $2::timestamptz
             from unnest(${change(1)}::uuid[], ${change(2)}::uuid[], ${change(3)}::json[],
                         ${change(4)}::text[], ${change(5)}::text[], ${change(6)}::timestamptz[],
                         ${change(7)}::json[])
               as c (id, hold_id, wish, idempotency_key, fingerprint, expires_at, failure)
             ${condition}
         ), ${tellEvents(firstOfEvents, condition)}, ${moveMoneyAndHolds(condition)}`

/** For a batch that was decided under its locks. */
export const writeMixedBatch: Prepared = { name: 'write_mixed_batch', text: writing() }

/** The same, for a batch that was sent before anybody knew whether it may be written. */
export const writeMixedBatchIfAgreed: Prepared = {
  name: 'write_mixed_batch_if_agreed',
  text: writing(ifAgreed),
}

/** The parameters of both. */
export function writeMixedBatchParameters(
  ledgerId: number,
  writes: BatchWrites,
  events: readonly NewEvent[],
): unknown[] {
  const transactions = writes.transactions.toSorted(byKey)
  const changes = writes.holdChanges.toSorted(byKey)
  return [
    ...movementAndHoldParameters(ledgerId, transactions, writes),
    plainArray(transactions, (t) => t.id),
    plainArray(transactions, (t) => t.status),
    transactions.map((t) => t.reference),
    transactions.map((t) => t.idempotencyKey),
    plainArray(transactions, (t) => t.fingerprint),
    transactions.map((t) => t.description),
    transactions.map((t) => t.currency),
    plainArray(transactions, (t) => t.exponent),
    transactions.map((t) => metadataText(t.metadata)),
    plainArray(transactions, (t) => timeOrNull(t.effectiveAt)),
    transactions.map((t) => t.orderingKey),
    transactions.map((t) => jsonText(t.failure)),
    transactions.map((t) => jsonText(t.requestedEntries.length > 0 ? t.requestedEntries : null)),
    transactions.map(wishText),
    transactions.map(currenciesText),
    plainArray(transactions, (t) => t.reversalOf),
    plainArray(transactions, (t) => t.holdId),
    plainArray(transactions, (t) => timeOrNull(t.expiresAt)),
    plainArray(changes, (c) => c.id),
    plainArray(changes, (c) => c.holdId),
    changes.map(wishText),
    changes.map((c) => c.idempotencyKey),
    plainArray(changes, (c) => c.fingerprint),
    plainArray(changes, (c) => timeOrNull(c.expiresAt)),
    changes.map((c) => jsonText(c.failure)),
    ...eventParameters(events),
  ]
}

function byKey(
  a: { readonly idempotencyKey: string | null },
  b: { readonly idempotencyKey: string | null },
): number {
  return (a.idempotencyKey ?? '') < (b.idempotencyKey ?? '') ? -1 : 1
}
