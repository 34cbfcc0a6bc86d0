import { readFile } from 'node:fs/promises'
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  decodeProtectedHeader,
  errors,
  jwtVerify,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  type JWTVerifyOptions,
} from 'jose'
import { isRole } from '../../../shared/access/role.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import type { Credential } from './credential.ts'
import type { LedgerNames } from './ledger-names.ts'

/** Which tokens are taken. */
export interface TokenRules {
  readonly issuer: string
  readonly audience: string
  /** A token is taken for so long after it was issued, whatever it says of its end. */
  readonly maxAgeS: number
  /** For HS256: the secret in use and, while it changes, the other one. */
  readonly secrets: readonly string[]
  /** For RS256 and ES256: a file or an address with a JSON Web Key Set. */
  readonly jwks: string | undefined
}

/** How a token was judged: good, no token of ours (somebody may be guessing), or one of ours that does not serve. */
export type TokenJudgement =
  { readonly credential: Credential } | { readonly wrong: 'forged' | 'unfit' }

/** What a token says for all ledgers in its claim `ledger`. */
const allLedgers = '*'

/** A subject names its holder in logs and in the audit log: one line, and not a long one. */
const subjectForm = /^[^\p{Cc}\p{Cs}]{1,200}$/u

/** Clocks of two machines differ a little. */
const clockToleranceS = 5

/** How long a judgement is kept: a key that is taken out of the set stops opening within a minute. */
const keptMsMax = 60_000
const tokensKeptMax = 10_000
const fetchTimeoutMs = 3000

/** When to try again after the set of keys could not be fetched. */
const retryAfterS = 5

/**
 * JSON Web Tokens as credentials. The algorithm follows from the kind of key and never from the token alone: a secret verifies
 * HS256 and nothing else, the key set RS256 and ES256. Source: RFC 8725, 3.1.
 */
export class Tokens {
  readonly #rules: TokenRules
  readonly #names: LedgerNames
  readonly #secrets: readonly Uint8Array[]
  readonly #keySet: JWTVerifyGetKey | undefined
  readonly #kept = new Map<string, { readonly credential: Credential; readonly untilMs: number }>()

  private constructor(rules: TokenRules, names: LedgerNames, keySet: JWTVerifyGetKey | undefined) {
    this.#rules = rules
    this.#names = names
    this.#secrets = rules.secrets.map((secret) => new TextEncoder().encode(secret))
    this.#keySet = keySet
  }

  /** Reads the keys when they are in a file; those at an address are fetched when first needed. */
  static async of(rules: TokenRules, names: LedgerNames): Promise<Tokens> {
    return new Tokens(rules, names, rules.jwks === undefined ? undefined : await keySet(rules.jwks))
  }

  /** Whether this process has seen the token to be good before. */
  has(token: string): boolean {
    return this.#kept.has(token)
  }

  /** The credential of a token that was judged a moment ago. */
  recent(token: string): Credential | undefined {
    const kept = this.#kept.get(token)
    return kept !== undefined && Date.now() < kept.untilMs ? kept.credential : undefined
  }

  /** Judges a token. Rejects with a 503 when the keys cannot be fetched, with `StoreFailure` when its ledger cannot be found out. */
  async judge(token: string): Promise<TokenJudgement> {
    const now = Date.now()
    const verified = await this.#verify(token)
    if ('wrong' in verified) return verified
    const { payload } = verified
    const credential = await this.#credentialOf(payload)
    if (credential === undefined) return { wrong: 'unfit' }
    const { exp = 0, iat = 0 } = payload
    const untilMs = Math.min(exp * 1000, (iat + this.#rules.maxAgeS) * 1000, now + keptMsMax)
    if (this.#kept.size >= tokensKeptMax) this.#kept.clear()
    this.#kept.set(token, { credential, untilMs })
    return { credential }
  }

  async #verify(
    token: string,
  ): Promise<{ readonly payload: JWTPayload } | { readonly wrong: 'forged' | 'unfit' }> {
    const options: JWTVerifyOptions = {
      issuer: this.#rules.issuer,
      audience: this.#rules.audience,
      maxTokenAge: this.#rules.maxAgeS,
      clockTolerance: clockToleranceS,
      requiredClaims: ['exp', 'sub'],
    }
    try {
      return { payload: await this.#verifyWith(token, options) }
    } catch (error) {
      if (error instanceof errors.JWTExpired || error instanceof errors.JWTClaimValidationFailed) {
        return { wrong: 'unfit' }
      }
      if (error instanceof Problem) throw error
      return { wrong: 'forged' }
    }
  }

  async #verifyWith(token: string, options: JWTVerifyOptions): Promise<JWTPayload> {
    if (decodeProtectedHeader(token).alg !== 'HS256') {
      if (this.#keySet === undefined) throw new errors.JOSEAlgNotAllowed()
      const asymmetric = { ...options, algorithms: ['RS256', 'ES256'] }
      return (await jwtVerify(token, this.#keySet, asymmetric)).payload
    }
    let fault: unknown = new errors.JOSEAlgNotAllowed()
    for (const secret of this.#secrets) {
      try {
        return (await jwtVerify(token, secret, { ...options, algorithms: ['HS256'] })).payload
      } catch (error) {
        fault = error
        // Only a signature may be another secret's.
        if (!(error instanceof errors.JWSSignatureVerificationFailed)) break
      }
    }
    throw fault
  }

  async #credentialOf({ sub = '', role, ledger }: JWTPayload): Promise<Credential | undefined> {
    if (!subjectForm.test(sub) || !isRole(role) || typeof ledger !== 'string') return undefined
    const ledgerId = ledger === allLedgers ? null : await this.#names.idOf(ledger)
    return ledgerId === undefined ? undefined : { id: `jwt:${sub}`, role, ledgerId }
  }
}

async function keySet(place: string): Promise<JWTVerifyGetKey> {
  if (/^https?:\/\//.test(place)) {
    return knowingFaults(createRemoteJWKSet(new URL(place), { timeoutDuration: fetchTimeoutMs }))
  }
  try {
    return knowingFaults(
      createLocalJWKSet(JSON.parse(await readFile(place, 'utf8')) as JSONWebKeySet),
    )
  } catch (cause) {
    throw new Error('JWT_JWKS names no file with a JSON Web Key Set', { cause })
  }
}

/** Tells a token that names no key of the set from keys that cannot be had: that is no fault of the caller's. */
function knowingFaults(find: JWTVerifyGetKey): JWTVerifyGetKey {
  return async (header, token) => {
    try {
      return await find(header, token)
    } catch (error) {
      if (faultsOfTokens.some((kind) => error instanceof kind)) throw error
      throw new Problem('token_keys_unavailable', { retryAfterS }, error)
    }
  }
}

const faultsOfTokens = [
  errors.JWKSNoMatchingKey,
  errors.JWKSMultipleMatchingKeys,
  errors.JOSENotSupported,
]
