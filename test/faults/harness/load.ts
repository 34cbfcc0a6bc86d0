import { randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type { NewTransactionJson } from '../../support/api-client.ts'
import { payment } from '../../support/people.ts'
import { Journal, type Intent } from './journal.ts'
import type { ServiceProcess } from './service-process.ts'
import { until } from './until.ts'

/** How long a sender waits for one answer before it calls the outcome unknown. */
const answerMsMax = 20_000

/** How long a sender goes on with one unknown request after the load was told to end. */
const lastChanceMs = 60_000

/** Whom load is sent to. */
export interface Target {
  readonly apis: readonly { readonly process: ServiceProcess }[]
}

/** Who takes part: accounts that the senders move money between. */
export interface Cast {
  /** In every payment: the account behind the wallets. */
  readonly hub: string
  /** One for each ordered sender. */
  readonly ordered: readonly string[]
  /** Wallets that anybody pays into. */
  readonly wallets: readonly string[]
  /** A wallet with a floor and some money, which all try to empty. */
  readonly scarce: string
}

/** How many of each kind of sender there are, and how fast they go. */
export interface LoadOptions {
  /** Senders of one ordering key each, strictly one after the other. Default 6. */
  readonly ordered?: number
  /** Senders of synchronous payments. Default 4. */
  readonly sync?: number
  /** Senders of asynchronous payments in no order. Default 2. */
  readonly loose?: number
  /** Senders of the same payment to both APIs at once. Default 1. */
  readonly twins?: number
  /** Senders that try to empty the scarce wallet. Default 2. */
  readonly spenders?: number
  /** The pause between two payments of a sender. Default 4 ms. */
  readonly pauseMs?: number
}

/** Load that goes on until it is ended. */
export interface Load {
  readonly journal: Journal
  readonly cast: Cast
  /** For each ordered sender what it sent, in its order. */
  readonly sequences: readonly (readonly Intent[])[]
  /** Resolves when so many more have been acknowledged. */
  acknowledged(more: number, deadlineMs: number): Promise<void>
  /** Sends no more, and resolves when every sender knows what became of its last request. */
  end(): Promise<void>
}

/** More than a double can count: 2^53 + 1 cents. */
const largeAmount = '90071992547409.93'

/** Opens the accounts of a cast. */
export async function openCast(world: Target, orderedCount = 6): Promise<Cast> {
  const open = (name: string, account: object = {}) =>
    openAccount(world, { name, account_type: 'liability', currency: 'USD', ...account })
  const cast: Cast = {
    hub: await open('hub', { account_type: 'asset' }),
    ordered: await Promise.all(
      Array.from({ length: orderedCount }, (_, index) => open(`ordered ${index}`)),
    ),
    wallets: await Promise.all(Array.from({ length: 8 }, (_, index) => open(`wallet ${index}`))),
    scarce: await open('scarce', { min_available: '0' }),
  }
  const funded = payment({ debit: cast.hub, credit: cast.scarce, amount: '50.00' })
  const { status } = await send(world, 0, { mode: 'sync', body: funded })
  if (status !== 201) throw new Error(`the scarce wallet was not funded: ${status}`)
  return cast
}

/** Starts senders on all APIs of a world. */
export async function startLoad(world: Target, options: LoadOptions = {}): Promise<Load> {
  const { ordered = 6, sync = 4, loose = 2, twins = 1, spenders = 2, pauseMs = 4 } = options
  const cast = await openCast(world, ordered)
  const journal = new Journal(`r${randomBytes(4).toString('hex')}`)
  const sequences: Intent[][] = cast.ordered.map(() => [])
  let ending = Number.POSITIVE_INFINITY
  const goesOn = () => performance.now() < ending
  const mayTryAgain = () => performance.now() < ending + lastChanceMs
  const senders: Promise<void>[] = []
  const keyed = (reference: string) => `key-${reference}`

  const sender = (work: (round: number) => Promise<unknown>) => {
    senders.push(
      (async () => {
        for (let round = 0; goesOn(); round += 1) {
          await work(round)
          await sleep(pauseMs * (0.5 + Math.random()))
        }
      })(),
    )
  }
  const transfer = (debit: string, credit: string, round: number): NewTransactionJson =>
    payment({ debit, credit, amount: round % 50 === 7 ? largeAmount : `${1 + (round % 9)}.25` })
  const wallet = (round: number) => cast.wallets[round % cast.wallets.length] ?? cast.hub

  for (let number = 0; number < ordered; number += 1) {
    const account = cast.ordered[number] ?? cast.hub
    sender(async (round) => {
      // Every other sender names its key; the rest are ordered by the account of their first entry.
      const named = number % 2 === 0 ? { ordering_key: account } : {}
      const body = { ...transfer(account, wallet(round), round), ...named }
      const intent = journal.intend({ key: keyed, mode: 'async', body })
      sequences[number]?.push(intent)
      await deliver(world, journal, intent, round, mayTryAgain)
    })
  }
  for (let number = 0; number < sync; number += 1) {
    sender(async (round) => {
      // One in eight has no key: it is sent once.
      const key = round % 8 === 3 ? () => null : keyed
      const to = cast.ordered[(round + number) % ordered] ?? cast.hub
      const body = transfer(cast.hub, round % 3 === 0 ? to : wallet(round + number), round)
      const intent = journal.intend({ key, mode: 'sync', body })
      await deliver(world, journal, intent, round + number, mayTryAgain)
    })
  }
  for (let number = 0; number < loose; number += 1) {
    sender(async (round) => {
      const key = round % 8 === 3 ? () => null : keyed
      const body = transfer(wallet(round + number), cast.hub, round)
      const intent = journal.intend({ key, mode: 'async', body })
      await deliver(world, journal, intent, round + number, mayTryAgain)
    })
  }
  for (let number = 0; number < twins; number += 1) {
    sender(async (round) => {
      const mode = round % 2 === 0 ? 'sync' : 'async'
      const body = transfer(cast.hub, wallet(round), round)
      const intent = journal.intend({ key: keyed, mode, body })
      await Promise.all([
        deliver(world, journal, intent, 0, mayTryAgain),
        deliver(world, journal, intent, 1, mayTryAgain),
      ])
    })
  }
  for (let number = 0; number < spenders; number += 1) {
    sender(async (round) => {
      const body = payment({ debit: cast.scarce, credit: wallet(round), amount: '0.75' })
      const mode = (round + number) % 2 === 0 ? 'sync' : 'async'
      const intent = journal.intend({ key: keyed, mode, body, mayBeRefused: true })
      await deliver(world, journal, intent, round, mayTryAgain)
      // Emptied, it is watched at leisure.
      if (intent.standing === 'refused') await sleep(50)
    })
  }

  return {
    journal,
    cast,
    sequences,
    acknowledged: async (more, deadlineMs) => {
      const known = () => journal.intents.length - journal.count('unknown')
      const wanted = known() + more
      await until(`${more} more acknowledged`, deadlineMs, () => known() >= wanted)
    },
    end: async () => {
      ending = performance.now()
      await Promise.all(senders)
    },
  }
}

/**
 * Sends an intent until it has a telling answer: to one API after the other, with the same key. Without a key it is
 * sent once.
 */
export async function deliver(
  world: Target,
  journal: Journal,
  intent: Intent,
  first: number,
  mayTryAgain: () => boolean,
): Promise<void> {
  for (let attempt = first; ; attempt += 1) {
    intent.attempts += 1
    const begun = performance.now()
    const answer = await send(world, attempt, intent)
    if (answer.status === 201 || answer.status === 202 || answer.status === 422) {
      intent.tookMs = performance.now() - begun
      note(journal, intent, answer)
      return
    }
    if (answer.status === 503 && answer.retryAfter === null) {
      journal.violate(`${intent.reference} got 503 without Retry-After`)
    } else if (answer.status !== 503 && answer.status !== 0) {
      return journal.violate(`${intent.reference} got ${answer.status} ${answer.code}`)
    }
    if (intent.key === null) {
      // Said to be certainly not done: then it may not be there.
      if (answer.code === 'store_unavailable' || answer.code === 'overloaded') {
        intent.standing = 'refused'
      }
      return
    }
    if (!mayTryAgain()) return journal.violate(`${intent.reference} got no answer to the end`)
    await sleep(20 + Math.random() * 80)
  }
}

function note(journal: Journal, intent: Intent, { status, code, id }: ApiAnswer): void {
  if (status !== 422) {
    journal.settle(intent, status === 201 ? 'posted' : 'accepted', id)
    return
  }
  if (!intent.mayBeRefused || code !== 'insufficient_funds') {
    journal.violate(`${intent.reference} was refused: ${code}`)
  }
  journal.settle(intent, 'refused', id)
}

/** What an API answered; status 0 when nothing came. */
export interface ApiAnswer {
  readonly status: number
  readonly code: string
  readonly id: string | undefined
  readonly retryAfter: string | null
  readonly ms: number
}

/** Sends one request to the API of this number, counted round. */
export async function send(
  world: Target,
  number: number,
  request: Pick<Intent, 'mode' | 'body'>,
): Promise<ApiAnswer> {
  const api = world.apis[number % world.apis.length]
  const begun = performance.now()
  const answer = (status: number, code: string, rest: Partial<ApiAnswer> = {}): ApiAnswer => ({
    status,
    code,
    id: undefined,
    retryAfter: null,
    ms: performance.now() - begun,
    ...rest,
  })
  const address = api?.process.address
  if (address === undefined) return answer(0, 'down')
  try {
    const response = await fetch(`${address}/api/v1/transactions?mode=${request.mode}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(request.body),
      signal: AbortSignal.timeout(answerMsMax),
    })
    const body = (await response.json()) as Record<string, unknown>
    const id = (body['id'] ?? body['transaction_id']) as string | undefined
    return answer(response.status, String(body['code'] ?? body['status']), {
      id,
      retryAfter: response.headers.get('retry-after'),
    })
  } catch {
    return answer(0, 'no_answer')
  }
}

async function openAccount(world: Target, account: object): Promise<string> {
  const response = await fetch(`${world.apis[0]?.process.address}/api/v1/accounts`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(account),
  })
  if (response.status !== 201) throw new Error(`no account: ${await response.text()}`)
  return ((await response.json()) as { id: string }).id
}
