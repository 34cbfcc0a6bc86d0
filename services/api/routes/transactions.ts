import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { refusalCodes } from '../../../shared/ledger/refusal.ts'
import { uuid } from '../../../shared/wire/fields.ts'
import { pageJson, pageKey } from '../../../shared/wire/paging.ts'
import { Problem, type ProblemCode } from '../../../shared/wire/problems.ts'
import {
  transactionJson,
  transactionJsonSchema,
  transactionQuery,
  transactionRequest,
  type TransactionRequest,
} from '../../../shared/wire/transaction-json.ts'
import { defaultLedgerId, type ApiContext } from '../context.ts'
import { cursorScope } from '../cursor-scope.ts'
import { answers, pageOf } from '../operation.ts'
import { TransactionAnswers } from '../transaction-answers.ts'
import { TransactionIntake } from '../transaction-intake.ts'
import { waitSMax } from '../waiting.ts'

const idPath = z.strictObject({ id: uuid })

const postQuery = z.strictObject({
  mode: z
    .enum(['sync', 'async'])
    .optional()
    .meta({ description: 'Post now (201), or accept now and post soon (202).' }),
})

const waitQuery = z.strictObject({
  wait: z
    .string()
    .regex(/^(?:[0-9]|[12][0-9]|30)$/, `must be a whole number from 0 to ${waitSMax}`)
    .transform(Number)
    .optional()
    .meta({
      description: 'Seconds to wait for a queued transaction to end, 0 to 30.',
      example: '10',
    }),
})

const postHeaders = z.looseObject({
  'Idempotency-Key': z.string().optional().meta({
    description: 'The same as `idempotency_key` in the body. RFC 8941 quotes are taken off.',
    example: '"7f1c6c0e-order-4711"',
  }),
  Prefer: z.string().optional().meta({
    description: '`respond-async`, `wait=N` (seconds, with async). RFC 7240.',
    example: 'respond-async, wait=5',
  }),
})

const postProblems: readonly ProblemCode[] = [
  'invalid_request',
  'malformed_json',
  'request_timeout',
  'already_canceled',
  'body_too_large',
  'unsupported_media_type',
  'idempotency_key_reused',
  ...refusalCodes,
  'store_unavailable',
  'outcome_unknown',
  'queue_full',
  'overloaded',
]

/** Posting transactions and reading them back. */
export function transactionRoutes(context: ApiContext): FastifyPluginAsync {
  const { store } = context
  const intake = new TransactionIntake(context)
  const reading = new TransactionAnswers(context)

  return async (server) => {
    server.post<{ Body: TransactionRequest; Querystring: z.output<typeof postQuery> }>(
      '/api/v1/transactions',
      {
        schema: {
          operationId: 'postTransaction',
          tags: ['Transactions'],
          summary: 'Post a transaction',
          description:
            'Moves money: a balanced set of entries, all or nothing. With an idempotency key the same request may ' +
            'be repeated for ever and is answered with the same transaction. With `mode=async` it is accepted for ' +
            'good at once and posted in the order of its ordering key.',
          body: transactionRequest,
          querystring: postQuery,
          headers: postHeaders,
          response: answers(
            {
              201: [
                'The money has moved. A replay has `Idempotency-Replayed: true`.',
                transactionJsonSchema,
              ],
              202: ['Accepted: it will be posted or refused.', transactionJsonSchema],
            },
            postProblems,
          ),
        },
      },
      async (request, reply) => {
        const { mode, waitMs } = intake.mode(request, reply)
        const command = await intake.command(request)
        const outcome = await intake.take(command, mode)
        if (outcome.kind === 'written' && waitMs > 0) {
          const transaction = await intake.wait(outcome.transaction, waitMs)
          return reading.standsNow(request, reply, transaction)
        }
        if (outcome.kind === 'standing' && waitMs > 0) {
          // Who repeats a request whose answer was lost wishes to wait as before.
          await intake.wait(await reading.read(outcome.transactionId), waitMs)
        }
        return reading.outcome(request, reply, command, outcome)
      },
    )

    server.get<{ Params: { id: string }; Querystring: z.output<typeof waitQuery> }>(
      '/api/v1/transactions/:id',
      {
        schema: {
          operationId: 'getTransaction',
          tags: ['Transactions'],
          summary: 'Read a transaction, or wait for it to end',
          params: idPath,
          querystring: waitQuery,
          response: answers({ 200: ['The transaction as it stands now.', transactionJsonSchema] }, [
            'invalid_request',
            'not_found',
            'store_unavailable',
          ]),
        },
      },
      async (request) => {
        const found = await store.findTransaction(defaultLedgerId, request.params.id)
        if (found === undefined) throw new Problem('not_found')
        const waitMs = (request.query.wait ?? 0) * 1000
        return reading.withPlace(await intake.wait(found, waitMs))
      },
    )

    server.get<{ Querystring: z.output<typeof transactionQuery> }>(
      '/api/v1/transactions',
      {
        schema: {
          operationId: 'listTransactions',
          tags: ['Transactions'],
          summary: 'List transactions, newest first',
          querystring: transactionQuery,
          response: answers(
            { 200: ['One page.', pageOf('TransactionPage', transactionJsonSchema)] },
            ['invalid_request', 'store_unavailable'],
          ),
        },
      },
      async (request) => {
        const { limit, cursor, status, account_id: accountId, reference } = request.query
        const filter = { status, accountId, reference }
        const scope = await cursorScope(store, defaultLedgerId, 'transactions', filter)
        const page = { before: pageKey(scope, cursor), size: limit + 1 }
        const rows = await store.listTransactions(defaultLedgerId, filter, page)
        return pageJson(rows, limit, scope, {
          keyOf: (transaction) => transaction.id,
          json: (transaction) => transactionJson(transaction),
        })
      },
    )
  }
}
