import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { noLedger } from '../../../shared/engine/audit-record.ts'
import {
  ledgerListing,
  ledgerListingSchema,
  ledgerListSchema,
  newLedgerRequest,
} from '../../../shared/wire/ledger-listing.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import { witnessOf } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { answers } from '../operation.ts'

const none = z.strictObject({})

/** The books that this deployment holds: making them, and listing those that a credential opens. */
export function ledgerRegistryRoutes({ store }: ApiContext): FastifyPluginAsync {
  return async (server) => {
    server.post<{ Body: z.output<typeof newLedgerRequest> }>(
      '/api/v1/ledgers',
      {
        schema: {
          operationId: 'createLedger',
          tags: ['Ledger'],
          summary: 'Make a ledger, for good',
          description:
            'Nothing of one ledger is seen from another. Making it again is answered the same. Asks for a credential ' +
            'that belongs to all ledgers.',
          body: newLedgerRequest,
          querystring: none,
          response: answers({ 201: ['The ledger.', ledgerListingSchema] }, [
            'invalid_request',
            'malformed_json',
            'request_timeout',
            'body_too_large',
            'unsupported_media_type',
            'store_unavailable',
            'outcome_unknown',
          ]),
        },
      },
      async (request, reply) => {
        if (request.credential.ledgerId !== null) {
          throw new Problem('forbidden', { detail: 'The credential belongs to one ledger.' })
        }
        const witness = witnessOf(request, { status: 201, ledgerId: noLedger })
        const ledger = await store.ledgers.open(request.body.name, Date.now(), witness)
        return reply.code(201).send(ledgerListing(ledger))
      },
    )

    server.get(
      '/api/v1/ledgers',
      {
        schema: {
          operationId: 'listLedgers',
          tags: ['Ledger'],
          summary: 'List the ledgers that the credential belongs to, oldest first',
          querystring: none,
          response: answers({ 200: ['All of them.', ledgerListSchema] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async ({ credential: { ledgerId } }) => {
        const ledgers = await store.ledgers.list()
        const own = ledgers.filter(({ id }) => ledgerId === null || id === ledgerId)
        return { items: own.map(ledgerListing) }
      },
    )
  }
}
