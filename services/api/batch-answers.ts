import type { FastifyReply, FastifyRequest } from 'fastify'
import type {
  BatchOutcome,
  CommandBatch,
  MemberOutcome,
} from '../../shared/engine/command-batch.ts'
import type { StoredProblem } from '../../shared/engine/batch-record.ts'
import type { TransactionRecord } from '../../shared/engine/transaction-record.ts'
import type { Refusal } from '../../shared/ledger/refusal.ts'
import {
  acceptedBatchJson,
  memberPointer,
  type AcceptedBatchJson,
  type BatchJson,
  type MemberJson,
  type MemberStatus,
} from '../../shared/wire/batch-json.ts'
import { contentOfChange } from '../../shared/wire/fingerprint.ts'
import { Problem, problemJson, type ProblemContent } from '../../shared/wire/problems.ts'
import { contentOf, transactionJson } from '../../shared/wire/transaction-json.ts'
import { sendProblem } from './answer-problems.ts'
import { queuedIn, type StandingBatch } from './batch-intake.ts'
import type { ApiContext } from './context.ts'
import { endedProblem, keyReused, refusalProblem } from './transaction-answers.ts'

/** The address that the problem of a member names: it occurred there. */
const instance = '/api/v1/transactions/batch'

type Transactions = ReadonlyMap<string, TransactionRecord>

/** Answers with batches. */
export class BatchAnswers {
  readonly #context: ApiContext

  constructor(context: ApiContext) {
    this.#context = context
  }

  /**
   * Answers a POST by its outcome: 201 when all of it is done, 200 when some of an independent one is not, and the problem
   * `batch_failed`, which carries the same members, when nothing of an atomic one is.
   */
  async outcome(
    request: FastifyRequest,
    reply: FastifyReply,
    batch: CommandBatch,
    outcome: BatchOutcome,
  ): Promise<FastifyReply> {
    const { committed, members } = outcome
    const known = await this.#read(request.ledgerId, members)
    const items = members.map((member, index) => memberJson(batch, member, index, known))
    this.#observe(request.id, members)
    const failed = items.reduce((sum, { problem }) => sum + (problem === undefined ? 0 : 1), 0)
    const answer: BatchJson = { mode: batch.mode, posted: items.length - failed, failed, items }
    if (items.every(({ replayed }) => replayed)) void reply.header('idempotency-replayed', 'true')
    if (committed) return reply.code(failed === 0 ? 201 : 200).send(answer)
    return sendProblem(request, reply, new Problem('batch_failed', { details: { ...answer } }))
  }

  /** Answers with a batch that was accepted, as it stands: 202 while some of it is queued, 200 when it has ended. */
  accepted(reply: FastifyReply, standing: StandingBatch): FastifyReply {
    return reply
      .code(queuedIn(standing).length > 0 ? 202 : 200)
      .header('location', `/api/v1/batches/${standing.batch.id}`)
      .send(standingBatchJson(standing))
  }

  /** Reads what members stand for that stood already, and what has the key of those that must not. */
  #read(ledgerId: number, members: readonly MemberOutcome[]): Promise<Transactions> {
    const ids = new Set<string>()
    for (const member of members) {
      if (member.kind === 'standing' || member.kind === 'key_reused') ids.add(member.transactionId)
    }
    return ids.size === 0
      ? Promise.resolve(new Map())
      : this.#context.store.findTransactions(ledgerId, [...ids])
  }

  #observe(requestId: string, members: readonly MemberOutcome[]): void {
    const { metrics, log } = this.#context
    for (const member of members) {
      if (member.kind === 'refused') metrics.refused(member.refusal.code)
      else if (member.kind === 'written' && member.transaction.failure !== null) {
        metrics.refused(member.transaction.failure.code)
      } else if (member.kind === 'broken') {
        const about = { request: requestId, err: member.error }
        log.error(about, 'a member of a batch cannot be posted')
      }
    }
  }
}

/** Writes a batch that was accepted, with its members as they stand. */
export function standingBatchJson({ batch, transactions }: StandingBatch): AcceptedBatchJson {
  const items = batch.members.map(({ transactionId, problem, replayed }, index) => {
    if (transactionId === null) return problemMember(storedProblem(problem), index, 'failed')
    const transaction = there(transactions, transactionId)
    const { failure, id } = transaction
    return transactionMember(
      transaction,
      failure === null ? undefined : refusalProblem(failure, id),
      { index, replayed },
    )
  })
  return acceptedBatchJson(batch, items)
}

/** Why a member was refused at once. What its key was used for is no refusal of the ledger. */
function storedProblem(stored: StoredProblem | null): Problem {
  if (stored === null) throw new Error('a member of a batch has neither transaction nor problem')
  const { code, details } = stored
  return code === 'idempotency_key_reused'
    ? new Problem(code, { details })
    : refusalProblem({ code, details } as Refusal, undefined)
}

function memberJson(
  batch: CommandBatch,
  outcome: MemberOutcome,
  index: number,
  known: Transactions,
): MemberJson {
  switch (outcome.kind) {
    case 'written':
      return endedMember(outcome.transaction, index, false)
    case 'standing':
      return endedMember(there(known, outcome.transactionId), index, outcome.replayed)
    case 'refused':
      return problemMember(refusalProblem(outcome.refusal, undefined), index, 'failed')
    case 'key_reused':
    case 'key_reused_by_change':
      return problemMember(keyReusedProblem(batch, outcome, index, known), index, 'failed')
    case 'aborted': {
      const { culprit } = outcome
      return problemMember(new Problem('batch_aborted', { details: { culprit } }), index, 'aborted')
    }
    case 'broken':
      return problemMember(new Problem('internal_error'), index, 'failed')
    case 'hold_changed':
    case 'change_standing':
      throw new Error('a batch has no changes of holds')
  }
}

/** The problem of a member whose key was used for something else: before, or by a member before it that is undone. */
function keyReusedProblem(
  { commands }: CommandBatch,
  outcome: Extract<MemberOutcome, { kind: 'key_reused' | 'key_reused_by_change' }>,
  index: number,
  known: Transactions,
): Problem {
  const command = commands[index]
  if (command === undefined) throw new Error('a batch has more outcomes than members')
  if (outcome.kind === 'key_reused_by_change') {
    const { wish, holdId } = outcome.change
    return keyReused(command, contentOfChange(wish), holdId)
  }
  const { transactionId } = outcome
  const undone = known.has(transactionId)
    ? undefined
    : commands.find((other) => other.transactionId === transactionId)
  return undone === undefined
    ? keyReused(command, contentOf(there(known, transactionId)), transactionId)
    : keyReused(command, undone, undefined)
}

/** A member of a batch that is posted at once: one that was canceled before is as good as refused. */
function endedMember(transaction: TransactionRecord, index: number, replayed: boolean): MemberJson {
  const { id, status, failure } = transaction
  const canceled = status === 'canceled' ? endedProblem(transaction) : undefined
  const problem = failure === null ? canceled : refusalProblem(failure, id)
  return transactionMember(transaction, problem, { index, replayed })
}

/** A member by its transaction: with that, or with the problem that it is answered with. */
function transactionMember(
  transaction: TransactionRecord,
  problem: Problem | undefined,
  { index, replayed }: { readonly index: number; readonly replayed: boolean },
): MemberJson {
  const { status } = transaction
  if (problem !== undefined) {
    const member = problemMember(problem, index, status)
    return replayed ? { ...member, replayed: true } : member
  }
  return replayed
    ? { index, status, replayed: true, transaction: transactionJson(transaction) }
    : { index, status, transaction: transactionJson(transaction) }
}

/** A member that is not done. The places that its problem names are those in the body of the batch. */
function problemMember(problem: Problem, index: number, status: MemberStatus): MemberJson {
  const { code, content } = problem
  const errors = content.errors?.map(({ pointer, detail }) => ({
    pointer: memberPointer(index, pointer),
    detail,
  }))
  const placed: ProblemContent = errors === undefined ? content : { ...content, errors }
  return {
    index,
    status,
    problem: problemJson(new Problem(code, placed), instance) as NonNullable<MemberJson['problem']>,
  }
}

function there(known: Transactions, id: string): TransactionRecord {
  const transaction = known.get(id)
  if (transaction === undefined) throw new Error('a transaction that stands cannot be read')
  return transaction
}
