import { createHmac, randomBytes } from 'node:crypto'

const secretPrefix = 'whsec_'
const secretBytes = 32

/** Makes a secret that signs deliveries: 256 bits. */
export function newSecret(): Buffer {
  return randomBytes(secretBytes)
}

/** Writes a secret as its receiver is told it. Source: Standard Webhooks, "Signature scheme". */
export function secretText(secret: Buffer): string {
  return `${secretPrefix}${secret.toString('base64')}`
}

/** What is signed: the message's id, when this attempt was made (ms since 1970), and its body. */
export interface SignedContent {
  readonly id: string
  readonly at: number
  readonly body: string
}

/**
 * The headers of one attempt. While one secret takes the place of another both sign, so that a receiver may change at any moment
 * between. Source: Standard Webhooks, "Webhook Headers": HMAC-SHA256 over `id.timestamp.body`, in base64, after `v1,`.
 */
export function signedHeaders(
  secrets: readonly Buffer[],
  { id, at, body }: SignedContent,
): Readonly<Record<string, string>> {
  const timestamp = String(Math.floor(at / 1000))
  const signatures = secrets.map((secret) => {
    const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`)
    return `v1,${signature.digest('base64')}`
  })
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signatures.join(' '),
  }
}
