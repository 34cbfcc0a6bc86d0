import type { EventPosition } from '../engine/event.ts'

/** Whether an endpoint is sent to, and why it is not. */
export const endpointStatuses = ['enabled', 'disabled'] as const
export type EndpointStatus = (typeof endpointStatuses)[number]

/** Who or what has disabled an endpoint: an operator, days of failures, or its own answer 410 Gone. */
export const disabledReasons = ['operator', 'failing', 'gone'] as const
export type DisabledReason = (typeof disabledReasons)[number]

/** Where events are sent. Times are ms since 1970; secrets are as the secret box keeps them. */
export interface WebhookEndpoint {
  readonly ledgerId: number
  readonly id: string
  readonly url: string
  /** The types of events that it is sent; null for all. */
  readonly types: readonly string[] | null
  readonly description: string | null
  readonly status: EndpointStatus
  readonly disabledReason: DisabledReason | null
  readonly disabledAt: number | null
  /** Since when nothing has been delivered although it was tried; null while it goes well. */
  readonly failingSince: number | null
  readonly secret: string
  /** Signs too until `previousUntil`. */
  readonly previousSecret: string | null
  readonly previousUntil: number | null
  /** How far the events have been read for it: all up to here have a row among the deliveries, or are not for it. */
  readonly position: EventPosition
  /** Changes with whatever its sender must know of. */
  readonly revision: number
  readonly createdAt: number
}

export const deliveryStatuses = ['pending', 'delivered', 'failed'] as const
export type DeliveryStatus = (typeof deliveryStatuses)[number]

/** One event for one endpoint, and what became of it. */
export interface WebhookDelivery {
  /** Where the event stands among those of its ledger. */
  readonly position: EventPosition
  readonly eventType: string
  readonly eventAt: number
  /** The accounts it is about: of events that share one, the earlier is delivered first. */
  readonly accountIds: readonly string[]
  readonly status: DeliveryStatus
  readonly attempts: number
  readonly lastAttemptAt: number | null
  readonly lastStatusCode: number | null
  readonly lastError: string | null
  /** When it is tried next; null unless it is pending. */
  readonly nextAttemptAt: number | null
  readonly deliveredAt: number | null
}
