import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import { admitRequests } from './access/admit-requests.ts'
import type { Gate } from './access/gate.ts'
import { FailedLogins, limitRequests, type Limits } from './access/limit-requests.ts'
import { witnessActions } from './access/witness-actions.ts'
import { RefusalLog } from './audit/refusal-log.ts'
import { allowOrigins } from './allow-origins.ts'
import type { ApiContext } from './context.ts'
import { answerProblem, answerProblems } from './answer-problems.ts'
import { createHttpServer, usualTimeouts, type Timeouts } from './http-server.ts'
import { parseQueryString } from './query-string.ts'
import type { Readiness } from './readiness.ts'
import { readStrictBodies } from './request-body.ts'
import { judgeHeads } from './request-head.ts'
import { accountRoutes } from './routes/accounts.ts'
import { auditRoutes } from './routes/audit.ts'
import { batchRoutes } from './routes/batches.ts'
import { currencyRoutes } from './routes/currencies.ts'
import { documentationRoutes, registerOpenApi } from './routes/documentation.ts'
import { eventRoutes } from './routes/events.ts'
import { healthRoutes } from './routes/health.ts'
import { holdRoutes } from './routes/holds.ts'
import { ledgerRoutes } from './routes/ledger.ts'
import { ledgerRegistryRoutes } from './routes/ledgers.ts'
import { pageRoutes } from './routes/pages.ts'
import { queueRoutes } from './routes/queue.ts'
import { queueBoardRoutes } from './routes/queue-board.ts'
import { reversalRoutes } from './routes/reversals.ts'
import { statementRoutes } from './routes/statements.ts'
import { transactionRoutes } from './routes/transactions.ts'
import { webhookRoutes } from './routes/webhooks.ts'
import { verificationRoutes } from './routes/verification.ts'
import { addSafeHeaders } from './safe-headers.ts'
import { traceRequests } from './trace-requests.ts'
import { validatorCompiler } from './validation.ts'

/** Limits on what a request may be. Node and Fastify leave most of them open. */
const bodyBytesMax = 1024 * 1024
const pathParameterLengthMax = 128

/** What a caller may send as its request id, and have back in every answer and log line. */
const requestIdPattern = /^[A-Za-z0-9_.:-]{1,128}$/

/** How the API meets those outside. */
export interface Border {
  readonly limits: Limits
  /** Origins whose pages may call it from a browser. */
  readonly corsOrigins: readonly string[]
  /** Proxies that are believed when they say for whom they call. */
  readonly trustedProxies: readonly string[]
  readonly timeouts?: Timeouts | undefined
}

/** Builds the API over a store. The caller listens, and closes it. */
export async function buildApi(
  context: ApiContext,
  gate: Gate,
  readiness: Readiness,
  { timeouts = usualTimeouts, ...border }: Border,
): Promise<FastifyInstance> {
  const server: FastifyInstance = fastify({
    bodyLimit: bodyBytesMax,
    trustProxy: border.trustedProxies.length > 0 ? [...border.trustedProxies] : false,
    serverFactory: (handler) => createHttpServer(handler, timeouts),
    routerOptions: {
      maxParamLength: pathParameterLengthMax,
      querystringParser: parseQueryString,
    },
    // Serve what is in hand while closing; Fastify's own 503 is not problem+json.
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // Requests are logged by the hook below, by route and never by address.
    logger: false,
    genReqId: requestIdOf,
    // The HTTP server has its own.
    clientErrorHandler: () => {},
    frameworkErrors: (error, request, reply) => {
      nameAnswer(request, reply)
      answerProblem(context.log)(error, request, reply)
    },
  })
  server.setValidatorCompiler(validatorCompiler)
  server.setSerializerCompiler(() => (value) => JSON.stringify(value))
  server.addHook('onRequest', (request, reply, done) => {
    nameAnswer(request, reply)
    done()
  })
  // When the answer leaves, not when the request came: what was in hand as the stop began is the last on its connection too.
  server.addHook('onSend', (_request, reply, _payload, done) => {
    if (readiness.stopping) void reply.header('connection', 'close')
    done()
  })
  await addSafeHeaders(server)
  allowOrigins(server, border.corsOrigins)
  observeRequests(server, context)
  traceRequests(server, context.tracing)
  judgeHeads(server)
  answerProblems(server, context.log)
  const { counts } = context.queue
  const failedLogins = new FailedLogins(counts, border.limits.failedLogins)
  server.addHook('onClose', async () => failedLogins.close())
  admitRequests(server, gate, failedLogins, context.log)
  witnessActions(server, new RefusalLog(context.store, context.log), context.log)
  readStrictBodies(server)
  await limitRequests(server, counts, border.limits.requests)

  await registerOpenApi(server)
  await server.register(async (api) => {
    api.addHook('onRequest', (_request, reply, done) => {
      void reply.header('cache-control', 'no-store')
      done()
    })
    await api.register(accountRoutes(context))
    await api.register(statementRoutes(context))
    await api.register(transactionRoutes(context))
    await api.register(batchRoutes(context))
    await api.register(holdRoutes(context))
    await api.register(reversalRoutes(context))
    await api.register(queueRoutes(context))
    await api.register(eventRoutes(context))
    await api.register(currencyRoutes(context))
    await api.register(ledgerRoutes(context))
    await api.register(ledgerRegistryRoutes(context))
    await api.register(auditRoutes(context))
    await api.register(webhookRoutes(context))
    await api.register(verificationRoutes(context))
  })
  await server.register(healthRoutes(context, readiness))
  await server.register(pageRoutes(context))
  await server.register(queueBoardRoutes(context))
  await server.register(documentationRoutes)
  return server
}

function requestIdOf(request: IncomingMessage): string {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && requestIdPattern.test(given) ? given : randomUUID()
}

/** What every answer carries, whatever it says. */
function nameAnswer(request: FastifyRequest, reply: FastifyReply): void {
  void reply.header('x-request-id', request.id).header('x-content-type-options', 'nosniff')
}

/** Counts and logs each answer. The log has the route's pattern: an address may carry a customer's words. */
function observeRequests(server: FastifyInstance, { metrics, log }: ApiContext): void {
  server.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none'
    const { method, id } = request
    metrics.requestAnswered(method, route, reply.statusCode, reply.elapsedTime)
    if (log.isLevelEnabled('debug')) {
      const took = Math.round(reply.elapsedTime * 10) / 10
      log.debug({ request: id, method, route, status: reply.statusCode, ms: took }, 'answered')
    }
    done()
  })
}
