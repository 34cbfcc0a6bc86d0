import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import { createJsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import { openApiDocument, transformRoute } from '../openapi.ts'
import { icon, pagePolicy } from '../pages/page.ts'
import { redocPage, redocScript } from '../pages/redoc-page.ts'
import { sendPage } from './pages.ts'

/** Collects the routes registered after it into the OpenAPI document. */
export async function registerOpenApi(server: FastifyInstance): Promise<void> {
  await server.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'LedgerFlow',
        version: '1',
        description:
          'A double-entry payment ledger.\n\n' +
          '**Money** is a decimal string with its currency, such as `"125.00"` USD; it is never rounded.\n\n' +
          '**Retries** are safe with an idempotency key: the same key and body give the same transaction, for ever.\n\n' +
          '**Lists** go newest first; `next_cursor` leads to the next page and is null on the last.\n\n' +
          '**Errors** are `application/problem+json` (RFC 9457) with a stable `code`; [all codes](/errors).',
      },
      components: {
        securitySchemes: {
          credential: {
            type: 'http',
            scheme: 'bearer',
            description:
              'A key (`npm run keys`) or a JSON Web Token. It belongs to one ledger, or to all: then the header ' +
              '`Ledger: name` says which one a request is about (default: `default`).',
          },
        },
      },
      tags: [
        { name: 'Transactions', description: 'Moving money.' },
        { name: 'Batches', description: 'Moving money in many transactions at once.' },
        {
          name: 'Events',
          description: 'What has happened, in order, for the systems around the ledger.',
        },
        { name: 'Holds', description: 'Setting money aside, and what becomes of it.' },
        { name: 'Queue', description: 'What waits to be posted.' },
        { name: 'Accounts', description: 'Where money is.' },
        { name: 'Webhooks', description: 'Being told of what happens.' },
        { name: 'Ledger', description: 'The books as a whole.' },
        { name: 'Currencies', description: 'What money is counted in.' },
        { name: 'Audit', description: 'Who did what, and whether the books are as they were.' },
        { name: 'Operations', description: 'How the service is doing.' },
      ],
    },
    transform: transformRoute(createJsonSchemaTransform({})),
    transformObject: jsonSchemaTransformObject,
  })
}

/** The API's documentation: the document itself, Swagger UI and ReDoc, all served from here. */
export const documentationRoutes: FastifyPluginAsync = async (server) => {
  const hide = { schema: { hide: true } }
  // Made once: all routes are known when the first request comes.
  let made: ReturnType<typeof openApiDocument> | undefined
  const documentOnce = () => (made ??= openApiDocument(server.swagger()))
  server.get('/openapi.json', hide, async () => documentOnce())

  await server.register(swaggerUi, {
    routePrefix: '/docs',
    uiConfig: { docExpansion: 'list', tryItOutEnabled: true },
    transformSpecification: documentOnce,
    transformSpecificationClone: false,
    staticCSP: pagePolicy,
    theme: {
      title: 'LedgerFlow API',
      // The bar on top shows another maker's logo and asks for the address of another document.
      css: [{ filename: 'ledgerflow.css', content: '.swagger-ui .topbar { display: none }' }],
      favicon: [
        { filename: 'icon.svg', rel: 'icon', type: 'image/svg+xml', sizes: 'any', content: icon },
      ],
    },
  })

  const script = Buffer.from(redocScript())
  server.get('/redoc', hide, async (_request, reply) => sendPage(reply, redocPage))
  server.get('/redoc/redoc.standalone.js', hide, async (_request, reply) =>
    reply.header('content-type', 'text/javascript; charset=utf-8').send(script),
  )
}
