import { SecretBox } from '../../shared/webhooks/secret-box.ts'
import { TargetRules } from '../../shared/webhooks/target-rules.ts'
import type { WebhookRules } from '../../shared/webhooks/webhook-rules.ts'

/** What every name leads to where these rules hold: no test asks a name server. */
const nameAddress = '10.0.0.7'

/** Sending as it is, but for how long it waits. */
export function sendingTo(privateNetworks: readonly string[]): WebhookRules {
  return {
    targets: new TargetRules({ privateNetworks, plainHttp: true }, () =>
      Promise.resolve([nameAddress]),
    ),
    secrets: new SecretBox([Buffer.alloc(32, 7)]),
    timeoutMs: 5000,
    retryMs: [30, 60, 120],
    pauseMs: { first: 50, most: 200 },
    disableAfterMs: 60_000,
    leaseMs: 5000,
    lookMs: 50,
    eventsMs: 50,
    logMs: 60_000,
  }
}
