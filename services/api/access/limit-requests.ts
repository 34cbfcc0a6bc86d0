import rateLimit, { normalizeIP, type FastifyRateLimitStore } from '@fastify/rate-limit'
import type { FastifyInstance } from 'fastify'
import type { SharedCounts } from '../../../shared/queue/queue.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import { Counts, windowMs } from './counts.ts'
import { openCredential } from './credential.ts'

/** How much is too much, in a minute; 0 for no limit. */
export interface Limits {
  /** Requests of one credential. */
  readonly requests: number
  /** Wrong credentials from one address. */
  readonly failedLogins: number
}

/** Somebody who has a range of IPv6 addresses is one address. */
const ipv6Subnet = 64

/** Limits each credential, once it is known. Without any credential there is no limit. */
export async function limitRequests(
  server: FastifyInstance,
  shared: SharedCounts | undefined,
  max: number,
): Promise<void> {
  if (max === 0) return
  const counts = new Counts('requests', shared)
  server.addHook('onClose', async () => counts.close())
  const never = {
    'x-ratelimit-limit': false,
    'x-ratelimit-remaining': false,
    'x-ratelimit-reset': false,
  }
  await server.register(rateLimit, {
    max,
    timeWindow: windowMs,
    keyGenerator: ({ credential }) => credential.id,
    allowList: ({ credential }) => credential === openCredential,
    addHeadersOnExceeding: never,
    addHeaders: { ...never, 'retry-after': false },
    errorResponseBuilder: (_request, { ttl }) =>
      tooMany(ttl, 'This credential has made too many requests.'),
    store: class CountingStore implements FastifyRateLimitStore {
      incr(name: string, callback: Parameters<FastifyRateLimitStore['incr']>[1]): void {
        callback(null, { current: counts.add(name), ttl: counts.msLeft })
      }

      child(): FastifyRateLimitStore {
        return this
      }
    },
  })
}

/** Counts wrong credentials by the address they come from. */
export class FailedLogins {
  readonly #counts: Counts
  readonly #max: number

  constructor(shared: SharedCounts | undefined, max: number) {
    this.#counts = new Counts('failed-logins', shared)
    this.#max = max
  }

  /** What an address is told that has shown too many; undefined while it has not. */
  refusal(address: string): Problem | undefined {
    if (this.#max === 0 || this.#counts.of(nameOf(address)) < this.#max) return undefined
    return tooMany(this.#counts.msLeft, 'Too many wrong credentials have come from this address.')
  }

  note(address: string): void {
    this.#counts.add(nameOf(address))
  }

  close(): void {
    this.#counts.close()
  }
}

function nameOf(address: string): string {
  return normalizeIP(address, ipv6Subnet)
}

function tooMany(msLeft: number, detail: string): Problem {
  return new Problem('rate_limited', { detail, retryAfterS: Math.max(1, Math.ceil(msLeft / 1000)) })
}
