import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import type { EndOutcome } from '../../../shared/engine/queue-store.ts'
import type { TransactionRecord } from '../../../shared/engine/transaction-record.ts'
import { uuid } from '../../../shared/wire/fields.ts'
import { pageJson, pageKey, pageParameters } from '../../../shared/wire/paging.ts'
import { Problem, type ProblemCode } from '../../../shared/wire/problems.ts'
import { queueJson, queueJsonSchema, refuseRequest } from '../../../shared/wire/queue-json.ts'
import { transactionJsonSchema } from '../../../shared/wire/transaction-json.ts'
import { witnessOf } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { cursorScope } from '../cursor-scope.ts'
import { answers, none, pageOf } from '../operation.ts'
import { endedProblem, TransactionAnswers } from '../transaction-answers.ts'

const idPath = z.strictObject({ id: uuid })
const noBody = z.strictObject({}).optional()
const parkedQuery = z.strictObject(pageParameters)

/** Parked transactions that the overview shows. */
const parkedShownMax = 50

const endProblems: readonly ProblemCode[] = [
  'invalid_request',
  'malformed_json',
  'unsupported_media_type',
  'not_found',
  'already_posted',
  'already_failed',
  'already_canceled',
  'already_held',
  'hold_already_captured',
  'hold_already_voided',
  'hold_expired',
  'store_unavailable',
  'outcome_unknown',
]

/** The queue: what waits, what is parked, and ending what waits. */
export function queueRoutes(context: ApiContext): FastifyPluginAsync {
  const { store, monitor, queue } = context
  const reading = new TransactionAnswers(context)

  return async (server) => {
    server.post<{ Params: { id: string } }>(
      '/api/v1/transactions/:id/cancel',
      {
        schema: {
          operationId: 'cancelTransaction',
          tags: ['Queue'],
          summary: 'Cancel a queued transaction',
          description: 'Granted while nobody has posted it: one conditional update decides.',
          params: idPath,
          querystring: none,
          body: noBody,
          response: answers({ 200: ['It is canceled.', transactionJsonSchema] }, [
            ...endProblems,
            'in_atomic_batch',
          ]),
        },
      },
      async (request) => {
        const outcome = await store.cancel(request.ledgerId, request.params.id, witnessOf(request))
        const canceled = granted(outcome)
        queue.news.tell([canceled.id])
        // What waited behind it if it was parked may go on.
        ring(canceled)
        return reading.withPlace(canceled)
      },
    )

    server.post<{ Params: { id: string } }>(
      '/api/v1/transactions/:id/resume',
      {
        schema: {
          operationId: 'resumeTransaction',
          tags: ['Queue'],
          summary: 'Let a parked transaction be tried again',
          params: idPath,
          querystring: none,
          body: noBody,
          response: answers({ 200: ['It is queued again.', transactionJsonSchema] }, [
            ...endProblems,
            'not_parked',
          ]),
        },
      },
      async (request) => {
        const resumed = granted(
          await store.resume(request.ledgerId, request.params.id, witnessOf(request)),
        )
        ring(resumed)
        return reading.withPlace(resumed)
      },
    )

    server.post<{ Params: { id: string }; Body: z.output<typeof refuseRequest> }>(
      '/api/v1/transactions/:id/refuse',
      {
        schema: {
          operationId: 'refuseTransaction',
          tags: ['Queue'],
          summary: 'Refuse a parked transaction for good',
          params: idPath,
          querystring: none,
          body: refuseRequest,
          response: answers({ 200: ['It has failed.', transactionJsonSchema] }, [
            ...endProblems,
            'request_timeout',
            'body_too_large',
            'in_atomic_batch',
            'not_parked',
          ]),
        },
      },
      async (request) => {
        const { ledgerId, params } = request
        const { id } = params
        const refused = granted(
          await store.refuse(ledgerId, id, request.body.reason, witnessOf(request)),
        )
        queue.news.tell([id])
        ring(refused)
        return reading.withPlace(refused)
      },
    )

    server.get(
      '/api/v1/queue',
      {
        schema: {
          operationId: 'getQueue',
          tags: ['Queue'],
          summary: 'What waits, how old it is, and how fast it is drained',
          querystring: none,
          response: answers({ 200: ['The queue, counted about a second ago.', queueJsonSchema] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async ({ ledgerId }) => {
        const page = { before: undefined, size: parkedShownMax }
        const parked = await store.listParked(ledgerId, page)
        return {
          ...queueJson(monitor.reading, monitor.drainRate, context.queues, Date.now()),
          parked_transactions: await Promise.all(parked.map((row) => reading.withPlace(row))),
        }
      },
    )

    server.get<{ Querystring: z.output<typeof parkedQuery> }>(
      '/api/v1/queue/parked',
      {
        schema: {
          operationId: 'listParkedTransactions',
          tags: ['Queue'],
          summary: 'List parked transactions, newest first',
          querystring: parkedQuery,
          response: answers({ 200: ['One page.', pageOf('ParkedPage', transactionJsonSchema)] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async (request) => {
        const { limit, cursor } = request.query
        const scope = await cursorScope(store, request.ledgerId, 'parked', {})
        const page = { before: pageKey(scope, cursor), size: limit + 1 }
        const rows = await store.listParked(request.ledgerId, page)
        const { items, next_cursor } = pageJson(rows, limit, scope, {
          keyOf: (transaction) => transaction.id,
          json: (transaction) => reading.withPlace(transaction),
        })
        return { items: await Promise.all(items), next_cursor }
      },
    )
  }

  function granted(outcome: EndOutcome): TransactionRecord {
    switch (outcome.kind) {
      case 'ended':
        return outcome.transaction
      case 'standing':
        throw endedProblem(outcome.transaction)
      case 'in_batch':
        throw new Problem('in_atomic_batch', { details: { batch_id: outcome.batchId } })
      case 'not_found':
        throw new Problem('not_found')
    }
  }

  function ring({ ledgerId, place }: TransactionRecord): void {
    if (place !== null) queue.doorbell.ring([{ ledgerId, slot: place.slot }])
  }
}
