import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'

const cipher = 'aes-256-gcm'
const nonceBytes = 12
const tagBytes = 16

/** How a secret that no key protects begins, and one that is sealed. */
const openPrefix = 'plain:'
const sealedPrefix = 'aes256gcm:'

/**
 * Keeps the secrets that sign deliveries: with a key they are sealed (AES-256-GCM, bound to their endpoint), so that a copy of the
 * database signs nothing; without one they are kept as they are, and whoever reads the database reads them.
 */
export class SecretBox {
  readonly #keys: readonly Buffer[]

  /** The first key seals; all of them open, so that one may take the place of another. */
  constructor(keys: readonly Buffer[]) {
    this.#keys = keys
  }

  get isSealing(): boolean {
    return this.#keys.length > 0
  }

  seal(secret: Buffer, endpointId: string): string {
    const [key] = this.#keys
    if (key === undefined) return openPrefix + secret.toString('base64')
    const nonce = randomBytes(nonceBytes)
    const sealing = createCipheriv(cipher, key, nonce).setAAD(Buffer.from(endpointId))
    const sealed = Buffer.concat([sealing.update(secret), sealing.final()])
    return sealedPrefix + Buffer.concat([nonce, sealing.getAuthTag(), sealed]).toString('base64')
  }

  /** Opens what `seal` wrote; throws when no key of this process does. */
  open(kept: string, endpointId: string): Buffer {
    if (kept.startsWith(openPrefix)) return Buffer.from(kept.slice(openPrefix.length), 'base64')
    const bytes = Buffer.from(kept.slice(sealedPrefix.length), 'base64')
    for (const key of this.#keys) {
      const opened = openedWith(key, bytes, endpointId)
      if (opened !== undefined) return opened
    }
    throw new Error('no key of WEBHOOK_SECRET_KEY opens the secret of this endpoint')
  }
}

/** Undefined when it was sealed with another key or for another endpoint: GCM tells. */
function openedWith(key: Buffer, bytes: Buffer, endpointId: string): Buffer | undefined {
  const nonce = bytes.subarray(0, nonceBytes)
  const tag = bytes.subarray(nonceBytes, nonceBytes + tagBytes)
  try {
    const opening = createDecipheriv(cipher, key, nonce, { authTagLength: tagBytes })
      .setAAD(Buffer.from(endpointId))
      .setAuthTag(tag)
    return Buffer.concat([opening.update(bytes.subarray(nonceBytes + tagBytes)), opening.final()])
  } catch {
    return undefined
  }
}
