import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { witnessed, type PostCommand } from '../../shared/engine/post-command.ts'
import type { Rehearsal } from '../../shared/engine/rehearsal.ts'
import { traced } from '../../shared/engine/traced.ts'
import { dryRunJson } from '../../shared/wire/dry-run-json.ts'
import { uuid } from '../../shared/wire/fields.ts'
import { invalidParts } from '../../shared/wire/invalid-request.ts'
import type { ProblemCode } from '../../shared/wire/problems.ts'
import { witnessOf } from './audit/witness.ts'
import { sendProblem } from './answer-problems.ts'
import { refusalProblem, type TransactionAnswers } from './transaction-answers.ts'
import { waitSMax } from './waiting.ts'
import type { TransactionIntake } from './transaction-intake.ts'

/** The path of what is asked of one transaction. */
export const idPath = z.strictObject({ id: uuid })

/** The query of every request that makes a transaction. */
export const postQuery = z.strictObject({
  mode: z
    .enum(['sync', 'async'])
    .optional()
    .meta({ description: 'Post now (201), or accept now and post soon (202).' }),
})
export type PostQuery = z.output<typeof postQuery>

/** The query of the request that posts entries of its own, which may also only be tried. */
export const transactionPostQuery = postQuery.extend({
  dry_run: z
    .enum(['true', 'false'])
    .optional()
    .meta({ description: 'With `true` nothing is written: the answer says what would be.' }),
})
export type TransactionPostQuery = z.output<typeof transactionPostQuery>

/** The query of reading something that may still be queued. */
export const waitQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^(?:[0-9]|[12][0-9]|30)$/, `must be a whole number from 0 to ${waitSMax}`)
    .transform(Number)
    .optional()
    .meta({
      description: 'Seconds to wait for what is queued to end, 0 to 30.',
      example: '10',
    }),
})
export type WaitQuery = z.output<typeof waitQuery>

/** The header under which a request may be repeated. */
export const keyHeaders = z.looseObject({
  'Idempotency-Key': z.string().optional().meta({
    description: 'The same as `idempotency_key` in the body. RFC 8941 quotes are taken off.',
    example: '"7f1c6c0e-order-4711"',
  }),
})

const preferHeader = z.string().optional().meta({
  description: '`respond-async`, `wait=N` (seconds, with async). RFC 7240.',
  example: 'respond-async, wait=5',
})

/** The headers of a batch. */
export const batchHeaders = z.looseObject({
  Prefer: preferHeader,
  'Idempotency-Key': z.string().optional().meta({
    description:
      'Each member without a key of its own gets `<this>/<index>`. RFC 8941 quotes are taken off; up to 251 characters.',
    example: '"payroll-2026-01"',
  }),
})

/** The headers of every request that makes a transaction. */
export const postHeaders = keyHeaders.extend({ Prefer: preferHeader })

/** What a request with a body and a key may be answered with, before it is judged on its merits. */
export const keyedProblems: readonly ProblemCode[] = [
  'invalid_request',
  'malformed_json',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
  'idempotency_key_reused',
  'store_unavailable',
  'outcome_unknown',
  'overloaded',
]

/** The same of one that makes a transaction, which may be queued. */
export const postingProblems: readonly ProblemCode[] = [
  ...keyedProblems,
  'already_canceled',
  'queue_full',
]

/**
 * Answers what posting a command would come to: 200 with the transaction as it would be, or the refusal it would get. A key that is
 * known is answered as its replay would be.
 */
export async function rehearseAndAnswer(
  request: FastifyRequest<{ Querystring: PostQuery }>,
  reply: FastifyReply,
  command: PostCommand,
  { rehearsal, reading }: { rehearsal: Rehearsal; reading: TransactionAnswers },
): Promise<FastifyReply> {
  if (request.query.mode === 'async') {
    throw invalidParts([{ pointer: 'query/dry_run', detail: 'must not come with mode=async' }])
  }
  request.isWitnessed = true
  const { outcome, accounts } = await rehearsal.rehearse(command)
  if (outcome.kind !== 'written') return reading.outcome(request, reply, command, outcome)
  const { failure } = outcome.transaction
  return failure === null
    ? reply.send(dryRunJson(outcome.transaction, accounts))
    : sendProblem(request, reply, refusalProblem(failure, undefined))
}

/** What is recorded of a request that makes something. */
const made = { status: 201 }

/** Has a command posted or queued as its request wishes, waits where it asked for that, and answers it. */
export async function postAndAnswer(
  request: FastifyRequest<{ Querystring: PostQuery }>,
  reply: FastifyReply,
  command: PostCommand,
  {
    intake,
    reading,
    action,
  }: { intake: TransactionIntake; reading: TransactionAnswers; action?: string },
): Promise<FastifyReply> {
  const { mode, waitMs } = intake.mode(request, reply)
  const witness = witnessOf(request, action === undefined ? made : { ...made, action })
  const outcome = await intake.take(witnessed(traced(command, request.traceparent), witness), mode)
  if (outcome.kind === 'written' && waitMs > 0) {
    const transaction = await intake.wait(outcome.transaction, waitMs)
    return reading.standsNow(request, reply, transaction)
  }
  if (outcome.kind === 'standing' && waitMs > 0) {
    // Who repeats a request whose answer was lost wishes to wait as before.
    await intake.wait(await reading.read(command.ledgerId, outcome.transactionId), waitMs)
  }
  return reading.outcome(request, reply, command, outcome)
}
