import type { FastifyInstance } from 'fastify'

/** What a page of another origin may send and read, besides what browsers let everybody. */
const headers = {
  methods: 'GET, POST, PATCH',
  sent: 'authorization, content-type, idempotency-key, ledger, prefer, x-request-id',
  read: 'idempotency-replayed, location, preference-applied, retry-after, x-request-id',
}
const keptS = 600

/**
 * Lets pages of some origins call the API; all others are told nothing, and their browser keeps the answer from them. Cookies are
 * never asked for: a credential travels in a header that only the page itself can set. Source: Fetch Standard, 3.2.
 */
export function allowOrigins(server: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  const allowed = new Set(origins)
  server.addHook('onRequest', (request, reply, done) => {
    void reply.header('vary', 'origin')
    const { origin } = request.headers
    if (origin === undefined || !allowed.has(origin)) return done()
    void reply
      .header('access-control-allow-origin', origin)
      .header('access-control-expose-headers', headers.read)
    const asks = request.headers['access-control-request-method'] !== undefined
    if (request.method !== 'OPTIONS' || !asks) return done()
    void reply
      .code(204)
      .header('access-control-allow-methods', headers.methods)
      .header('access-control-allow-headers', headers.sent)
      .header('access-control-max-age', String(keptS))
      .send()
  })
}
