import type { LedgerStore } from '../../../shared/store/ledger-store.ts'
import { invalidParts } from '../../../shared/wire/invalid-request.ts'
import { ledgerName } from '../../../shared/wire/ledger-listing.ts'
import type { Problem } from '../../../shared/wire/problems.ts'
import type { Credential } from './credential.ts'
import { KnownKeys } from './known-keys.ts'
import { LedgerNames } from './ledger-names.ts'

/** The ledger of a request that names none and whose credential belongs to all: the first migration makes it. */
export const defaultLedgerId = 1

/** How often an open service looks whether a first key was made. */
const watchMs = 400

/** Whether callers must show a credential: always, never, or from the moment that there is any. */
export type Asking = 'always' | 'never' | 'when_configured'

/** Knows callers by what they show, and the ledgers they mean. */
export class Gate {
  readonly #store: Pick<LedgerStore, 'apiKeys' | 'ledgers'>
  readonly #keys: KnownKeys
  readonly #names: LedgerNames
  #isOpen: boolean
  #watch: NodeJS.Timeout | undefined

  private constructor(store: Pick<LedgerStore, 'apiKeys' | 'ledgers'>, isOpen: boolean) {
    this.#store = store
    this.#keys = new KnownKeys(store.apiKeys)
    this.#names = new LedgerNames(store.ledgers)
    this.#isOpen = isOpen
  }

  /** Sets up a gate. One that is open because there is no credential closes by itself, within a second of the first. */
  static async of(store: Pick<LedgerStore, 'apiKeys' | 'ledgers'>, asking: Asking): Promise<Gate> {
    const isOpen =
      asking === 'never' || (asking === 'when_configured' && !(await store.apiKeys.any()))
    const gate = new Gate(store, isOpen)
    if (isOpen && asking === 'when_configured') gate.#watchForFirstKey()
    return gate
  }

  /** Whether anybody is let in as if an admin. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Whether a credential was good here before. */
  hasSeen(shown: string): boolean {
    return this.#keys.has(shown)
  }

  /** Tells whose credential it is, if that is known without looking it up: nearly always. */
  knows(shown: string): Credential | undefined {
    return this.#keys.recent(shown)
  }

  /** Looks a credential up; undefined when it is none, or good no more. One round trip. */
  lookUp(shown: string): Promise<Credential | undefined> {
    return this.#keys.read(shown)
  }

  /**
   * The ledger that a request is about: its credential's own, or the one it names in the header `Ledger`. A ledger of
   * others is refused like one that does not exist. At most one round trip, the first time a name is seen.
   */
  ledgerOf(
    credential: Credential,
    named: string | undefined,
  ): number | Problem | Promise<number | Problem> {
    if (named === undefined) return credential.ledgerId ?? defaultLedgerId
    if (!ledgerName.safeParse(named).success) return noSuchLedger()
    return this.#names.known(named) === undefined
      ? this.#names.idOf(named).then((id) => permitted(credential, id))
      : permitted(credential, this.#names.known(named))
  }

  close(): void {
    clearTimeout(this.#watch)
    this.#watch = undefined
  }

  #watchForFirstKey(): void {
    this.#watch = setTimeout(() => {
      this.#store.apiKeys
        .any()
        // A database that does not answer now answers later, and until then nobody does anything here.
        .catch(() => false)
        .then((isAny) => {
          if (isAny) this.#isOpen = false
          else if (this.#watch !== undefined) this.#watchForFirstKey()
        })
        .catch(() => undefined)
    }, watchMs)
    this.#watch.unref()
  }
}

function permitted({ ledgerId }: Credential, id: number | undefined): number | Problem {
  return id !== undefined && (ledgerId === null || ledgerId === id) ? id : noSuchLedger()
}

function noSuchLedger(): Problem {
  return invalidParts([{ pointer: 'headers/ledger', detail: 'names no ledger of this credential' }])
}
