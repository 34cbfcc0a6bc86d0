import type { FastifyPluginAsync } from 'fastify'
import type { ProblemCode } from '../../../shared/wire/problems.ts'
import {
  batchJsonSchema,
  batchKeyFault,
  batchRequest,
  commandBatch,
  currencyCodesOfBatch,
  type BatchRequest,
} from '../../../shared/wire/batch-json.ts'
import { BatchAnswers } from '../batch-answers.ts'
import { defaultLedgerId, type ApiContext } from '../context.ts'
import { answers, none } from '../operation.ts'
import { batchKeyHeaders, keyedProblems } from '../posting-request.ts'
import { TransactionIntake } from '../transaction-intake.ts'

/** The largest body of a batch: a thousand members of two entries with keys, references and metadata are about 0.7 MB. */
const bodyBytesMax = 4 * 1024 * 1024

const batchProblems: readonly ProblemCode[] = [
  ...keyedProblems.filter((code) => code !== 'idempotency_key_reused'),
  'batch_failed',
]

/** Posting several transactions together. */
export function batchRoutes(context: ApiContext): FastifyPluginAsync {
  const intake = new TransactionIntake(context)
  const answering = new BatchAnswers(context)

  return async (server) => {
    server.post<{ Body: BatchRequest }>(
      '/api/v1/transactions/batch',
      {
        bodyLimit: bodyBytesMax,
        schema: {
          operationId: 'postBatch',
          tags: ['Transactions'],
          summary: 'Post up to 1,000 transactions together',
          description:
            'One database transaction for all of them; later ones see the effect of earlier ones. An atomic batch is all or nothing: ' +
            'when one of it is refused, that one is answered with its own problem, the others with `batch_aborted`, and no key is ' +
            'used up. Of an independent one each is answered for itself. Each may have its own `idempotency_key`; one whose ' +
            'key is known is answered as it stands, with `replayed`, and counts as that. With the header `Idempotency-Key` each member that has no key ' +
            'gets `<header>/<index>`, so that the batch may be repeated; when all of it was replayed the answer has ' +
            '`Idempotency-Replayed: true`. At most 10,000 entries together.',
          body: batchRequest,
          querystring: none,
          headers: batchKeyHeaders,
          response: answers(
            {
              200: ['Independent, and some are not posted.', batchJsonSchema],
              201: ['All are posted, or held.', batchJsonSchema],
            },
            batchProblems,
          ),
        },
      },
      async (request, reply) => {
        const key = intake.headerKey(request)
        const fault = batchKeyFault(key)
        if (fault !== undefined) throw fault
        const known = await intake.currencies(currencyCodesOfBatch(request.body))
        const batch = commandBatch(request.body, key, defaultLedgerId, known)
        return answering.outcome(request, reply, batch, await context.batchPosting.post(batch))
      },
    )
  }
}
