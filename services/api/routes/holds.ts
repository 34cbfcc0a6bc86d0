import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import {
  witnessed,
  type HoldCommand,
  type PostOutcome,
} from '../../../shared/engine/post-command.ts'
import { traced } from '../../../shared/engine/traced.ts'
import type { ProblemCode } from '../../../shared/wire/problems.ts'
import {
  captureCommand,
  captureRequest,
  extendCommand,
  extendRequest,
  partCurrencyCodesOf,
  voidCommand,
  voidRequest,
  type CaptureRequest,
  type ExtendRequest,
  type VoidRequest,
} from '../../../shared/wire/target-request.ts'
import { transactionJsonSchema } from '../../../shared/wire/transaction-json.ts'
import { witnessOf } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { none, answers } from '../operation.ts'
import {
  idPath,
  keyedProblems,
  keyHeaders,
  postAndAnswer,
  postHeaders,
  postingProblems,
  postQuery,
  type PostQuery,
} from '../posting-request.ts'
import { TransactionAnswers } from '../transaction-answers.ts'
import { TransactionIntake } from '../transaction-intake.ts'

/** Why a hold can no longer be asked for anything. */
const endedProblems: readonly ProblemCode[] = [
  'not_found',
  'not_a_hold',
  'hold_already_captured',
  'hold_already_voided',
  'hold_expired',
]

/** Capturing, voiding and extending holds. They are placed as transactions are posted. */
export function holdRoutes(context: ApiContext): FastifyPluginAsync {
  const intake = new TransactionIntake(context)
  const reading = new TransactionAnswers(context)

  return async (server) => {
    server.post<{ Params: { id: string }; Body: CaptureRequest; Querystring: PostQuery }>(
      '/api/v1/transactions/:id/capture',
      {
        schema: {
          operationId: 'captureHold',
          tags: ['Holds'],
          summary: 'Capture a hold, or a part of it',
          description:
            'Moves money that was set aside, as a transaction of its own. It cannot fail for funds. What is left is released, ' +
            'unless `final` is false. In asynchronous mode it is posted behind its hold.',
          params: idPath,
          querystring: postQuery,
          headers: postHeaders,
          body: captureRequest,
          response: answers(
            {
              201: [
                'The money has moved. A replay has `Idempotency-Replayed: true`.',
                transactionJsonSchema,
              ],
              202: ['Accepted: it will be posted or refused.', transactionJsonSchema],
            },
            [
              ...postingProblems,
              ...endedProblems,
              'currency_unknown',
              'amount_not_positive',
              'amount_scale',
              'amount_too_large',
              'amount_ambiguous',
              'unbalanced',
              'single_account',
              'hold_exceeded',
              'account_not_active',
              'refused_by_operator',
            ],
          ),
        },
      },
      async (request, reply) => {
        const key = intake.key(request)
        const hold = await intake.target(request.ledgerId, request.params.id)
        const known = await intake.currencies(
          request.ledgerId,
          partCurrencyCodesOf(hold, request.body),
        )
        const command = captureCommand(hold, request.body, key, known)
        return postAndAnswer(request, reply, command, { intake, reading })
      },
    )

    server.post<{ Params: { id: string }; Body: VoidRequest }>(
      '/api/v1/transactions/:id/void',
      {
        schema: {
          operationId: 'voidHold',
          tags: ['Holds'],
          summary: 'Void a hold: what remains of it is free again',
          params: idPath,
          querystring: none,
          headers: keyHeaders,
          body: voidRequest,
          response: answers({ 200: ['The hold, as it stands.', transactionJsonSchema] }, [
            ...keyedProblems,
            ...endedProblems,
          ]),
        },
      },
      async (request, reply) => {
        const key = intake.key(request)
        const command = voidCommand(await intake.target(request.ledgerId, request.params.id), key)
        return reading.outcome(request, reply, command, await change(request, command))
      },
    )

    server.post<{ Params: { id: string }; Body: ExtendRequest }>(
      '/api/v1/transactions/:id/extend',
      {
        schema: {
          operationId: 'extendHold',
          tags: ['Holds'],
          summary: 'Give a hold another end, counted from now',
          params: idPath,
          querystring: none,
          headers: keyHeaders,
          body: extendRequest,
          response: answers({ 200: ['The hold, as it stands.', transactionJsonSchema] }, [
            ...keyedProblems,
            ...endedProblems,
            'expiry_out_of_range',
          ]),
        },
      },
      async (request, reply) => {
        const key = intake.key(request)
        const command = extendCommand(
          await intake.target(request.ledgerId, request.params.id),
          request.body,
          key,
        )
        return reading.outcome(request, reply, command, await change(request, command))
      },
    )
  }

  function change(request: FastifyRequest, command: HoldCommand): Promise<PostOutcome> {
    const known = traced(command, request.traceparent)
    return context.posting.post(witnessed(known, witnessOf(request)))
  }
}
