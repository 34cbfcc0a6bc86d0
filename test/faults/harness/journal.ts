import type { NewTransactionJson } from '../../support/api-client.ts'

/** How a request stands with its sender. `unknown`: sent, and no telling answer came. */
export type Standing = 'unknown' | 'accepted' | 'posted' | 'refused'

/** One wish to move money, noted before it is sent, with what became of it. */
export interface Intent {
  /** Unique: by it the transaction is found in the database. */
  readonly reference: string
  readonly key: string | null
  readonly mode: 'sync' | 'async'
  readonly body: NewTransactionJson
  /** Whether the ledger may refuse it on its merits; all others are valid payments. */
  readonly mayBeRefused: boolean
  standing: Standing
  transactionId: string | undefined
  /** How often it was sent. */
  attempts: number
  /** How long the first telling answer took, from the attempt that got it. */
  tookMs: number
  /** Where it came in the order of acknowledgements of this run. */
  acknowledged: number | undefined
}

/** Violations that are named; more of them say nothing new. */
const violationsMax = 10

/** What all senders of a run wanted and were told. */
export class Journal {
  readonly intents: Intent[] = []
  /** Answers that no fault excuses. */
  readonly violations: string[] = []
  #acknowledged = 0
  #references = 0
  readonly #run: string

  /** `run` sets the references of one run apart from those of another in the same database. */
  constructor(run: string) {
    this.#run = run
  }

  /** Notes an intent. */
  intend(wish: {
    readonly key: (reference: string) => string | null
    readonly mode: Intent['mode']
    readonly body: NewTransactionJson
    readonly mayBeRefused?: boolean
  }): Intent {
    this.#references += 1
    const reference = `${this.#run}-${this.#references}`
    const key = wish.key(reference)
    const intent: Intent = {
      reference,
      key,
      mode: wish.mode,
      body: { ...wish.body, reference, ...(key === null ? {} : { idempotency_key: key }) },
      mayBeRefused: wish.mayBeRefused ?? false,
      standing: 'unknown',
      transactionId: undefined,
      attempts: 0,
      tookMs: 0,
      acknowledged: undefined,
    }
    this.intents.push(intent)
    return intent
  }

  /** Notes an answer that settles an intent. */
  settle(intent: Intent, standing: Standing, transactionId: string | undefined): void {
    if (intent.transactionId !== undefined && intent.transactionId !== transactionId) {
      this.violate(`${intent.reference} was ${intent.transactionId} and became ${transactionId}`)
    }
    intent.standing = standing
    intent.transactionId = transactionId
    this.#acknowledged += 1
    intent.acknowledged ??= this.#acknowledged
  }

  violate(what: string): void {
    if (this.violations.length < violationsMax) this.violations.push(what)
  }

  count(standing: Standing): number {
    return this.intents.filter((intent) => intent.standing === standing).length
  }

  /** The times of the answers of some kind, shortest first. */
  timesOf(standing: Standing, from = 0): number[] {
    return this.intents
      .slice(from)
      .filter((intent) => intent.standing === standing)
      .map((intent) => intent.tookMs)
      .toSorted((a, b) => a - b)
  }
}
