import { createHash, randomBytes } from 'node:crypto'
import type { Role } from './role.ts'

/** A key as it is stored: everything but the key itself. Times are ms since 1970. */
export interface ApiKey {
  readonly id: string
  /** What the key begins with: public, so that people can say which key they mean. */
  readonly prefix: string
  readonly name: string | null
  readonly role: Role
  /** The one ledger it belongs to; null for all. */
  readonly ledgerId: number | null
  readonly createdAt: number
  readonly expiresAt: number | null
  readonly revokedAt: number | null
}

/** A key that was just made. `key` is shown once and kept nowhere. */
export interface NewKey {
  readonly key: string
  readonly prefix: string
  readonly hash: Buffer
}

const prefixBytes = 6
const secretBytes = 32

const form = /^lf_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/

/** Makes a key: `lf_`, 12 public digits, and 256 random bits. */
export function newKey(): NewKey {
  const prefix = `lf_${randomBytes(prefixBytes).toString('hex')}`
  const key = `${prefix}_${randomBytes(secretBytes).toString('base64url')}`
  return { key, prefix, hash: hashOf(key) }
}

/** Whether a text has the form of a key; what has not is refused without a look into the database. */
export function isKey(text: string): boolean {
  return form.test(text)
}

/**
 * What is stored of a key, and what it is found by. SHA-256 and no slow hash: those make guessing dear where secrets are short
 * and chosen by people. Nobody guesses 256 random bits, and a service computes this again and again. That a lookup by the
 * hash takes longer when more of it agrees helps nobody who cannot choose the hash.
 */
export function hashOf(key: string): Buffer {
  return createHash('sha256').update(key).digest()
}

/** Whether a key is good at a time. */
export function isGood({ expiresAt, revokedAt }: ApiKey, now: number): boolean {
  return revokedAt === null && (expiresAt === null || now < expiresAt)
}
