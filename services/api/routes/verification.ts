import type { FastifyPluginAsync } from 'fastify'
import type { z } from 'zod'
import { verifySome } from '../../../shared/store/verify/verify-some.ts'
import { readCursor, writeCursor } from '../../../shared/wire/cursor.ts'
import { invalidParts } from '../../../shared/wire/invalid-request.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import {
  verificationJson,
  verificationJsonSchema,
  verificationRequest,
} from '../../../shared/wire/verification-json.ts'
import type { ApiContext } from '../context.ts'
import { cursorScope } from '../cursor-scope.ts'
import { answers, none } from '../operation.ts'

/** For how long one request may verify; the next one goes on. */
const timeMs = 5000

/** Verifying accounts and their chains of entries. */
export function verificationRoutes({ store, location }: ApiContext): FastifyPluginAsync {
  let isRunning = false
  return async (server) => {
    server.post<{ Body: z.output<typeof verificationRequest> }>(
      '/api/v1/audit/verify',
      {
        schema: {
          operationId: 'verifyAccounts',
          tags: ['Audit'],
          summary: 'Verify accounts and the chains of their entries',
          description:
            'For auditors and admins. Recomputes balances and hashes from the entries, holds them against the newest anchor of each ' +
            'account, and names the first entry of an account that was changed, removed, put in or swapped. After five seconds it ' +
            'answers with how far it came: send `next_cursor` as `cursor` to go on. One verification runs at a time in a process. ' +
            '`npm run verify` checks all that there is, and anchors that were kept outside of the database.',
          body: verificationRequest,
          querystring: none,
          response: answers({ 200: ['What was found.', verificationJsonSchema] }, [
            'invalid_request',
            'malformed_json',
            'request_timeout',
            'not_found',
            'body_too_large',
            'unsupported_media_type',
            'store_unavailable',
            'overloaded',
          ]),
        },
      },
      async ({ body, ledgerId }) => {
        const { account_id: only, cursor } = body
        const scope = await cursorScope(store, ledgerId, 'verification', { only })
        const from = cursor === undefined ? undefined : placeOf(readCursor(scope, cursor))
        if (only !== undefined && (await store.findAccount(ledgerId, only)) === undefined) {
          throw new Problem('not_found')
        }
        if (isRunning) {
          throw new Problem('overloaded', { detail: 'A verification is running.', retryAfterS: 5 })
        }
        isRunning = true
        try {
          const found = await verifySome(location, ledgerId, { only, from, timeMs })
          const { place } = found
          const next =
            place === undefined ? null : writeCursor(scope, `${place.version} ${place.accountId}`)
          return verificationJson(found, next)
        } finally {
          isRunning = false
        }
      },
    )
  }
}

function placeOf(key: string | undefined): { accountId: string; version: number } {
  const [version, accountId] = key?.split(' ') ?? []
  if (accountId === undefined) {
    throw invalidParts([{ pointer: 'cursor', detail: 'is not a cursor of this verification' }])
  }
  return { accountId, version: Number(version) }
}
