import type { SecretBox } from './secret-box.ts'
import type { TargetRules } from './target-rules.ts'

/** Where webhooks may go, and how the secrets that sign them are kept. */
export interface EndpointRules {
  readonly targets: TargetRules
  readonly secrets: SecretBox
}

/** How webhooks are sent. */
export interface WebhookRules extends EndpointRules {
  /** How long a receiver may take to answer. */
  readonly timeoutMs: number
  /** How long after each failed attempt the next is made; after the last one the delivery has failed. */
  readonly retryMs: readonly number[]
  /** How long an endpoint that has failed several times in a row is left alone: at first, and at most. */
  readonly pauseMs: { readonly first: number; readonly most: number }
  /** After so long without a single success an endpoint is disabled. */
  readonly disableAfterMs: number
  /** How long an endpoint is a process's after it was last heard of: so long, and a look, until another goes on after kill -9. */
  readonly leaseMs: number
  /** How often endpoints are looked for that nobody sends to, and whether somebody has changed one. */
  readonly lookMs: number
  /** How often new events are looked for. */
  readonly eventsMs: number
  /** How long deliveries are kept in the log. */
  readonly logMs: number
}
