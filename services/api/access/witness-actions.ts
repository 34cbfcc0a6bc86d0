import type { FastifyInstance } from 'fastify'
import type { Logger } from '../../../shared/log.ts'

const changing = new Set(['POST', 'PATCH', 'PUT', 'DELETE'])

/** What is answered to a caller that may not. */
const denied = new Set([401, 403])

/**
 * Writes one line for each action that was denied, and at debug for each that may have changed something: who, what, from
 * where, and how it ended. The one place where an action is known with its credential and its outcome.
 */
export function witnessActions(server: FastifyInstance, log: Logger): void {
  server.addHook('onResponse', (request, reply, done) => {
    const { access = 'public', url: route } = request.routeOptions.config
    const isDenied = denied.has(reply.statusCode)
    const level = isDenied ? 'info' : 'debug'
    if (access !== 'public' && (isDenied || changing.has(request.method))) {
      if (log.isLevelEnabled(level)) {
        const { id, method, credential, ledgerId, ip } = request
        const who = { credential: credential.id, role: credential.role, ledger: ledgerId, from: ip }
        const what = { request: id, method, route, status: reply.statusCode }
        log[level]({ ...who, ...what }, isDenied ? 'denied' : 'acted')
      }
    }
    done()
  })
}
