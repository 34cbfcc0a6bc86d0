import helmet from '@fastify/helmet'
import fastify, { type FastifyInstance } from 'fastify'

/** What is no page may do nothing in a browser; pages have a policy of their own. */
const policy = {
  useDefaults: false,
  directives: { 'default-src': [`'none'`], 'frame-ancestors': [`'none'`] },
}

/**
 * Puts helmet's headers on every answer. They depend on no request, so that helmet is asked for them once: it would else make
 * its middleware anew for each.
 */
export async function addSafeHeaders(server: FastifyInstance): Promise<void> {
  const headers = await headersOfHelmet()
  server.addHook('onRequest', (_request, reply, done) => {
    void reply.headers(headers)
    done()
  })
}

async function headersOfHelmet(): Promise<Record<string, string>> {
  const server = fastify()
  await server.register(helmet, { contentSecurityPolicy: policy })
  server.get('/', { schema: { hide: true } }, async () => '')
  const { headers } = await server.inject('/')
  await server.close()
  const own = new Set(['content-type', 'content-length', 'date', 'connection'])
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      own.has(name) || value === undefined ? [] : [[name, String(value)]],
    ),
  )
}
