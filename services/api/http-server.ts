import { createServer, type RequestListener, type Server } from 'node:http'
import { Problem } from '../../shared/wire/problems.ts'
import { answerBrokenConnection, answerOnSocket } from './broken-connection.ts'

/** How long a client may take. */
export interface Timeouts {
  /** From the first byte of a request to the last of its body. */
  readonly requestMs: number
  /** From the first byte of a request to the last of its headers. */
  readonly headersMs: number
  /** Between two requests on one connection. */
  readonly keepAliveMs: number
  /** How often the first two are looked at. */
  readonly checkMs: number
}

export const usualTimeouts: Timeouts = {
  requestMs: 15_000,
  headersMs: 10_000,
  keepAliveMs: 75_000,
  checkMs: 1000,
}

/** The bytes of a request's first line and headers together: Node's own limit, held on to. */
const headBytesMax = 16 * 1024

/**
 * Makes Node's HTTP server with every limit set, and with an answer wherever Node would answer without a body (no HTTP,
 * too slow, no Host, an unknown expectation) or not at all (CONNECT).
 */
export function createHttpServer(handler: RequestListener, timeouts: Timeouts): Server {
  const server = createServer(
    {
      requestTimeout: timeouts.requestMs,
      headersTimeout: timeouts.headersMs,
      keepAliveTimeout: timeouts.keepAliveMs,
      connectionsCheckingInterval: timeouts.checkMs,
      maxHeaderSize: headBytesMax,
      // `judgeHeads` refuses a request without one.
      requireHostHeader: false,
    },
    handler,
  )
  server.on('clientError', answerBrokenConnection)
  // Whoever does not know an expectation may do without it. RFC 9110, 10.1.1.
  server.on('checkExpectation', (request, response) => {
    server.emit('request', request, response)
  })
  server.on('connect', (_request, socket) => {
    answerOnSocket(socket, new Problem('method_not_allowed', { allow: '' }))
  })
  return server
}
