import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { z } from 'zod'
import type { LedgerRecord } from '../../../shared/engine/ledger-record.ts'
import { timeJson } from '../../../shared/wire/fields.ts'
import { invalidParts } from '../../../shared/wire/invalid-request.ts'
import {
  ledgerChangeRequest,
  ledgerJson,
  ledgerJsonSchema,
  type LedgerChangeRequest,
} from '../../../shared/wire/ledger-json.ts'
import {
  trialBalanceJson,
  trialBalanceJsonSchema,
  trialBalanceQuery,
  type TrialBalanceQuery,
} from '../../../shared/wire/trial-balance-json.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import { witnessOf } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { answers } from '../operation.ts'

const none = z.strictObject({})

/** The ledger itself: the time until which its books are closed, and its trial balance. */
export function ledgerRoutes({ store }: ApiContext): FastifyPluginAsync {
  return async (server) => {
    server.get(
      '/api/v1/ledger',
      {
        schema: {
          operationId: 'getLedger',
          tags: ['Ledger'],
          summary: 'Read the ledger and until when its books are closed',
          querystring: none,
          response: answers({ 200: ['The ledger.', ledgerJsonSchema] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async ({ ledgerId }) => ledgerJson(await there(ledgerId)),
    )

    server.patch<{ Body: LedgerChangeRequest }>(
      '/api/v1/ledger',
      {
        schema: {
          operationId: 'closeBooks',
          tags: ['Ledger'],
          summary: 'Close the books until a time',
          description:
            'Once this is answered, nothing takes effect at or before `books_closed_until` any more: a transaction with such ' +
            'an `effective_at` is refused with `books_closed`, also one that was accepted before and is still queued. The ' +
            'time may not lie in the future, and only moves forward.',
          querystring: none,
          body: ledgerChangeRequest,
          response: answers({ 200: ['The ledger as it is now.', ledgerJsonSchema] }, [
            'invalid_request',
            'malformed_json',
            'request_timeout',
            'books_stay_closed',
            'body_too_large',
            'unsupported_media_type',
            'store_unavailable',
            'outcome_unknown',
          ]),
        },
      },
      async (request) => ledgerJson(await close(request, request.body.books_closed_until)),
    )

    server.get<{ Querystring: TrialBalanceQuery }>(
      '/api/v1/trial-balance',
      {
        schema: {
          operationId: 'getTrialBalance',
          tags: ['Ledger'],
          summary: 'Read what all accounts have together, by currency and account type',
          description:
            'Debits equal credits in each currency, also while posting goes on: the books are cut at a time, never through a ' +
            'transaction. Reads every account: for a ledger of millions it takes seconds.',
          querystring: trialBalanceQuery,
          response: answers({ 200: ['The trial balance.', trialBalanceJsonSchema] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async (request) => {
        const { at, axis } = request.query
        return trialBalanceJson(axis, await store.trialBalance(request.ledgerId, { axis, at }))
      },
    )
  }

  async function there(ledgerId: number): Promise<LedgerRecord> {
    const ledger = await store.findLedger(ledgerId)
    if (ledger === undefined) throw new Error('a ledger of a credential is missing')
    return ledger
  }

  async function close(
    request: FastifyRequest,
    until: number | null | undefined,
  ): Promise<LedgerRecord> {
    const { ledgerId } = request
    if (until === undefined) return there(ledgerId)
    const witness = witnessOf(request)
    const outcome = until === null ? 'earlier' : await store.closeBooks(ledgerId, until, witness)
    const ledger = await there(ledgerId)
    const { booksClosedUntil } = ledger
    if (outcome === 'closed' || booksClosedUntil === until) return ledger
    if (outcome === 'ahead' || booksClosedUntil === null) {
      throw invalidParts([{ pointer: 'books_closed_until', detail: 'must not lie in the future' }])
    }
    throw new Problem('books_stay_closed', {
      details: { books_closed_until: timeJson(booksClosedUntil) },
    })
  }
}
