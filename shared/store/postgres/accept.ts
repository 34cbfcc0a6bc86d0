import type { AcceptReads, AcceptState, AcceptWrites } from '../../engine/queue-store.ts'
import { orderingKeyOf } from '../../engine/accept.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import { currenciesText, isSpecial, wishText } from '../stored-columns.ts'
import { jsonText, metadataText, plainArray, timeText } from './array-text.ts'
import { commitWith, type Write } from './commit.ts'
import { findStanding, standingOf } from './find-standing.ts'
import type { Prepared, PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'

/**
 * How long an acceptance waits for a key that somebody else is just writing. Short: then each member of the batch goes
 * by itself, and one key does not stall the others.
 */
export const lockTimeoutMs = 250

/**
 * Takes a block of a thousand numbers, each greater than any taken before; gaps are harmless. The database transaction
 * takes its own number first (a list of columns is evaluated from the left): by it `DrainFloors` knows when all who have
 * taken a number have ended.
 */
export const takeSequence: Prepared = {
  name: 'take_sequence',
  text: `select pg_current_xact_id(), nextval('accept_sequence')`,
}

/** The first number of the block that was taken. */
export function firstSequenceOf([row]: readonly (readonly unknown[])[]): number {
  return Number(row?.[1])
}

/**
 * Writes a batch of accepted transactions with their places in the queue. The caller sorts by key, so that two batches with
 * the same keys wait for each other and never deadlock (unsorted, 14 of 60 opposite batches did). Inserts probe
 * `transactions_pkey`, `transactions_idempotency_key` and `queued_transactions_pkey`.
 */
const writeAccepted = writeAcceptedWith({ name: 'write_accepted', columns: '', arrays: '' })

/** What is written besides of a batch of which some members are more than plain payments. */
const specialColumns = {
  columns: ', wish, currencies, reversal_of, hold_id',
  arrays: ', $18::json[], $19::json[], $20::uuid[], $21::uuid[]',
}
const writeMixedAccepted = writeAcceptedWith({ name: 'write_mixed_accepted', ...specialColumns })

/** The same two for a batch of which some members came with a trace that is recorded. */
const writeTracedAccepted = writeAcceptedWith({
  name: 'write_traced_accepted',
  columns: '',
  arrays: '',
  traceparents: '$18',
})
const writeTracedMixedAccepted = writeAcceptedWith({
  name: 'write_traced_mixed_accepted',
  ...specialColumns,
  traceparents: '$22',
})

function writeAcceptedWith(more: {
  name: string
  columns: string
  arrays: string
  traceparents?: string
}): Prepared {
  const { traceparents } = more
  const traced = traceparents === undefined ? '' : ', traceparent'
  const ofPlace = traceparents === undefined ? '' : ', q.traceparent'
  const array = traceparents === undefined ? '' : `, ${traceparents}::text[]`
  const ofRow = more.columns.replaceAll(', ', ', t.')
  const text = `with accepted as (
           insert into transactions
             (ledger_id, id, status, reference, idempotency_key, fingerprint, description, currency,
              exponent, metadata, effective_at, ordering_key, created_at, requested_entries, slot,
              sequence${more.columns})
           select $1::integer, t.id, 'queued', t.reference, t.idempotency_key,
                  decode(t.fingerprint, 'hex'), t.description, t.currency, t.exponent, t.metadata,
                  t.effective_at, t.ordering_key, $2::timestamptz, t.requested_entries, t.slot,
                  t.sequence${ofRow}
             from unnest($3::uuid[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                         $9::smallint[], $10::jsonb[], $11::timestamptz[], $12::text[], $13::json[],
                         $14::smallint[], $15::bigint[]${more.arrays})
               as t (id, reference, idempotency_key, fingerprint, description, currency, exponent,
                     metadata, effective_at, ordering_key, requested_entries, slot, sequence${more.columns})
         )
         insert into queued_transactions
           (ledger_id, slot, sequence, transaction_id, entry_count, ordering_key, enqueued_at${traced})
         select $1::integer, q.slot, q.sequence, q.id, q.entry_count, q.ordering_key, $2::timestamptz${ofPlace}
           from unnest($14::smallint[], $15::bigint[], $3::uuid[], $16::smallint[], $17::text[]${array})
             as q (slot, sequence, id, entry_count, ordering_key${traced})`
  return { name: more.name, text }
}

/** Runs one batch of acceptance as one database transaction, in two round trips. Rejects with `StoreFailure`. */
export async function acceptOn(
  connection: PostingConnection,
  reads: AcceptReads,
  decide: (state: AcceptState) => AcceptWrites,
): Promise<void> {
  const state = await lookUp(connection, reads).catch((error: unknown) => {
    throw storeFailureOf(error, 'before_commit')
  })
  const { transactions, records } = decide(state)
  await commitWith(connection, writeOf(reads.ledgerId, transactions), records)
}

function writeOf(ledgerId: number, accepted: readonly TransactionRecord[]): Write | undefined {
  if (accepted.length === 0) return undefined
  const sorted = accepted.toSorted((a, b) =>
    (a.idempotencyKey ?? '') < (b.idempotencyKey ?? '') ? -1 : 1,
  )
  const parameters = parametersOf(ledgerId, sorted)
  const isMixed = accepted.some(isSpecial)
  if (isMixed) parameters.push(...specialParameters(sorted))
  if (accepted.some(({ traceparent }) => traceparent !== undefined)) {
    parameters.push(plainArray(sorted, ({ traceparent }) => traceparent ?? null))
    return { statement: isMixed ? writeTracedMixedAccepted : writeTracedAccepted, parameters }
  }
  return { statement: isMixed ? writeMixedAccepted : writeAccepted, parameters }
}

function specialParameters(sorted: readonly TransactionRecord[]): unknown[] {
  return [
    sorted.map(wishText),
    sorted.map(currenciesText),
    plainArray(sorted, (t) => t.reversalOf),
    plainArray(sorted, (t) => t.holdId),
  ]
}

async function lookUp(connection: PostingConnection, reads: AcceptReads): Promise<AcceptState> {
  const [begun, found, taken] = connection.together(() => [
    connection.send(`begin; set local lock_timeout = ${lockTimeoutMs}`),
    connection.sendPrepared(findStanding, [
      reads.ledgerId,
      reads.idempotencyKeys,
      `{${reads.transactionIds.join(',')}}`,
    ]),
    connection.sendPrepared(takeSequence, []),
  ])
  await Promise.allSettled([begun, found, taken])
  await begun
  return {
    ...standingOf((await found).rows),
    firstSequence: firstSequenceOf((await taken).rows),
  }
}

function parametersOf(ledgerId: number, sorted: readonly TransactionRecord[]): unknown[] {
  return [
    ledgerId,
    timeText(sorted[0]?.createdAt ?? 0),
    plainArray(sorted, (t) => t.id),
    sorted.map((t) => t.reference),
    sorted.map((t) => t.idempotencyKey),
    plainArray(sorted, (t) => t.fingerprint),
    sorted.map((t) => t.description),
    sorted.map((t) => t.currency),
    plainArray(sorted, (t) => t.exponent),
    sorted.map((t) => metadataText(t.metadata)),
    plainArray(sorted, (t) => (t.effectiveAt === null ? null : timeText(t.effectiveAt))),
    sorted.map((t) => t.orderingKey),
    sorted.map((t) => jsonText(t.requestedEntries)),
    plainArray(sorted, (t) => t.place?.slot ?? null),
    plainArray(sorted, (t) => t.place?.sequence ?? null),
    plainArray(sorted, (t) => t.requestedEntries.length),
    sorted.map(orderingKeyOf),
  ]
}
