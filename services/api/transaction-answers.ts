import type { FastifyReply, FastifyRequest } from 'fastify'
import type { HoldChangeRecord } from '../../shared/engine/hold-change-record.ts'
import { isHoldCommand, type Command, type PostOutcome } from '../../shared/engine/post-command.ts'
import type { QueueStanding } from '../../shared/engine/queue-store.ts'
import type { TransactionRecord } from '../../shared/engine/transaction-record.ts'
import type { Refusal } from '../../shared/ledger/refusal.ts'
import {
  contentOfChange,
  differingFields,
  type TransactionContent,
} from '../../shared/wire/fingerprint.ts'
import { Problem, problems } from '../../shared/wire/problems.ts'
import { contentOf, refusalPointer, transactionJson } from '../../shared/wire/transaction-json.ts'
import { sendProblem } from './answer-problems.ts'
import type { ApiContext } from './context.ts'

/** Answers with transactions: the same transaction is answered the same way, whoever asks and however it came about. */
export class TransactionAnswers {
  readonly #context: ApiContext

  constructor(context: ApiContext) {
    this.#context = context
  }

  /** Answers a POST by its outcome. */
  async outcome(
    request: FastifyRequest,
    reply: FastifyReply,
    command: Command,
    outcome: PostOutcome,
  ): Promise<FastifyReply> {
    switch (outcome.kind) {
      case 'written':
        if (outcome.transaction.failure !== null) {
          this.#context.metrics.refused(outcome.transaction.failure.code)
        }
        return this.#stands(
          request,
          reply,
          outcome.transaction,
          this.#justQueued(outcome.transaction),
        )
      case 'refused':
        this.#context.metrics.refused(outcome.refusal.code)
        return sendProblem(request, reply, refusalProblem(outcome.refusal, undefined))
      case 'standing': {
        if (outcome.replayed) void reply.header('idempotency-replayed', 'true')
        const standing = await this.read(command.ledgerId, outcome.transactionId)
        return this.standsNow(request, reply, standing)
      }
      case 'key_reused': {
        const owner = await this.read(command.ledgerId, outcome.transactionId)
        throw keyReused(command, contentOf(owner), owner.id)
      }
      case 'key_reused_by_change': {
        const { wish, holdId } = outcome.change
        throw keyReused(command, contentOfChange(wish), holdId)
      }
      case 'hold_changed':
        return reply.send(transactionJson(outcome.hold))
      case 'change_standing':
        if (outcome.replayed) void reply.header('idempotency-replayed', 'true')
        return this.#changeStands(request, reply, outcome.change)
    }
  }

  async #changeStands(
    request: FastifyRequest,
    reply: FastifyReply,
    change: HoldChangeRecord,
  ): Promise<FastifyReply> {
    const { failure, holdId } = change
    return failure === null
      ? reply.send(transactionJson(await this.read(request.ledgerId, holdId)))
      : sendProblem(request, reply, refusalProblem(failure, undefined))
  }

  /** Answers a POST with a transaction that was there before, its place in the queue counted now. */
  async standsNow(
    request: FastifyRequest,
    reply: FastifyReply,
    transaction: TransactionRecord,
  ): Promise<FastifyReply> {
    const { ledgerId, place, status, id } = transaction
    if (status !== 'queued' || place === null) return this.#stands(request, reply, transaction)
    const standing = await this.#context.store.queueStanding(ledgerId, place)
    // It has ended between the two reads.
    if (standing === undefined) return this.#stands(request, reply, await this.read(ledgerId, id))
    return this.#stands(request, reply, transaction, standing)
  }

  /** Answers with a transaction as it stands: 201 posted, 202 queued, the problem of a refusal or a cancel. */
  #stands(
    request: FastifyRequest,
    reply: FastifyReply,
    transaction: TransactionRecord,
    standing?: QueueStanding,
  ): FastifyReply {
    if (transaction.failure !== null) {
      return sendProblem(request, reply, refusalProblem(transaction.failure, transaction.id))
    }
    if (transaction.status === 'canceled') throw endedProblem(transaction)
    return reply
      .code(transaction.status === 'queued' ? 202 : 201)
      .header('location', `/api/v1/transactions/${transaction.id}`)
      .send(transactionJson(transaction, standing))
  }

  /** Reads a transaction that must be there. */
  async read(ledgerId: number, id: string): Promise<TransactionRecord> {
    const transaction = await this.#context.store.findTransaction(ledgerId, id)
    if (transaction === undefined) throw new Error('a transaction that stands cannot be read')
    return transaction
  }

  /** Writes a transaction with its place in the queue, counted now. One round trip more while it is queued. */
  async withPlace(transaction: TransactionRecord): Promise<unknown> {
    const { ledgerId, place, status, id } = transaction
    if (status !== 'queued' || place === null) return transactionJson(transaction)
    const standing = await this.#context.store.queueStanding(ledgerId, place)
    // It has ended between the two reads.
    if (standing === undefined) return transactionJson(await this.read(ledgerId, id))
    return transactionJson(transaction, standing)
  }

  /** The place of a transaction that was queued a moment ago, without asking the database. */
  #justQueued(transaction: TransactionRecord): QueueStanding | undefined {
    const { place, createdAt } = transaction
    if (transaction.status !== 'queued' || place === null) return undefined
    return {
      ahead: this.#context.monitor.aheadOf(transaction),
      enqueuedAt: createdAt,
      attempts: 0,
      lastError: null,
      parkedAt: null,
      parkedReason: null,
      batchId: null,
    }
  }
}

/** The problem of asking something of a transaction that has ended: it says how. */
export function endedProblem(transaction: TransactionRecord): Problem {
  const codes = {
    held: 'already_held',
    captured: 'hold_already_captured',
    voided: 'hold_already_voided',
    expired: 'hold_expired',
    posted: 'already_posted',
    failed: 'already_failed',
    canceled: 'already_canceled',
    queued: 'not_parked',
  } as const
  return new Problem(codes[transaction.status], { details: { transaction_id: transaction.id } })
}

/** The problem of a key that was used for something else: it says what differs from that. */
export function keyReused(
  command: Command,
  owner: TransactionContent,
  transactionId: string | undefined,
): Problem {
  return new Problem('idempotency_key_reused', {
    detail: 'The key belongs to a transaction with another body. Use a new key for a new payment.',
    details: {
      differing_fields: differingFields(contentOfCommand(command), owner),
      ...(transactionId === undefined ? {} : { transaction_id: transactionId }),
    },
  })
}

function contentOfCommand(command: Command): TransactionContent {
  if (!isHoldCommand(command)) return command
  const { wish } = command
  if (wish.kind === 'expire') throw new Error('the end of a hold has no key')
  return contentOfChange(wish)
}

/** A refusal as an answer; the one that was stored names its transaction, so that a replay says the same. */
export function refusalProblem(refusal: Refusal, transactionId: string | undefined): Problem {
  const pointer = refusalPointer(refusal)
  const detail = problems[refusal.code].title
  return new Problem(refusal.code, {
    ...(pointer === undefined ? {} : { errors: [{ pointer, detail }] }),
    details: {
      ...refusal.details,
      ...(transactionId === undefined ? {} : { transaction_id: transactionId }),
    },
  })
}
