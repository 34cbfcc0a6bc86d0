import type { WebhookRules } from '../../../shared/webhooks/webhook-rules.ts'

/** So many failures in a row, and the endpoint itself is taken to be away. */
export const awayAfter = 5

const jitter = 0.1

/** How long to wait after `attempts` attempts, a little sooner or later for each; undefined when there is to be no more. */
export function retryDelay(
  { retryMs }: Pick<WebhookRules, 'retryMs'>,
  attempts: number,
): number | undefined {
  const delay = retryMs[attempts - 1]
  return delay === undefined ? undefined : spread(delay)
}

/** How long an endpoint that has failed so many times in a row is left alone before anything is tried; 0 when it is not. */
export function pauseAfter(
  { pauseMs: { first, most } }: Pick<WebhookRules, 'pauseMs'>,
  failures: number,
): number {
  if (failures < awayAfter) return 0
  return spread(Math.min(first * 2 ** Math.min(failures - awayAfter, 20), most))
}

function spread(ms: number): number {
  return ms * (1 - jitter + 2 * jitter * Math.random())
}
