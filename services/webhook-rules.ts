import type { Configuration } from '../shared/config.ts'
import { SecretBox } from '../shared/webhooks/secret-box.ts'
import { TargetRules } from '../shared/webhooks/target-rules.ts'
import type { WebhookRules } from '../shared/webhooks/webhook-rules.ts'

const dayMs = 86_400_000

/** What a change of an endpoint and an event wait for before they are seen: one short read each. */
const lookMs = 1000
const eventsMs = 200

/** How long an endpoint is a process's that is not heard of any more. */
const leaseMs = 5000

/** How soon an endpoint that seems to be away is asked again, and how seldom at last. */
const pauseMs = { first: 1000, most: 60_000 }

/** How webhooks are sent, as the configuration says it. */
export function webhookRules(configuration: Configuration): WebhookRules {
  return {
    targets: new TargetRules({
      privateNetworks: configuration.WEBHOOK_ALLOW_PRIVATE,
      plainHttp: configuration.NODE_ENV !== 'production',
    }),
    secrets: new SecretBox(configuration.WEBHOOK_SECRET_KEY ?? []),
    timeoutMs: configuration.WEBHOOK_TIMEOUT_MS,
    retryMs: configuration.WEBHOOK_RETRY_S.map((seconds) => seconds * 1000),
    disableAfterMs: configuration.WEBHOOK_DISABLE_AFTER_S * 1000,
    pauseMs,
    leaseMs,
    lookMs,
    eventsMs,
    logMs: configuration.WEBHOOK_LOG_DAYS * dayMs,
  }
}
