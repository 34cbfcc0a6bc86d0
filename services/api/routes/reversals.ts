import type { FastifyPluginAsync } from 'fastify'
import {
  partCurrencyCodesOf,
  reversalCommand,
  reversalRequest,
  type ReversalRequest,
} from '../../../shared/wire/target-request.ts'
import { transactionJsonSchema } from '../../../shared/wire/transaction-json.ts'
import type { ApiContext } from '../context.ts'
import { answers } from '../operation.ts'
import {
  idPath,
  postAndAnswer,
  postHeaders,
  postingProblems,
  postQuery,
  type PostQuery,
} from '../posting-request.ts'
import { TransactionAnswers } from '../transaction-answers.ts'
import { TransactionIntake } from '../transaction-intake.ts'

/** Reversing posted transactions. */
export function reversalRoutes(context: ApiContext): FastifyPluginAsync {
  const intake = new TransactionIntake(context)
  const reading = new TransactionAnswers(context)

  return async (server) => {
    server.post<{ Params: { id: string }; Body: ReversalRequest; Querystring: PostQuery }>(
      '/api/v1/transactions/:id/reversals',
      {
        schema: {
          operationId: 'reverseTransaction',
          tags: ['Transactions'],
          summary: 'Reverse a posted transaction, or a part of it',
          description:
            'Moves back what a transaction has moved, as a linked transaction of its own with the sides swapped. May be repeated ' +
            'until nothing remains; `entries`, where they are given, are those of the reversal. Limits and the states of ' +
            'accounts apply as to any other transaction.',
          params: idPath,
          querystring: postQuery,
          headers: postHeaders,
          body: reversalRequest,
          response: answers(
            {
              201: [
                'The money has moved back. A replay has `Idempotency-Replayed: true`.',
                transactionJsonSchema,
              ],
              202: ['Accepted: it will be posted or refused.', transactionJsonSchema],
            },
            [
              ...postingProblems,
              'not_found',
              'not_reversible',
              'already_reversed',
              'currency_unknown',
              'amount_not_positive',
              'amount_scale',
              'amount_too_large',
              'amount_ambiguous',
              'unbalanced',
              'single_account',
              'reversal_exceeds_remaining',
              'account_not_active',
              'insufficient_funds',
              'refused_by_operator',
            ],
          ),
        },
      },
      async (request, reply) => {
        const key = intake.key(request)
        const original = await intake.target(request.ledgerId, request.params.id)
        const known = await intake.currencies(
          request.ledgerId,
          partCurrencyCodesOf(original, request.body),
        )
        const command = reversalCommand(original, request.body, key, known)
        return postAndAnswer(request, reply, command, { intake, reading })
      },
    )
  }
}
