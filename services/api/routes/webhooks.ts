import type { FastifyPluginAsync, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { newId } from '../../../shared/engine/new-id.ts'
import { newSecret, secretText } from '../../../shared/webhooks/signature.ts'
import type { WebhookEndpoint } from '../../../shared/webhooks/endpoint.ts'
import { positionOfEvent } from '../../../shared/wire/event-json.ts'
import { uuid } from '../../../shared/wire/fields.ts'
import { pageJson, pageKey, pageParameters } from '../../../shared/wire/paging.ts'
import { Problem, type ProblemCode } from '../../../shared/wire/problems.ts'
import {
  deliveryQuery,
  redeliveryJsonSchema,
  redeliveryRequest,
  rotationRequest,
  webhookChangeRequest,
  webhookDeliveryJson,
  webhookDeliveryJsonSchema,
  webhookJson,
  webhookJsonSchema,
  webhookRequest,
  webhookWithSecretJsonSchema,
  type RedeliveryRequest,
  type WebhookChangeRequest,
  type WebhookRequest,
} from '../../../shared/wire/webhook-json.ts'
import { witnessOf } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { cursorScope } from '../cursor-scope.ts'
import { answers, none, pageOf } from '../operation.ts'

const idPath = z.strictObject({ id: uuid })
const eventIdInPath = z.string().max(64).meta({ description: 'The id of an event.' })
const deliveryPath = z.strictObject({ id: uuid, event_id: eventIdInPath })
const listQuery = z.strictObject(pageParameters)
const noBody = z.strictObject({}).optional()

/** Endpoints of a ledger, and deliveries that one request has made again. */
const endpointsMax = 100
const redeliveredMax = 10_000

const bodyFaults: readonly ProblemCode[] = [
  'invalid_request',
  'malformed_json',
  'request_timeout',
  'body_too_large',
  'unsupported_media_type',
]
const writeFaults: readonly ProblemCode[] = ['not_found', 'store_unavailable', 'outcome_unknown']
const readFaults: readonly ProblemCode[] = ['invalid_request', 'not_found', 'store_unavailable']

/** Where events are sent: making, changing and removing endpoints, and the log of what was delivered. */
export function webhookRoutes({ store, webhooks }: ApiContext): FastifyPluginAsync {
  const { targets, secrets } = webhooks

  return async (server) => {
    server.post<{ Body: WebhookRequest }>(
      '/api/v1/webhooks',
      {
        schema: {
          operationId: 'createWebhook',
          tags: ['Webhooks'],
          summary: 'Have events sent to an address',
          description:
            'What happens from now on is posted there, signed as Standard Webhooks says, each event at least once. ' +
            'The answer shows the secret, and no other does.',
          body: webhookRequest,
          querystring: none,
          response: answers({ 201: ['The endpoint.', webhookWithSecretJsonSchema] }, [
            ...bodyFaults,
            'webhook_limit',
            'webhook_target_refused',
            'store_unavailable',
            'outcome_unknown',
          ]),
        },
      },
      async (request, reply) => {
        const { ledgerId, body } = request
        await admitTarget(body.url)
        const all = await store.webhooks.list(ledgerId, { before: undefined, size: endpointsMax })
        if (all.length >= endpointsMax) throw new Problem('webhook_limit')
        const id = newId()
        const secret = newSecret()
        const endpoint = {
          ledgerId,
          id,
          url: body.url,
          types: body.types ?? null,
          description: body.description ?? null,
          secret: secrets.seal(secret, id),
          position: await store.latestPosition(ledgerId),
          createdAt: Date.now(),
        }
        await store.webhooks.add(endpoint, witnessOf(request, { status: 201 }))
        const made = await there(ledgerId, id)
        return reply
          .code(201)
          .header('location', `/api/v1/webhooks/${id}`)
          .send({ ...webhookJson(made, Date.now()), secret: secretText(secret) })
      },
    )

    server.get<{ Querystring: z.output<typeof listQuery> }>(
      '/api/v1/webhooks',
      {
        schema: {
          operationId: 'listWebhooks',
          tags: ['Webhooks'],
          summary: 'List webhook endpoints, newest first',
          querystring: listQuery,
          response: answers({ 200: ['One page.', pageOf('WebhookPage', webhookJsonSchema)] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async ({ ledgerId, query: { limit, cursor } }) => {
        const scope = await cursorScope(store, ledgerId, 'webhooks', {})
        const page = { before: pageKey(scope, cursor), size: limit + 1 }
        const now = Date.now()
        return pageJson(await store.webhooks.list(ledgerId, page), limit, scope, {
          keyOf: ({ id }) => id,
          json: (endpoint) => webhookJson(endpoint, now),
        })
      },
    )

    server.get<{ Params: { id: string } }>(
      '/api/v1/webhooks/:id',
      {
        schema: {
          operationId: 'getWebhook',
          tags: ['Webhooks'],
          summary: 'Read a webhook endpoint',
          params: idPath,
          querystring: none,
          response: answers({ 200: ['The endpoint.', webhookJsonSchema] }, readFaults),
        },
      },
      async ({ ledgerId, params }) => webhookJson(await there(ledgerId, params.id), Date.now()),
    )

    server.patch<{ Params: { id: string }; Body: WebhookChangeRequest }>(
      '/api/v1/webhooks/:id',
      {
        schema: {
          operationId: 'changeWebhook',
          tags: ['Webhooks'],
          summary: 'Change, disable or enable a webhook endpoint',
          description:
            'One that is enabled again is sent what happened meanwhile, as far as events are kept.',
          params: idPath,
          querystring: none,
          body: webhookChangeRequest,
          response: answers({ 200: ['The endpoint.', webhookJsonSchema] }, [
            ...bodyFaults,
            ...writeFaults,
            'webhook_target_refused',
          ]),
        },
      },
      async (request) => {
        const { ledgerId, params, body } = request
        const { url, types, description, status } = body
        if (url !== undefined) await admitTarget(url)
        const change = {
          ...(url === undefined ? {} : { url }),
          ...(types === undefined ? {} : { types }),
          ...(description === undefined ? {} : { description }),
          ...(status === undefined ? {} : { status }),
        }
        const changed = await store.webhooks.change(ledgerId, params.id, change, doneNow(request))
        if (changed === undefined) throw new Problem('not_found')
        return webhookJson(changed, Date.now())
      },
    )

    server.delete<{ Params: { id: string } }>(
      '/api/v1/webhooks/:id',
      {
        schema: {
          operationId: 'deleteWebhook',
          tags: ['Webhooks'],
          summary: 'Remove a webhook endpoint, with its log',
          description: 'It is sent nothing more; what is under way may still arrive.',
          params: idPath,
          querystring: none,
          response: answers({ 200: ['The endpoint as it was.', webhookJsonSchema] }, [
            'invalid_request',
            ...writeFaults,
          ]),
        },
      },
      async (request) => {
        const { ledgerId, params } = request
        const endpoint = await there(ledgerId, params.id)
        const isRemoved = await store.webhooks.remove(ledgerId, params.id, witnessOf(request))
        if (!isRemoved) throw new Problem('not_found')
        return webhookJson(endpoint, Date.now())
      },
    )

    server.post<{ Params: { id: string }; Body: z.output<typeof rotationRequest> }>(
      '/api/v1/webhooks/:id/rotate-secret',
      {
        schema: {
          operationId: 'rotateWebhookSecret',
          tags: ['Webhooks'],
          summary: 'Sign with another secret',
          description:
            'For some time both sign, so that the receiver can change at any moment between. The answer shows the ' +
            'new secret, and no other does.',
          params: idPath,
          querystring: none,
          body: rotationRequest,
          response: answers(
            { 200: ['The endpoint with its new secret.', webhookWithSecretJsonSchema] },
            [...bodyFaults, ...writeFaults],
          ),
        },
      },
      async (request) => {
        const { ledgerId, body } = request
        const { id } = request.params
        const secret = newSecret()
        const now = Date.now()
        const rotation = {
          secret: secrets.seal(secret, id),
          previousUntil: now + body.overlap_seconds * 1000,
        }
        const rotated = await store.webhooks.rotate(ledgerId, id, rotation, witnessOf(request))
        if (!rotated) throw new Problem('not_found')
        const endpoint = webhookJson(await there(ledgerId, id), now)
        return { ...endpoint, secret: secretText(secret) }
      },
    )

    server.get<{ Params: { id: string }; Querystring: z.output<typeof deliveryQuery> }>(
      '/api/v1/webhooks/:id/deliveries',
      {
        schema: {
          operationId: 'listWebhookDeliveries',
          tags: ['Webhooks'],
          summary: 'List what was sent to an endpoint, newest first',
          description:
            'An event that has not been tried yet is in the list some seconds after it happened.',
          params: idPath,
          querystring: deliveryQuery,
          response: answers(
            { 200: ['One page.', pageOf('WebhookDeliveryPage', webhookDeliveryJsonSchema)] },
            readFaults,
          ),
        },
      },
      async ({ ledgerId, params: { id }, query: { limit, cursor, status } }) => {
        const endpoint = await there(ledgerId, id)
        const scope = await cursorScope(store, ledgerId, 'webhook deliveries', { id, status })
        const key = pageKey(scope, cursor)
        const page = { before: key === undefined ? undefined : BigInt(key), size: limit + 1 }
        return pageJson(await store.webhooks.deliveries(endpoint, status, page), limit, scope, {
          keyOf: ({ position }) => String(position),
          json: webhookDeliveryJson,
        })
      },
    )

    server.post<{ Params: { id: string; event_id: string } }>(
      '/api/v1/webhooks/:id/deliveries/:event_id/redeliver',
      {
        schema: {
          operationId: 'redeliverWebhook',
          tags: ['Webhooks'],
          summary: 'Have one event sent again, whatever became of it',
          params: deliveryPath,
          querystring: none,
          body: noBody,
          response: answers({ 200: ['It is pending again.', webhookDeliveryJsonSchema] }, [
            ...bodyFaults,
            ...writeFaults,
          ]),
        },
      },
      async (request) => {
        const { ledgerId, params } = request
        const endpoint = await there(ledgerId, params.id)
        const position = positionOfEvent(params.event_id)
        const again =
          position === undefined
            ? undefined
            : await store.webhooks.redeliver(endpoint, position, doneNow(request))
        if (again === undefined) throw new Problem('not_found')
        return webhookDeliveryJson(again)
      },
    )

    server.post<{ Params: { id: string }; Body: RedeliveryRequest }>(
      '/api/v1/webhooks/:id/redeliver',
      {
        schema: {
          operationId: 'redeliverWebhooks',
          tags: ['Webhooks'],
          summary: 'Have all events since a time sent again that were given up',
          description: `The oldest first, ${redeliveredMax} at most of one request.`,
          params: idPath,
          querystring: none,
          body: redeliveryRequest,
          response: answers({ 200: ['They are pending again.', redeliveryJsonSchema] }, [
            ...bodyFaults,
            ...writeFaults,
          ]),
        },
      },
      async (request) => {
        const { since, status } = request.body
        const endpoint = await there(request.ledgerId, request.params.id)
        const wish = { status, since, countMax: redeliveredMax }
        const pending = await store.webhooks.redeliverSince(endpoint, wish, doneNow(request))
        return { pending, more: pending === redeliveredMax }
      },
    )
  }

  async function there(ledgerId: number, id: string): Promise<WebhookEndpoint> {
    const endpoint = await store.webhooks.find(ledgerId, id)
    if (endpoint === undefined) throw new Problem('not_found')
    return endpoint
  }

  /** Judged here for whoever types it; what counts is where each delivery is connected to. */
  async function admitTarget(url: string): Promise<void> {
    const found = await targets.addressesOf(new URL(url))
    if (typeof found === 'string') {
      throw new Problem('webhook_target_refused', { details: { reason: found } })
    }
  }
}

function doneNow(request: FastifyRequest) {
  return { now: Date.now(), witness: witnessOf(request) }
}
