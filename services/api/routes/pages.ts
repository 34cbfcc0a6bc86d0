import type { FastifyPluginAsync, FastifyReply } from 'fastify'
import type { ApiContext } from '../context.ts'
import { errorsPage } from '../pages/errors-page.ts'
import { homePage } from '../pages/home-page.ts'
import { pagePolicy } from '../pages/page.ts'

/** A host as a browser sends it; anything else is not repeated. */
const plainHost = /^[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?$|^\[[0-9a-f:]{2,45}\](?::[0-9]{1,5})?$/

/** The pages for people who open the service in a browser. */
export function pageRoutes({ store }: ApiContext): FastifyPluginAsync {
  // "SQLite 3.51 at ./data/ledgerflow.db": which store is for all to see, its version and place are not.
  const storeName = store.description.split(' ', 1)[0] ?? ''
  const errors = errorsPage()
  const hide = { schema: { hide: true } }

  return async (server) => {
    server.get('/', hide, async (request, reply) => {
      const host = plainHost.test(request.host) ? request.host : '127.0.0.1:8000'
      return sendPage(reply, homePage(storeName, `${request.protocol}://${host}`))
    })
    server.get('/errors', hide, async (_request, reply) => sendPage(reply, errors))
  }
}

/** Answers with a page, which may load nothing from elsewhere. */
export function sendPage(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .header('content-type', 'text/html; charset=utf-8')
    .header('content-security-policy', pagePolicy)
    .serializer((text: unknown) => text as string)
    .send(html)
}
