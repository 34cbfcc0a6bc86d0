import type { FastifyPluginAsync } from 'fastify'
import type { z } from 'zod'
import { auditJson, auditJsonSchema, auditQuery } from '../../../shared/wire/audit-json.ts'
import { writeCursor } from '../../../shared/wire/cursor.ts'
import { pageKey } from '../../../shared/wire/paging.ts'
import type { ApiContext } from '../context.ts'
import { cursorScope } from '../cursor-scope.ts'
import { answers, pageOf } from '../operation.ts'

/** Reading the audit log. */
export function auditRoutes({ store }: ApiContext): FastifyPluginAsync {
  return async (server) => {
    server.get<{ Querystring: z.output<typeof auditQuery> }>(
      '/api/v1/audit',
      {
        schema: {
          operationId: 'listAuditRecords',
          tags: ['Audit'],
          summary: 'List who did what, newest first',
          description:
            'For auditors and admins. Of the ledger of the credential; one that belongs to all ledgers and names none in the header ' +
            '`Ledger` sees all, and what belongs to no ledger. Nothing in it is ever changed or removed. All filters must hold. A ' +
            'page looks through 10,000 records for those that fit: it may be short, even empty, and have a ' +
            '`next_cursor` all the same. Nothing is recorded while no credential is asked for.',
          querystring: auditQuery,
          response: answers({ 200: ['One page.', pageOf('AuditPage', auditJsonSchema)] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async ({ query, credential, ledgerId, headers }) => {
        const { limit, cursor, since, until, object, request_id, ...rest } = query
        const filter = { ...rest, objectId: object, requestId: request_id }
        const seesAll = credential.ledgerId === null && headers['ledger'] === undefined
        const scope = await cursorScope(store, ledgerId, seesAll ? 'all audit' : 'audit', {
          ...filter,
          since,
          until,
        })
        const found = await store.findRecords(seesAll ? null : ledgerId, filter, {
          since,
          until,
          after: pageKey(scope, cursor),
          size: limit,
        })
        const ledgers = new Map((await store.ledgers.list()).map(({ id, name }) => [id, name]))
        return {
          items: found.records.map((record) => auditJson(record, ledgers)),
          next_cursor: found.next === undefined ? null : writeCursor(scope, found.next),
        }
      },
    )
  }
}
