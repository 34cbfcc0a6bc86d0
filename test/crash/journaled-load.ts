import { randomUUID } from 'node:crypto'
import { showing } from '../support/keys.ts'
import { withDeadline } from './service-process.ts'

/** Clients that post at the same time, each on a connection that it keeps. */
const clients = 24
const answersMsMax = 20_000

/** A request that was sent, and how it was answered, if it was. */
export interface JournalEntry {
  readonly key: string
  /** The transaction that the answer named: from then on it may never be lost. */
  acknowledged: string | undefined
  /** The status of an answer that was not a 201. */
  refused: number | undefined
}

/** The two accounts between which every payment of 1.00 goes. */
export interface Accounts {
  readonly debit: string
  readonly credit: string
}

/** Where a service is, and the key that it asks for, if it does. */
export interface Target {
  readonly url: string
  readonly key?: string
}

/** Opens two accounts without floors. */
export async function openAccounts({ url, key }: Target): Promise<Accounts> {
  const open = async (accountType: string) => {
    const response = await fetch(`${url}/api/v1/accounts`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : showing(key)) },
      body: JSON.stringify({ name: 'an account', account_type: accountType, currency: 'USD' }),
    })
    return ((await response.json()) as { id: string }).id
  }
  return { debit: await open('asset'), credit: await open('liability') }
}

/** What a payment was answered with. */
export interface PaymentAnswer {
  readonly status: number
  readonly id: string
  readonly replayed: boolean
}

/** Posts a payment of 1.00 under a key. Rejects when there is no answer. */
export async function pay(
  { url, key }: Target,
  { debit, credit }: Accounts,
  idempotencyKey: string,
): Promise<PaymentAnswer> {
  const response = await fetch(`${url}/api/v1/transactions?mode=sync`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': idempotencyKey,
      ...(key === undefined ? {} : showing(key)),
    },
    body: JSON.stringify({
      currency: 'USD',
      entries: [
        { account_id: debit, direction: 'debit', amount: '1.00' },
        { account_id: credit, direction: 'credit', amount: '1.00' },
      ],
    }),
  })
  const { id } = (await response.json()) as { id: string }
  return { status: response.status, id, replayed: response.headers.has('idempotency-replayed') }
}

/**
 * A load that writes down each request before it is sent and each answer when it is there. Each client stops at its first
 * request without an answer, and all stop when told to.
 */
export class JournaledLoad {
  readonly journal: JournalEntry[] = []
  readonly #target: Target
  readonly #accounts: Accounts
  readonly #running: Promise<void>[]
  #answered = 0
  #awaited: { readonly answers: number; readonly reached: () => void } | undefined

  constructor(target: Target, accounts: Accounts) {
    this.#target = target
    this.#accounts = accounts
    this.#running = Array.from({ length: clients }, () => this.#client())
  }

  /** Resolves as soon as so many requests are answered; the others are under way then. */
  async untilAnswered(answers: number): Promise<void> {
    const reached = new Promise<void>((resolve) => {
      this.#awaited = { answers, reached: resolve }
    })
    await withDeadline(reached, answersMsMax, `${answers} answers did not come`)
  }

  /** Resolves when no client is left: the service is gone. */
  async untilOver(): Promise<void> {
    await withDeadline(Promise.all(this.#running), answersMsMax, 'the clients did not stop')
  }

  get acknowledged(): JournalEntry[] {
    return this.journal.filter((entry) => entry.acknowledged !== undefined)
  }

  get unanswered(): JournalEntry[] {
    return this.journal.filter(
      (entry) => entry.acknowledged === undefined && entry.refused === undefined,
    )
  }

  async #client(): Promise<void> {
    for (;;) {
      const entry: JournalEntry = { key: randomUUID(), acknowledged: undefined, refused: undefined }
      this.journal.push(entry)
      try {
        const { status, id } = await pay(this.#target, this.#accounts, entry.key)
        if (status === 201) entry.acknowledged = id
        else entry.refused = status
      } catch {
        return
      }
      this.#answered += 1
      if (this.#answered === this.#awaited?.answers) this.#awaited.reached()
    }
  }
}

/** Does `work` for each item, some at a time. */
export async function forEachOf<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const left = [...items]
  const turns = Array.from({ length: clients }, async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item)
  })
  await Promise.all(turns)
}
