import { isKey } from '../../../shared/access/api-key.ts'
import type { LedgerStore } from '../../../shared/store/ledger-store.ts'
import { invalidParts } from '../../../shared/wire/invalid-request.ts'
import { ledgerName } from '../../../shared/wire/ledger-listing.ts'
import type { Problem } from '../../../shared/wire/problems.ts'
import type { Credential } from './credential.ts'
import { KnownKeys } from './known-keys.ts'
import { LedgerNames } from './ledger-names.ts'
import { Tokens, type TokenJudgement, type TokenRules } from './tokens.ts'

/** The ledger of a request that names none and whose credential belongs to all: the first migration makes it. */
export const defaultLedgerId = 1

/** How often an open service looks whether a first key was made. */
const watchMs = 400

/** Whether callers must show a credential: always, never, or from the moment that there is any. */
export type Asking = 'always' | 'never' | 'when_configured'

/** How callers are known. */
export interface GateRules {
  readonly asking: Asking
  /** Which tokens are taken besides keys; none when undefined. */
  readonly tokens?: TokenRules | undefined
}

type Registers = Pick<LedgerStore, 'apiKeys' | 'ledgers'>

/** Knows callers by what they show, and the ledgers they mean. */
export class Gate {
  readonly #store: Registers
  readonly #keys: KnownKeys
  readonly #names: LedgerNames
  readonly #tokens: Tokens | undefined
  #isOpen: boolean
  #watch: NodeJS.Timeout | undefined

  private constructor(
    store: Registers,
    parts: {
      readonly names: LedgerNames
      readonly tokens: Tokens | undefined
      readonly isOpen: boolean
    },
  ) {
    this.#store = store
    this.#keys = new KnownKeys(store.apiKeys)
    this.#names = parts.names
    this.#tokens = parts.tokens
    this.#isOpen = parts.isOpen
  }

  /** Sets up a gate. One that is open because there is no credential closes by itself, within a second of the first key. */
  static async of(store: Registers, { asking, tokens: rules }: GateRules): Promise<Gate> {
    const names = new LedgerNames(store.ledgers)
    const tokens = rules === undefined ? undefined : await Tokens.of(rules, names)
    const isAny = async () => tokens !== undefined || (await store.apiKeys.any())
    const isOpen = asking === 'never' || (asking === 'when_configured' && !(await isAny()))
    const gate = new Gate(store, { names, tokens, isOpen })
    if (isOpen && asking === 'when_configured') gate.#watchForFirstKey()
    return gate
  }

  /** Whether anybody is let in as if an admin. */
  get isOpen(): boolean {
    return this.#isOpen
  }

  /** Tells whose credential it is, if that is known without looking it up: nearly always. */
  knows(shown: string): Credential | undefined {
    return isKey(shown) ? this.#keys.recent(shown) : this.#tokens?.recent(shown)
  }

  /** Whether a credential was good here before. */
  hasSeen(shown: string): boolean {
    return isKey(shown) ? this.#keys.has(shown) : this.#tokens?.has(shown) === true
  }

  /**
   * Looks a credential up. Of a key at most one round trip, of a token one for a ledger that is new here, and now and then
   * one for the keys it is signed with.
   */
  async lookUp(shown: string): Promise<TokenJudgement> {
    if (!isKey(shown)) return (await this.#tokens?.judge(shown)) ?? { wrong: 'forged' }
    const credential = await this.#keys.read(shown)
    return credential === undefined ? { wrong: 'forged' } : { credential }
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
