import { hashOf, isGood, type ApiKey } from '../../../shared/access/api-key.ts'
import type { ApiKeys } from '../../../shared/store/api-keys.ts'
import type { Credential } from './credential.ts'

/** How long what was read of a key is used. With the reading itself it stays under the second after which a revoked key is refused. */
const usedMsMax = 800

/** After this it is read again, while requests go on with what is known: a busy key never waits for the database. */
const freshMs = 400

/** Keys kept in memory; only good ones are. */
const keptMax = 10_000

interface Known {
  key: ApiKey
  credential: Credential
  /** When the reading began whose answer this is. */
  readAt: number
  reading: boolean
}

/** The keys of callers as this process knows them: each is read from the database at most every 400 ms. */
export class KnownKeys {
  readonly #keys: Pick<ApiKeys, 'find'>
  readonly #known = new Map<string, Known>()

  constructor(keys: Pick<ApiKeys, 'find'>) {
    this.#keys = keys
  }

  /** Whether this process has seen the key to be good before. */
  has(text: string): boolean {
    return this.#known.has(text)
  }

  /** The credential of a key that was read a moment ago; undefined when it must be read. */
  recent(text: string): Credential | undefined {
    const known = this.#known.get(text)
    if (known === undefined) return undefined
    const now = Date.now()
    const age = now - known.readAt
    if (age > usedMsMax || age < 0 || !isGood(known.key, now)) return undefined
    if (age > freshMs && !known.reading) {
      known.reading = true
      // Should it fail, whoever comes after the 800 ms reads again, and hears of it.
      this.read(text).then(
        () => undefined,
        () => {
          known.reading = false
        },
      )
    }
    return known.credential
  }

  /** Reads a key; undefined when there is none, or it is good no more. One round trip; rejects with `StoreFailure`. */
  async read(text: string): Promise<Credential | undefined> {
    const readAt = Date.now()
    const key = await this.#keys.find(hashOf(text))
    if (key === undefined || !isGood(key, Date.now())) {
      this.#known.delete(text)
      return undefined
    }
    const credential = { id: `key:${key.prefix}`, role: key.role, ledgerId: key.ledgerId }
    if (this.#known.size >= keptMax) this.#known.clear()
    this.#known.set(text, { key, credential, readAt, reading: false })
    return credential
  }
}
