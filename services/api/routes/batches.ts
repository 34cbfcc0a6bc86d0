import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { CommandBatch } from '../../../shared/engine/command-batch.ts'
import { traced } from '../../../shared/engine/traced.ts'
import type { ProblemCode } from '../../../shared/wire/problems.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import {
  acceptedBatchJsonSchema,
  batchJsonSchema,
  batchKeyFault,
  batchRequest,
  commandBatch,
  currencyCodesOfBatch,
  type BatchRequest,
} from '../../../shared/wire/batch-json.ts'
import { BatchAnswers, standingBatchJson } from '../batch-answers.ts'
import { BatchIntake } from '../batch-intake.ts'
import { demand } from '../access/admit-requests.ts'
import { overridingAction, witnessOf } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { answers, none } from '../operation.ts'
import {
  batchHeaders,
  idPath,
  keyedProblems,
  postQuery,
  waitQuery,
  type PostQuery,
  type WaitQuery,
} from '../posting-request.ts'
import { TransactionIntake } from '../transaction-intake.ts'

/** The largest body of a batch: a thousand members of two entries with keys, references and metadata are about 2 MB. */
const bodyBytesMax = 4 * 1024 * 1024

const batchProblems: readonly ProblemCode[] = [
  ...keyedProblems.filter((code) => code !== 'idempotency_key_reused'),
  'batch_failed',
  'queue_full',
]

const noBody = z.strictObject({}).optional()

/** What a batch that needs no waiting for, or has ended, is answered with. */
const doneJsonSchema = z.union([batchJsonSchema, acceptedBatchJsonSchema]).meta({
  examples: [batchJsonSchema.meta()?.examples, acceptedBatchJsonSchema.meta()?.examples].flat(),
})

/** Posting several transactions together. */
export function batchRoutes(context: ApiContext): FastifyPluginAsync {
  const { store, queue, batchPosting } = context
  const intake = new TransactionIntake(context)
  const taking = new BatchIntake(context)
  const answering = new BatchAnswers(context)

  return async (server) => {
    server.post<{ Body: BatchRequest; Querystring: PostQuery }>(
      '/api/v1/transactions/batch',
      {
        bodyLimit: bodyBytesMax,
        schema: {
          operationId: 'postBatch',
          tags: ['Batches'],
          summary: 'Post up to 1,000 transactions together',
          description:
            'One database transaction for all of them; later ones see the effect of earlier ones. An atomic batch is all or nothing: ' +
            'when one of it is refused, that one is answered with its own problem, the others with `batch_aborted`, and no key is ' +
            'used up. Of an independent one each is answered for itself. Each may have its own `idempotency_key`; one whose ' +
            'key is known is answered as it stands, with `replayed`, and counts as that. With the header `Idempotency-Key` each member that has no key ' +
            'gets `<header>/<index>`, so that the batch may be repeated; when all of it was replayed the answer has ' +
            '`Idempotency-Replayed: true`. At most 10,000 entries together.\n\n' +
            'With `mode=async` the batch is accepted for good at once. An atomic one has one place in the queue, by the ordering key of ' +
            'its first member, and all of it ends together: when one is refused then, the others fail with `batch_aborted`. Of an ' +
            'independent one each member has its own place. What is refused whatever the accounts say is refused at once.',
          body: batchRequest,
          querystring: postQuery,
          headers: batchHeaders,
          response: answers(
            {
              200: [
                'Independent, and some are not posted. With `mode=async`: the batch has ended.',
                doneJsonSchema,
              ],
              201: ['All are posted, or held.', batchJsonSchema],
              202: ['Accepted: it will be posted or refused.', acceptedBatchJsonSchema],
            },
            batchProblems,
          ),
        },
      },
      async (request, reply) => {
        const isOverriding = request.body.transactions.some(({ override }) => override != null)
        if (isOverriding) demand(request, reply, 'operator')
        const key = intake.headerKey(request)
        const fault = batchKeyFault(key)
        if (fault !== undefined) throw fault
        const known = await intake.currencies(request.ledgerId, currencyCodesOfBatch(request.body))
        const parsed = commandBatch(request.body, key, request.ledgerId, known)
        const batch = {
          ...traced(parsed, request.traceparent),
          witness: witnessOf(request, {
            status: 201,
            ...(isOverriding ? { action: overridingAction } : {}),
          }),
        }
        const { mode, waitMs } = intake.mode(request, reply)
        return mode === 'sync'
          ? answering.outcome(request, reply, batch, await batchPosting.post(batch))
          : accept(request, reply, batch, waitMs)
      },
    )

    server.get<{ Params: { id: string }; Querystring: WaitQuery }>(
      '/api/v1/batches/:id',
      {
        schema: {
          operationId: 'getBatch',
          tags: ['Batches'],
          summary: 'Read a batch that was accepted, or wait for all of it to end',
          params: idPath,
          querystring: waitQuery,
          response: answers({ 200: ['The batch as it stands now.', acceptedBatchJsonSchema] }, [
            'invalid_request',
            'not_found',
            'store_unavailable',
          ]),
        },
      },
      async (request) => {
        const found = await taking.read(request.ledgerId, request.params.id)
        return standingBatchJson(await taking.wait(found, (request.query.wait ?? 0) * 1000))
      },
    )

    server.post<{ Params: { id: string } }>(
      '/api/v1/batches/:id/cancel',
      {
        schema: {
          operationId: 'cancelBatch',
          tags: ['Batches'],
          summary: 'Cancel what is still queued of a batch',
          description:
            'Of an atomic one all of it or nothing; of an independent one what nobody has posted by then.',
          params: idPath,
          querystring: none,
          body: noBody,
          response: answers({ 200: ['The batch as it stands now.', acceptedBatchJsonSchema] }, [
            'invalid_request',
            'malformed_json',
            'unsupported_media_type',
            'not_found',
            'batch_ended',
            'store_unavailable',
            'outcome_unknown',
          ]),
        },
      },
      async (request) => {
        const { batch } = await taking.read(request.ledgerId, request.params.id)
        const canceled = await store.cancelBatch(batch, witnessOf(request))
        if (canceled.length === 0) throw new Problem('batch_ended')
        queue.news.tell(canceled.map(({ id }) => id))
        // What waited behind them if they were parked may go on.
        const slots = new Set(canceled.flatMap(({ place }) => place?.slot ?? []))
        queue.doorbell.ring([...slots].map((slot) => ({ ledgerId: batch.ledgerId, slot })))
        return standingBatchJson(await taking.read(batch.ledgerId, batch.id))
      },
    )
  }

  /** Has a batch queued, waits for it where that was asked, and answers it as it stands. */
  async function accept(
    request: FastifyRequest,
    reply: FastifyReply,
    batch: CommandBatch,
    waitMs: number,
  ): Promise<FastifyReply> {
    const acceptance = await taking.accept(batch)
    switch (acceptance.kind) {
      case 'refused':
        return answering.outcome(request, reply, batch, acceptance.outcome)
      case 'standing': {
        if (acceptance.replayed) void reply.header('idempotency-replayed', 'true')
        const found = await taking.read(batch.ledgerId, acceptance.batchId)
        return answering.accepted(reply, await taking.wait(found, waitMs))
      }
      case 'accepted': {
        const { transactions } = acceptance
        const taken = await taking.withTransactions(acceptance.batch, transactions)
        return answering.accepted(reply, await taking.wait(taken, waitMs))
      }
    }
  }
}
