import { EntitySchema } from 'typeorm'
import {
  deliveryStatuses,
  endpointStatuses,
  type WebhookDelivery,
  type WebhookEndpoint,
} from '../../webhooks/endpoint.ts'
import type { ColumnKinds } from '../dialect.ts'

/** An endpoint, and which process sends to it until when. */
export interface WebhookEndpointRow extends WebhookEndpoint {
  leaseOwner: string | null
  leaseUntil: number | null
}

/** A delivery of an endpoint. */
export interface WebhookDeliveryRow extends WebhookDelivery {
  ledgerId: number
  endpointId: string
}

/** The tables of the webhooks. They are read and written by statements of their own: TypeORM only holds the schema to this. */
export function webhookEntities(kinds: ColumnKinds) {
  const text = { type: 'text' } as const
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  const timeOrNull = { ...kinds.time, nullable: true }
  return {
    webhookEndpoints: new EntitySchema<WebhookEndpointRow>({
      name: 'webhook_endpoints',
      columns: {
        ledgerId,
        id: { ...kinds.id, primary: true },
        url: text,
        types: { ...kinds.jsonText, nullable: true },
        description: { ...text, nullable: true },
        status: text,
        disabledReason: { ...text, name: 'disabled_reason', nullable: true },
        disabledAt: { ...timeOrNull, name: 'disabled_at' },
        failingSince: { ...timeOrNull, name: 'failing_since' },
        secret: text,
        previousSecret: { ...text, name: 'previous_secret', nullable: true },
        previousUntil: { ...timeOrNull, name: 'previous_until' },
        position: kinds.count,
        revision: kinds.count,
        leaseOwner: { ...kinds.id, name: 'lease_owner', nullable: true },
        leaseUntil: { ...timeOrNull, name: 'lease_until' },
        createdAt: { ...kinds.time, name: 'created_at' },
      },
      checks: [statusCheck('webhook_endpoints_status_check', endpointStatuses)],
    }),
    webhookDeliveries: new EntitySchema<WebhookDeliveryRow>({
      name: 'webhook_deliveries',
      columns: {
        ledgerId,
        endpointId: { ...kinds.id, name: 'endpoint_id', primary: true },
        position: { ...kinds.count, primary: true },
        eventType: { ...text, name: 'event_type' },
        eventAt: { ...kinds.time, name: 'event_at' },
        accountIds: { ...kinds.jsonText, name: 'account_ids' },
        status: text,
        attempts: { type: 'integer' },
        lastAttemptAt: { ...timeOrNull, name: 'last_attempt_at' },
        lastStatusCode: { type: 'integer', name: 'last_status_code', nullable: true },
        lastError: { ...text, name: 'last_error', nullable: true },
        nextAttemptAt: { ...timeOrNull, name: 'next_attempt_at' },
        deliveredAt: { ...timeOrNull, name: 'delivered_at' },
      },
      indices: [
        {
          name: 'webhook_deliveries_open',
          columns: ['ledgerId', 'endpointId', 'status', 'position'],
          where: `"status" <> 'delivered'`,
        },
      ],
      checks: [statusCheck('webhook_deliveries_status_check', deliveryStatuses)],
    }),
  }
}

function statusCheck(name: string, statuses: readonly string[]) {
  const values = statuses.map((status) => `'${status}'`).join(', ')
  return { name, expression: `status in (${values})` }
}
