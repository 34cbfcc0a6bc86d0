import type { Witness } from '../engine/audit-record.ts'
import type { BatchRecord } from '../engine/batch-record.ts'
import { deathsOfResumed } from '../engine/choose-carefully.ts'
import type { EndOutcome } from '../engine/queue-store.ts'
import type { QueuePlace, TransactionRecord } from '../engine/transaction-record.ts'
import { refuse } from '../ledger/refusal.ts'
import { recordSteps } from './audit-log.ts'
import { queueStanding } from './read-queue.ts'
import { findTransaction, findTransactions } from './read-transactions.ts'
import type { Reader, Statement } from './reader.ts'
import type { Step, Writer } from './writer.ts'

/** Both sides of a store that a change of one queued transaction needs. */
export type QueueAccess = Reader & Writer

/** Takes a row out of the queue. What a drain has taken is locked until its end and then not there. */
const dequeue: Statement = {
  name: 'dequeue',
  text: `delete from queued_transactions
          where ledger_id = $1 and slot = $2 and sequence = $3 and batch_id is null
         returning transaction_id`,
}

/** The same for the place of an atomic batch. */
const dequeueBatch: Statement = {
  name: 'dequeue_batch',
  text: `delete from queued_transactions
          where ledger_id = $1 and slot = $2 and sequence = $3 and batch_id = $4
         returning transaction_id`,
}

/** The same for a parked row only. */
const dequeueParked: Statement = {
  name: 'dequeue_parked',
  text: `delete from queued_transactions
          where ledger_id = $1 and slot = $2 and sequence = $3 and parked_at is not null
            and batch_id is null
         returning transaction_id`,
}

const markCanceled: Statement = {
  name: 'mark_canceled',
  text: `update transactions set status = 'canceled', canceled_at = $3
          where ledger_id = $1 and id = $2 and status = 'queued' returning id`,
}

const markFailed: Statement = {
  name: 'mark_failed',
  text: `update transactions set status = 'failed', failed_at = $3, failure = $4
          where ledger_id = $1 and id = $2 and status = 'queued' returning id`,
}

const markParked: Statement = {
  name: 'mark_parked',
  text: `update queued_transactions
            set parked_at = $4, parked_reason = $5, attempts = attempts + 1, last_error = $5
          where ledger_id = $1 and slot = $2 and sequence = $3 returning transaction_id`,
}

const unmarkParked: Statement = {
  name: 'unmark_parked',
  text: `update queued_transactions
            set parked_at = null, parked_reason = null,
                deaths = case when deaths < ${deathsOfResumed} then deaths else ${deathsOfResumed} end
          where ledger_id = $1 and slot = $2 and sequence = $3 and parked_at is not null
         returning transaction_id`,
}

const markAttempt: Statement = {
  name: 'mark_attempt',
  text: `update queued_transactions set attempts = attempts + 1, last_error = $4
          where ledger_id = $1 and slot = $2 and sequence = $3 returning transaction_id`,
}

/** The most rows on which one failed attempt is noted: the heads of the slots tell enough. */
const notedMax = 64

/** Ends a queued transaction as canceled, unless a drain has it or had it. */
export function cancel(
  access: QueueAccess,
  ledgerId: number,
  id: string,
  witness?: Witness,
): Promise<EndOutcome> {
  return cancelRecorded(access, ledgerId, id, witnessedSteps(id, witness))
}

function cancelRecorded(
  access: QueueAccess,
  ledgerId: number,
  id: string,
  records: readonly Step[],
): Promise<EndOutcome> {
  return change(access, ledgerId, id, (place, now) => [
    step(dequeue, [ledgerId, place.slot, place.sequence]),
    step(markCanceled, [ledgerId, id, now]),
    ...access.telling([{ ledgerId, type: 'transaction.canceled', subjectId: id, at: now }]),
    ...records,
  ])
}

/**
 * Ends what is still queued of a batch as canceled, and gives that: of an atomic one all of it or nothing, in one database
 * transaction; of an independent one what nobody has posted by then, one by one.
 */
export async function cancelBatch(
  access: QueueAccess,
  { ledgerId, id, mode, members }: BatchRecord,
  witness?: Witness,
): Promise<TransactionRecord[]> {
  const records = (count: number) =>
    recordSteps(witness?.({ kind: 'batch', id, end: 'done', count }))
  const own = members.flatMap(({ transactionId, replayed }) =>
    replayed || transactionId === null ? [] : transactionId,
  )
  const before = [...(await findTransactions(access, ledgerId, own)).values()]
  const queued = before.filter(({ status }) => status === 'queued')
  if (mode === 'atomic') {
    return cancelTogether(access, { ledgerId, batchId: id }, queued, records(queued.length))
  }
  const canceled: TransactionRecord[] = []
  for (const transaction of queued) {
    // One record for all: it is written with the first that is canceled.
    const due = canceled.length === 0 ? records(1) : []
    const outcome = await cancelRecorded(access, ledgerId, transaction.id, due)
    if (outcome.kind === 'ended') canceled.push(outcome.transaction)
  }
  return canceled
}

async function cancelTogether(
  access: QueueAccess,
  { ledgerId, batchId }: { readonly ledgerId: number; readonly batchId: string },
  queued: readonly TransactionRecord[],
  records: readonly Step[],
): Promise<TransactionRecord[]> {
  const [first] = queued
  if (first === undefined || first.place === null) return []
  const { slot, sequence } = first.place
  const now = access.timeParameter(Math.max(Date.now(), first.createdAt))
  const steps = [
    step(dequeueBatch, [ledgerId, slot, sequence, batchId]),
    ...queued.map(({ id }) => step(markCanceled, [ledgerId, id, now])),
    ...access.telling(
      queued.map(({ id }) => ({ ledgerId, type: 'transaction.canceled', subjectId: id, at: now })),
    ),
    ...records,
  ]
  return (await access.apply(steps)) === undefined ? [] : [...queued]
}

/** Lets a parked transaction be drained again; alone, if processes have died of it. */
export function resume(
  access: QueueAccess,
  ledgerId: number,
  id: string,
  witness?: Witness,
): Promise<EndOutcome> {
  return change(access, ledgerId, id, (place) => [
    step(unmarkParked, [ledgerId, place.slot, place.sequence]),
    ...witnessedSteps(id, witness),
  ])
}

/** Ends a parked transaction as failed, by an operator's word. */
export function refuseParked(
  access: QueueAccess,
  ledgerId: number,
  id: string,
  reason: string,
  witness?: Witness,
): Promise<EndOutcome> {
  const failure = JSON.stringify(refuse('refused_by_operator', { reason }))
  return change(access, ledgerId, id, (place, now) => [
    step(dequeueParked, [ledgerId, place.slot, place.sequence]),
    step(markFailed, [ledgerId, id, now, failure]),
    ...access.telling([{ ledgerId, type: 'transaction.failed', subjectId: id, at: now }]),
    ...witnessedSteps(id, witness),
  ])
}

/** Sets a row aside until an operator decides. */
export async function park(
  access: QueueAccess,
  ledgerId: number,
  place: QueuePlace,
  reason: string,
): Promise<void> {
  const now = access.timeParameter(Date.now())
  await access.apply([step(markParked, [ledgerId, place.slot, place.sequence, now, reason])])
}

/** Remembers a failed attempt on the first of these rows. */
export async function noteAttempt(
  access: QueueAccess,
  ledgerId: number,
  places: readonly QueuePlace[],
  reason: string,
): Promise<void> {
  const heads = new Map(places.toReversed().map((place) => [place.slot, place]))
  const noted = [...heads.values()].slice(0, notedMax)
  if (noted.length === 0) return
  await access.apply(
    noted.map((place) => step(markAttempt, [ledgerId, place.slot, place.sequence, reason])),
  )
}

/** Changes one queued transaction, or says how it stands. Three round trips, one more when it is not as asked. */
async function change(
  access: QueueAccess,
  ledgerId: number,
  id: string,
  steps: (place: QueuePlace, now: ReturnType<Reader['timeParameter']>) => readonly Step[],
): Promise<EndOutcome> {
  const before = await findTransaction(access, ledgerId, id)
  if (before === undefined) return { kind: 'not_found' }
  if (before.status !== 'queued' || before.place === null) {
    return { kind: 'standing', transaction: before }
  }
  const now = Math.max(Date.now(), before.createdAt)
  const done = await access.apply(steps(before.place, access.timeParameter(now)))
  const transaction = await stands(access, ledgerId, id)
  if (done === undefined && transaction.status === 'queued') {
    const standing = await queueStanding(access, ledgerId, before.place)
    if (standing !== undefined && standing.batchId !== null) {
      return { kind: 'in_batch', batchId: standing.batchId }
    }
  }
  return { kind: done === undefined ? 'standing' : 'ended', transaction }
}

async function stands(access: Reader, ledgerId: number, id: string): Promise<TransactionRecord> {
  const transaction = await findTransaction(access, ledgerId, id)
  if (transaction === undefined) throw new Error('a transaction that was there is gone')
  return transaction
}

/** The step that records who changed a transaction. */
function witnessedSteps(id: string, witness: Witness | undefined): readonly Step[] {
  return recordSteps(witness?.({ kind: 'transaction', id, end: 'done' }))
}

function step(statement: Statement, parameters: Step['parameters']): Step {
  return { statement, parameters }
}
