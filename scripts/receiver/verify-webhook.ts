import { createHmac, timingSafeEqual } from 'node:crypto'

/** How far the sender's clock and yours may be apart. An older message may be one that somebody has overheard and sends again. */
const toleranceMs = 5 * 60 * 1000

/** What is delivered. `id` is the same each time that an event is sent: remember it, and do nothing the second time. */
export interface WebhookEvent {
  readonly id: string
  readonly type: string
  readonly created_at: string
  readonly data: unknown
}

/**
 * Verifies a delivery and returns its event; throws when it is not from LedgerFlow, or older than five minutes.
 *
 * `secret` is what creating the endpoint showed, `whsec_…`. `headers` are those of the request, with names in lower case, as Node has
 * them. `body` is the request's, byte for byte: verify first, parse afterwards. While a secret takes the place of another, deliveries have a
 * signature of each, and the old secret and the new one both verify them.
 */
export function verifyWebhook(
  secret: string,
  headers: Readonly<Record<string, string | string[] | undefined>>,
  body: Buffer,
): WebhookEvent {
  const id = String(headers['webhook-id'])
  const timestamp = String(headers['webhook-timestamp'])
  const signatures = String(headers['webhook-signature']).split(' ')

  const age = Math.abs(Date.now() - Number(timestamp) * 1000)
  if (!(age <= toleranceMs)) throw new Error('the delivery has no timestamp, or an old one')

  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64')
  const expected = createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest()
  const isGenuine = signatures.some((signature) => {
    const [version, text = ''] = signature.split(',')
    const given = Buffer.from(text, 'base64')
    return version === 'v1' && given.length === expected.length && timingSafeEqual(given, expected)
  })
  if (!isGenuine) throw new Error('the delivery is not signed with this secret')
  return JSON.parse(body.toString('utf8')) as WebhookEvent
}
