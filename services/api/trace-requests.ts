import type { FastifyInstance } from 'fastify'
import type { RequestSpan, Tracing } from '../../shared/trace/tracing.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** What continues the trace of this request; undefined when it is not traced. */
    traceparent: string | undefined
  }
}

/** Makes a span of each request, from its first header to the last byte of its answer. Without tracing nothing is done. */
export function traceRequests(server: FastifyInstance, tracing: Tracing | undefined): void {
  server.decorateRequest('traceparent')
  if (tracing === undefined) return
  const spans = new WeakMap<object, RequestSpan>()
  server.addHook('onRequest', (request, _reply, done) => {
    const span = tracing.request(request.headers)
    request.traceparent = span.traceparent
    spans.set(request, span)
    done()
  })
  server.addHook('onResponse', (request, reply, done) => {
    const { method, id: requestId } = request
    const route = request.routeOptions.url ?? 'none'
    spans.get(request)?.end({ method, route, status: reply.statusCode, requestId })
    done()
  })
}
