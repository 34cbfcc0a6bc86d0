import { orderingKeyOf } from './accept.ts'
import type { BatchAcceptance, NewBatch } from './batch-acceptance.ts'
import type { BatchMemberRecord, StoredProblem } from './batch-record.ts'
import { abortedBy, stands } from './decide-command-batches.ts'
import { newRecord } from './new-record.ts'
import type { PostCommand, PostOutcome } from './post-command.ts'
import type { BatchAcceptState, BatchAcceptWrites, NewPlace } from './queue-store.ts'
import { slotOf } from './slot.ts'
import { StandingIndex } from './standing-index.ts'
import type { QueuePlace, TransactionRecord } from './transaction-record.ts'
import { recordOfBatch } from './witnessed-ends.ts'

/** How a batch is accepted, and what is written for it; nothing unless it is new and taken. */
export interface BatchAcceptanceDecision {
  readonly acceptance: BatchAcceptance
  readonly writes: BatchAcceptWrites | undefined
}

/**
 * Decides what becomes of a batch that is to be queued. Pure. All that needs no account is judged here, member by member: an atomic one is
 * refused whole and at once where posting it would be; of an independent one each member is queued, refused or replayed by itself.
 *
 * An atomic batch has one place in the queue, by the ordering key of its first member; all its transactions say it.
 */
export function decideBatchAcceptance(
  batch: NewBatch,
  state: BatchAcceptState,
): BatchAcceptanceDecision {
  const { standingBatch } = state
  if (standingBatch !== undefined) {
    const replayed = standingBatch !== batch.batchId
    return {
      acceptance: { kind: 'standing', batchId: standingBatch, replayed },
      writes: undefined,
    }
  }
  const standing = new StandingIndex(state.standing)
  const placing = new Placing(batch, state.firstSequence)
  const transactions: TransactionRecord[] = []
  const outcomes: PostOutcome[] = []
  for (const command of batch.commands) {
    const outcome = standing.outcomeFor(command) ?? taken(command, state.now, placing)
    const isGood = stands(outcome, standing)
    if (batch.mode === 'atomic' && !isGood) return refusedBy(outcome, batch, outcomes)
    if (outcome.kind === 'written') {
      transactions.push(outcome.transaction)
      standing.add(outcome.transaction)
    }
    outcomes.push(outcome)
  }
  const { batchId: id, ledgerId, mode, fingerprint } = batch
  const members = outcomes.map(memberOf)
  const record = { id, ledgerId, mode, fingerprint, createdAt: state.now, members }
  const places = placing.places(transactions)
  const witness = recordOfBatch(batch.witness, outcomes, id)
  return {
    acceptance: { kind: 'accepted', batch: record, transactions, places: places.length },
    writes: {
      batch: record,
      transactions,
      places,
      records: witness === undefined ? [] : [witness],
    },
  }
}

/** Hands out places in the queue: to each transaction its own, or to all of an atomic batch one. */
class Placing {
  readonly #batch: NewBatch
  #next: number

  constructor(batch: NewBatch, firstSequence: number) {
    this.#batch = batch
    this.#next = firstSequence
  }

  placeOf(command: PostCommand): QueuePlace {
    const first = this.#batch.commands[0] ?? command
    if (this.#batch.mode === 'atomic') {
      return { slot: slotOf(orderingKeyOf(first)), sequence: this.#next }
    }
    this.#next += 1
    return { slot: slotOf(orderingKeyOf(command)), sequence: this.#next - 1 }
  }

  places(transactions: readonly TransactionRecord[]): NewPlace[] {
    const { mode, batchId, commands } = this.#batch
    const places = transactions.flatMap((transaction): NewPlace | [] => {
      const { id: transactionId, place, requestedEntries } = transaction
      if (place === null) return []
      const entryCount = requestedEntries.length
      const orderingKey = orderingKeyOf(transaction)
      const traceparent = this.#batch.traceparent ?? null
      return { transactionId, place, entryCount, orderingKey, batchId: null, traceparent }
    })
    const [first] = places
    const [head] = commands
    if (mode === 'independent' || first === undefined || head === undefined) return places
    const entryCount = places.reduce((sum, place) => sum + place.entryCount, 0)
    return [{ ...first, entryCount, orderingKey: orderingKeyOf(head), batchId }]
  }
}

/** A command that is new: queued, or refused by itself. */
function taken(command: PostCommand, now: number, placing: Placing): PostOutcome {
  const { pricing, idempotencyKey } = command
  if (pricing.ok) {
    const place = placing.placeOf(command)
    return { kind: 'written', transaction: newRecord(command, now, { status: 'queued', place }) }
  }
  const { refusal } = pricing
  if (idempotencyKey === null) return { kind: 'refused', refusal }
  const end = { status: 'failed', failedAt: now, failure: refusal } as const
  return { kind: 'written', transaction: newRecord(command, now, end) }
}

function refusedBy(
  outcome: PostOutcome,
  { commands }: NewBatch,
  members: readonly PostOutcome[],
): BatchAcceptanceDecision {
  const undone = new Set(
    members.flatMap((member) => (member.kind === 'written' ? member.transaction.id : [])),
  )
  const refused = { committed: false, members: abortedBy(outcome, { commands, members, undone }) }
  return { acceptance: { kind: 'refused', outcome: refused }, writes: undefined }
}

function memberOf(outcome: PostOutcome): BatchMemberRecord {
  switch (outcome.kind) {
    case 'written':
      return { transactionId: outcome.transaction.id, problem: null, replayed: false }
    case 'standing':
      return { transactionId: outcome.transactionId, problem: null, replayed: true }
    case 'refused':
      return withoutTransaction(outcome.refusal)
    case 'key_reused':
      return withoutTransaction(keyReused(outcome.transactionId))
    case 'key_reused_by_change':
      return withoutTransaction(keyReused(outcome.change.holdId))
    case 'hold_changed':
    case 'change_standing':
      throw new Error('a batch has no changes of holds')
  }
}

function withoutTransaction(problem: StoredProblem): BatchMemberRecord {
  return { transactionId: null, problem, replayed: false }
}

function keyReused(transaction_id: string): StoredProblem {
  return { code: 'idempotency_key_reused', details: { transaction_id } }
}
