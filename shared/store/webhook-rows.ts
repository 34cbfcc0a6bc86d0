import type {
  DeliveryStatus,
  DisabledReason,
  EndpointStatus,
  WebhookDelivery,
  WebhookEndpoint,
} from '../webhooks/endpoint.ts'
import { json, time, type Row } from './rows.ts'

/** All columns of an endpoint but its lease. A position may have 63 bits, which only a text brings across whole. */
export const endpointColumns = `ledger_id, id, url, types, description, status, disabled_reason, disabled_at,
  failing_since, secret, previous_secret, previous_until, cast(position as text) as position, revision, created_at`

/** All columns of a delivery but whose it is. */
export const deliveryColumns = `cast(position as text) as position, event_type, event_at, account_ids, status,
  attempts, last_attempt_at, last_status_code, last_error, next_attempt_at, delivered_at`

/** Reads an endpoint from a row of either store. */
export function endpointOf(row: Row): WebhookEndpoint {
  return {
    ledgerId: row['ledger_id'] as number,
    id: row['id'] as string,
    url: row['url'] as string,
    types: json<readonly string[]>(row['types']),
    description: row['description'] as string | null,
    status: row['status'] as EndpointStatus,
    disabledReason: row['disabled_reason'] as DisabledReason | null,
    disabledAt: time(row['disabled_at']),
    failingSince: time(row['failing_since']),
    secret: row['secret'] as string,
    previousSecret: row['previous_secret'] as string | null,
    previousUntil: time(row['previous_until']),
    position: BigInt(row['position'] as string),
    revision: Number(row['revision']),
    createdAt: time(row['created_at']) ?? 0,
  }
}

/** Reads a delivery from a row of either store. */
export function deliveryOf(row: Row): WebhookDelivery {
  return {
    position: BigInt(row['position'] as string),
    eventType: row['event_type'] as string,
    eventAt: time(row['event_at']) ?? 0,
    accountIds: json<readonly string[]>(row['account_ids']) ?? [],
    status: row['status'] as DeliveryStatus,
    attempts: Number(row['attempts']),
    lastAttemptAt: time(row['last_attempt_at']),
    lastStatusCode: row['last_status_code'] as number | null,
    lastError: row['last_error'] as string | null,
    nextAttemptAt: time(row['next_attempt_at']),
    deliveredAt: time(row['delivered_at']),
  }
}
