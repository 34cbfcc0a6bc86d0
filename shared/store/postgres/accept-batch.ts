import type { BatchRecord } from '../../engine/batch-record.ts'
import { eventsOf } from '../../engine/event.ts'
import type {
  BatchAcceptReads,
  BatchAcceptState,
  BatchAcceptWrites,
} from '../../engine/queue-store.ts'
import { currenciesText, wishText } from '../stored-columns.ts'
import { firstSequenceOf, lockTimeoutMs, takeSequence } from './accept.ts'
import { jsonText, metadataText, plainArray, timeText } from './array-text.ts'
import { commitWith, type Write } from './commit.ts'
import { findStanding, standingOf } from './find-standing.ts'
import { oneByKey } from './one-by-key.ts'
import type { Prepared, PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'
import { eventParameters, tellEvents } from './tell-events.ts'

/** Finds a batch by its id or by what it says, through `batches_pkey` and `batches_fingerprint`. No lock. */
const findBatch: Prepared = {
  name: 'find_batch',
  text: `select id from batches where ledger_id = $1 and id = $2::uuid
         union all
         (select id from batches ${oneByKey('fingerprint', '$3')})`,
}

/**
 * Writes a batch that was accepted: itself, its members, their transactions (queued, or failed when refused by themselves), and their
 * places in the queue. The transactions are sorted by key, for the same reason as in `writeAccepted`. Inserts probe the
 * primary keys, `transactions_idempotency_key` and `batches_fingerprint`.
 */
const writeAcceptedBatch: Prepared = {
  name: 'write_accepted_batch',
  text: `with batch as (
           insert into batches (ledger_id, id, mode, fingerprint, created_at)
           values ($1::integer, $3::uuid, $4, $5, $2::timestamptz)
         ), members as (
           insert into batch_members
             (ledger_id, batch_id, position, transaction_id, problem, replayed)
           select $1::integer, $3::uuid, m.place - 1, m.transaction_id, m.problem, m.replayed
             from unnest($6::uuid[], $7::json[], $8::smallint[])
                    with ordinality as m (transaction_id, problem, replayed, place)
         ), accepted as (
           insert into transactions
             (ledger_id, id, status, reference, idempotency_key, fingerprint, description, currency,
              exponent, metadata, effective_at, ordering_key, created_at, failed_at, failure,
              requested_entries, slot, sequence, wish, currencies)
           select $1::integer, t.id, t.status, t.reference, t.idempotency_key,
                  decode(t.fingerprint, 'hex'), t.description, t.currency, t.exponent, t.metadata,
                  t.effective_at, t.ordering_key, $2::timestamptz,
                  case t.status when 'failed' then $2::timestamptz end, t.failure,
                  t.requested_entries, t.slot, t.sequence, t.wish, t.currencies
             from unnest($9::uuid[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[],
                         $15::text[], $16::smallint[], $17::jsonb[], $18::timestamptz[], $19::text[],
                         $20::json[], $21::json[], $22::smallint[], $23::bigint[], $24::json[],
                         $25::json[])
               as t (id, status, reference, idempotency_key, fingerprint, description, currency,
                     exponent, metadata, effective_at, ordering_key, failure, requested_entries,
                     slot, sequence, wish, currencies)
         ), ${tellEvents(33)}
         insert into queued_transactions
           (ledger_id, slot, sequence, transaction_id, entry_count, ordering_key, batch_id, enqueued_at,
            traceparent)
         select $1::integer, q.slot, q.sequence, q.id, q.entry_count, q.ordering_key, q.batch_id,
                $2::timestamptz, q.traceparent
           from unnest($26::smallint[], $27::bigint[], $28::uuid[], $29::smallint[], $30::text[],
                       $31::uuid[], $32::text[])
             as q (slot, sequence, id, entry_count, ordering_key, batch_id, traceparent)`,
}

/** Runs the acceptance of one batch as one database transaction, in two round trips. Rejects with `StoreFailure`. */
export async function acceptBatchOn(
  connection: PostingConnection,
  reads: BatchAcceptReads,
  decide: (state: BatchAcceptState) => BatchAcceptWrites | undefined,
): Promise<void> {
  const state = await lookUp(connection, reads).catch((error: unknown) => {
    throw storeFailureOf(error, 'before_commit')
  })
  const writes = decide(state)
  if (writes === undefined) return commitWith(connection, undefined)
  await commitWith(connection, writeOf(writes), writes.records)
}

async function lookUp(
  connection: PostingConnection,
  reads: BatchAcceptReads,
): Promise<BatchAcceptState> {
  const { ledgerId, batchId, fingerprint, idempotencyKeys } = reads
  const [begun, found, taken, batch] = connection.together(() => [
    connection.send(`begin; set local lock_timeout = ${lockTimeoutMs}`),
    connection.sendPrepared(findStanding, [ledgerId, idempotencyKeys, '{}']),
    connection.sendPrepared(takeSequence, []),
    connection.sendPrepared(findBatch, [ledgerId, batchId, fingerprint]),
  ])
  await Promise.allSettled([begun, found, taken, batch])
  await begun
  return {
    ...standingOf((await found).rows),
    firstSequence: firstSequenceOf((await taken).rows),
    standingBatch: (await batch).rows[0]?.[0] as string | undefined,
  }
}

function writeOf({ batch, transactions, places }: BatchAcceptWrites): Write {
  const sorted = transactions.toSorted((a, b) =>
    (a.idempotencyKey ?? '') < (b.idempotencyKey ?? '') ? -1 : 1,
  )
  const parameters = [
    ...batchParameters(batch),
    plainArray(sorted, (t) => t.id),
    plainArray(sorted, (t) => t.status),
    sorted.map((t) => t.reference),
    sorted.map((t) => t.idempotencyKey),
    plainArray(sorted, (t) => t.fingerprint),
    sorted.map((t) => t.description),
    sorted.map((t) => t.currency),
    plainArray(sorted, (t) => t.exponent),
    sorted.map((t) => metadataText(t.metadata)),
    plainArray(sorted, (t) => (t.effectiveAt === null ? null : timeText(t.effectiveAt))),
    sorted.map((t) => t.orderingKey),
    sorted.map((t) => jsonText(t.failure)),
    sorted.map((t) => jsonText(t.requestedEntries)),
    plainArray(sorted, (t) => t.place?.slot ?? null),
    plainArray(sorted, (t) => t.place?.sequence ?? null),
    sorted.map(wishText),
    sorted.map(currenciesText),
    plainArray(places, (q) => q.place.slot),
    plainArray(places, (q) => q.place.sequence),
    plainArray(places, (q) => q.transactionId),
    plainArray(places, (q) => q.entryCount),
    places.map((q) => q.orderingKey),
    plainArray(places, (q) => q.batchId),
    plainArray(places, (q) => q.traceparent),
    ...eventParameters(eventsOf(transactions)),
  ]
  return { statement: writeAcceptedBatch, parameters }
}

function batchParameters({ ledgerId, createdAt, id, mode, fingerprint, members }: BatchRecord) {
  return [
    ledgerId,
    timeText(createdAt),
    id,
    mode,
    fingerprint,
    plainArray(members, (m) => m.transactionId),
    members.map((m) => jsonText(m.problem)),
    plainArray(members, (m) => (m.replayed ? 1 : 0)),
  ]
}
