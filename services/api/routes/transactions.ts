import type { FastifyPluginAsync } from 'fastify'
import type { z } from 'zod'
import { refusalCodes } from '../../../shared/ledger/refusal.ts'
import { writeCursor } from '../../../shared/wire/cursor.ts'
import { dryRunJsonSchema } from '../../../shared/wire/dry-run-json.ts'
import { pageKey } from '../../../shared/wire/paging.ts'
import { Problem, type ProblemCode } from '../../../shared/wire/problems.ts'
import { transactionJson, transactionJsonSchema } from '../../../shared/wire/transaction-json.ts'
import {
  transactionQuery,
  transactionRequest,
  type TransactionRequest,
} from '../../../shared/wire/transaction-request.ts'
import { demand } from '../access/admit-requests.ts'
import { overridingAction } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { cursorScope } from '../cursor-scope.ts'
import { answers, pageOf } from '../operation.ts'
import {
  idPath,
  postAndAnswer,
  postHeaders,
  postingProblems,
  rehearseAndAnswer,
  transactionPostQuery,
  waitQuery,
  type TransactionPostQuery,
  type WaitQuery,
} from '../posting-request.ts'
import { TransactionAnswers } from '../transaction-answers.ts'
import { transactionFilterOf } from '../transaction-filter.ts'
import { TransactionIntake } from '../transaction-intake.ts'

const postProblems: readonly ProblemCode[] = [...postingProblems, ...refusalCodes]

/** Posting transactions and reading them back. */
export function transactionRoutes(context: ApiContext): FastifyPluginAsync {
  const { store, rehearsal } = context
  const intake = new TransactionIntake(context)
  const reading = new TransactionAnswers(context)
  const usual = { intake, reading }
  const overriding = { intake, reading, action: overridingAction }

  return async (server) => {
    server.post<{ Body: TransactionRequest; Querystring: TransactionPostQuery }>(
      '/api/v1/transactions',
      {
        schema: {
          operationId: 'postTransaction',
          tags: ['Transactions'],
          summary: 'Post a transaction, or hold its money',
          description:
            'Moves money: a balanced set of entries, all or nothing. With an idempotency key the same request may ' +
            'be repeated for ever and is answered with the same transaction. With `mode=async` it is accepted for ' +
            'good at once and posted in the order of its ordering key. With `hold` the money is set aside until it is ' +
            'captured, voided or expired; with `require` it is posted only if accounts are as they should be; with ' +
            '`override` an operator posts beyond limits. With `dry_run=true` nothing is written and no key used up: the answer is 200 with what would be, or the refusal it would ' +
            'get; a key that is known is answered as its replay would be.',
          body: transactionRequest,
          querystring: transactionPostQuery,
          headers: postHeaders,
          response: answers(
            {
              200: ['A dry run: the transaction as it would be.', dryRunJsonSchema],
              201: [
                'The money has moved, or is set aside. A replay has `Idempotency-Replayed: true`.',
                transactionJsonSchema,
              ],
              202: ['Accepted: it will be posted, held or refused.', transactionJsonSchema],
            },
            postProblems,
          ),
        },
      },
      async (request, reply) => {
        const isOverriding = request.body.override != null
        if (isOverriding) demand(request, reply, 'operator')
        const command = await intake.command(request)
        return request.query.dry_run === 'true'
          ? rehearseAndAnswer(request, reply, command, { rehearsal, reading })
          : postAndAnswer(request, reply, command, isOverriding ? overriding : usual)
      },
    )

    server.get<{ Params: { id: string }; Querystring: WaitQuery }>(
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
        const found = await store.findTransaction(request.ledgerId, request.params.id)
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
          description:
            'All filters must hold. Newest first by creation; with a range of time, and neither `reference` nor `metadata`, by ' +
            'that time. `_from` is inclusive, `_to` is not. A search that finds little gives what it has after 10,000 ' +
            'transactions: a page may be short, even empty, and have a `next_cursor` all the same.',
          querystring: transactionQuery,
          response: answers(
            { 200: ['One page.', pageOf('TransactionPage', transactionJsonSchema)] },
            ['invalid_request', 'store_unavailable'],
          ),
        },
      },
      async (request) => {
        const { limit, cursor } = request.query
        const filter = transactionFilterOf(request.query)
        const scope = await cursorScope(store, request.ledgerId, 'transactions', filter)
        const page = { after: pageKey(scope, cursor), size: limit }
        const found = await store.listTransactions(request.ledgerId, filter, page)
        return {
          items: found.transactions.map((transaction) => transactionJson(transaction)),
          next_cursor: found.next === undefined ? null : writeCursor(scope, found.next),
        }
      },
    )
  }
}
