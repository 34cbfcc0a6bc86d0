import { z } from 'zod'
import { eventTypes } from '../engine/event.ts'
import {
  deliveryStatuses,
  disabledReasons,
  endpointStatuses,
  type WebhookDelivery,
  type WebhookEndpoint,
} from '../webhooks/endpoint.ts'
import { eventId } from './event-json.ts'
import { line, time, timeJson } from './fields.ts'
import { pageParameters } from './paging.ts'

const urlLengthMax = 2000
const exampleTime = '2026-01-31T12:00:00.000Z'
const exampleUrl = 'https://shop.example/ledger-events'

/** Where events go: no user, no password, no fragment. Whether its addresses are allowed is judged on merits. */
const url = z
  .string()
  .max(urlLengthMax, `must have at most ${urlLengthMax} characters`)
  .regex(/^https?:\/\/[\x21-\x7e]+$/, 'must be an http or https address in ASCII')
  .refine((text) => URL.canParse(text), 'must be an address')
  .refine((text) => !hasMore(text), 'must have no user, password or fragment')
  .meta({ description: 'Where events are posted to.', example: exampleUrl })

const types = z
  .array(z.enum(eventTypes))
  .min(1, 'must name a type; null for all')
  .refine((all) => new Set(all).size === all.length, 'must name each type once')
  .meta({ description: 'The types of events that it is sent; null for all.' })

const description = line(200).meta({ description: 'For people.', example: 'Order service' })

/** The body that makes an endpoint. */
export const webhookRequest = z
  .strictObject({ url, types: types.nullish(), description: description.nullish() })
  .meta({
    id: 'WebhookRequest',
    examples: [{ url: exampleUrl, types: ['transaction.posted', 'transaction.failed'] }],
  })
export type WebhookRequest = z.output<typeof webhookRequest>

/** The body that changes an endpoint: what is left out stays. */
export const webhookChangeRequest = z
  .strictObject({
    url: url.optional(),
    types: types.nullable().optional(),
    description: description.nullable().optional(),
    status: z.enum(endpointStatuses).optional(),
  })
  .meta({ id: 'WebhookChangeRequest', examples: [{ status: 'enabled' }] })
export type WebhookChangeRequest = z.output<typeof webhookChangeRequest>

const overlapSecondsMax = 7 * 86_400

/** The body that has another secret sign. */
export const rotationRequest = z
  .strictObject({
    overlap_seconds: z
      .int()
      .min(0)
      .max(overlapSecondsMax)
      .default(86_400)
      .meta({ description: 'For how long the secret before signs too; at most seven days.' }),
  })
  .meta({ id: 'WebhookRotationRequest', examples: [{ overlap_seconds: 3600 }] })

/** The body that has deliveries made again. */
export const redeliveryRequest = z
  .strictObject({
    since: time.meta({ description: 'Of events from this time on.', example: exampleTime }),
    status: z
      .enum(['failed', 'delivered'])
      .default('failed')
      .meta({ description: 'Those that were given up, or those that a receiver has lost.' }),
  })
  .meta({ id: 'WebhookRedeliveryRequest', examples: [{ since: exampleTime }] })
export type RedeliveryRequest = z.output<typeof redeliveryRequest>

export const redeliveryJsonSchema = z
  .strictObject({
    pending: z.int().meta({ description: 'How many are made again.' }),
    more: z.boolean().meta({ description: 'Whether to ask again for the rest.' }),
  })
  .meta({ id: 'WebhookRedelivery', examples: [{ pending: 12, more: false }] })

const endpointFields = {
  id: z.string(),
  url: z.string(),
  types: z.array(z.enum(eventTypes)).nullable(),
  description: z.string().nullable(),
  status: z.enum(endpointStatuses),
  disabled_reason: z.enum(disabledReasons).nullable(),
  disabled_at: z.string().nullable(),
  failing_since: z
    .string()
    .nullable()
    .meta({ description: 'Since when nothing has been delivered although it was tried.' }),
  previous_secret_until: z
    .string()
    .nullable()
    .meta({ description: 'Until when the secret before signs too.' }),
  created_at: z.string(),
}

const exampleEndpoint = {
  id: '0198c0de-7a11-7000-8000-0000000e4d01',
  url: exampleUrl,
  types: ['transaction.posted', 'transaction.failed'],
  description: null,
  status: 'enabled',
  disabled_reason: null,
  disabled_at: null,
  failing_since: null,
  previous_secret_until: null,
  created_at: exampleTime,
}

/** An endpoint as the API shows it. */
export const webhookJsonSchema = z
  .strictObject(endpointFields)
  .meta({ id: 'Webhook', examples: [exampleEndpoint] })
export type WebhookJson = z.output<typeof webhookJsonSchema>

/** An endpoint with its secret, which is shown this once. */
export const webhookWithSecretJsonSchema = z
  .strictObject({
    ...endpointFields,
    secret: z.string().meta({ description: 'What deliveries are signed with. Shown this once.' }),
  })
  .meta({
    id: 'WebhookWithSecret',
    examples: [
      { ...exampleEndpoint, secret: 'whsec_bGVkZ2VyZmxvdy1leGFtcGxlLW9ubHktMzJieXRlcyE=' },
    ],
  })

/** A delivery as the log shows it. */
export const webhookDeliveryJsonSchema = z
  .strictObject({
    event_id: z.string(),
    type: z.string(),
    status: z.enum(deliveryStatuses),
    attempts: z.int(),
    created_at: z.string().meta({ description: 'When the event happened.' }),
    last_attempt_at: z.string().nullable(),
    last_status_code: z.int().nullable(),
    last_error: z.string().nullable(),
    next_attempt_at: z.string().nullable(),
    delivered_at: z.string().nullable(),
  })
  .meta({
    id: 'WebhookDelivery',
    examples: [
      {
        event_id: eventId(4711n),
        type: 'transaction.posted',
        status: 'pending',
        attempts: 2,
        created_at: exampleTime,
        last_attempt_at: '2026-01-31T12:00:05.120Z',
        last_status_code: 500,
        last_error: 'answered 500',
        next_attempt_at: '2026-01-31T12:00:35.740Z',
        delivered_at: null,
      },
    ],
  })
export type WebhookDeliveryJson = z.output<typeof webhookDeliveryJsonSchema>

/** The query of the log. */
export const deliveryQuery = z.strictObject({
  status: z.enum(deliveryStatuses).optional(),
  ...pageParameters,
})

/** Writes an endpoint without its secret. */
export function webhookJson(endpoint: WebhookEndpoint, now: number): WebhookJson {
  const { previousUntil } = endpoint
  return {
    id: endpoint.id,
    url: endpoint.url,
    types: endpoint.types as WebhookJson['types'],
    description: endpoint.description,
    status: endpoint.status,
    disabled_reason: endpoint.disabledReason,
    disabled_at: timeOrNull(endpoint.disabledAt),
    failing_since: timeOrNull(endpoint.failingSince),
    previous_secret_until: timeOrNull((previousUntil ?? 0) > now ? previousUntil : null),
    created_at: timeJson(endpoint.createdAt),
  }
}

/** Writes a delivery. */
export function webhookDeliveryJson(delivery: WebhookDelivery): WebhookDeliveryJson {
  return {
    event_id: eventId(delivery.position),
    type: delivery.eventType,
    status: delivery.status,
    attempts: delivery.attempts,
    created_at: timeJson(delivery.eventAt),
    last_attempt_at: timeOrNull(delivery.lastAttemptAt),
    last_status_code: delivery.lastStatusCode,
    last_error: delivery.lastError,
    next_attempt_at: timeOrNull(delivery.nextAttemptAt),
    delivered_at: timeOrNull(delivery.deliveredAt),
  }
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeJson(ms)
}

function hasMore(text: string): boolean {
  if (!URL.canParse(text)) return false
  const { username, password, hash } = new URL(text)
  return username !== '' || password !== '' || hash !== ''
}
