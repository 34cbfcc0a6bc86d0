import type { FastifyInstance } from 'fastify'
import type { Logger } from '../../../shared/log.ts'
import type { RefusalLog } from '../audit/refusal-log.ts'
import { refusalRecord } from '../audit/witness.ts'
import { openCredential } from './credential.ts'

const changing = new Set(['POST', 'PATCH', 'PUT', 'DELETE'])

/** What is answered to a caller that may not, or not so often. */
const denied = new Set([401, 403, 429])

/** What is answered to a caller that may, where the ledger says no. */
const refused = new Set([409, 422])

/**
 * Records each action that was denied or refused, unless it was recorded with what it left behind, and writes one line for each that
 * was denied, and at debug for each that may have changed something: who, what, from where, and how it ended.
 */
export function witnessActions(server: FastifyInstance, refusals: RefusalLog, log: Logger): void {
  server.decorateRequest('isWitnessed', false)
  server.decorateRequest('problemCode')
  server.addHook('onRoute', (route) => {
    const { operationId } = (route.schema ?? {}) as { operationId?: string }
    if (operationId !== undefined) route.config = { ...route.config, action: operationId }
  })
  server.addHook('onClose', () => refusals.close())
  server.addHook('onResponse', (request, reply, done) => {
    const { access = 'public', url: route } = request.routeOptions.config
    const { statusCode: status } = reply
    const isDenied = denied.has(status)
    const isChanging = changing.has(request.method)
    if (access !== 'public' && (isDenied || isChanging)) {
      const isRefused = refused.has(status) && !request.isWitnessed
      if ((isDenied || isRefused) && request.credential !== openCredential) {
        refusals.note(refusalRecord(request, status))
      }
      const level = isDenied ? 'info' : 'debug'
      if (log.isLevelEnabled(level)) {
        const { id, method, credential, ledgerId, ip } = request
        const who = { credential: credential.id, role: credential.role, ledger: ledgerId, from: ip }
        const what = { request: id, method, route, status }
        log[level]({ ...who, ...what }, isDenied ? 'denied' : 'acted')
      }
    }
    done()
  })
}
