import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountTypes } from '../../shared/ledger/account.ts'
import { minorUnits, minorUnitsMax, parseDecimal } from '../../shared/ledger/money.ts'
import type {
  AccountEntryJson,
  Answer,
  ApiClient,
  BalanceJson,
  NewTransactionJson,
  TransactionJson,
} from '../support/api-client.ts'
import { faultsOf, type Books } from '../support/books.ts'
import { targetRefusalCodes, type RefusalCode } from '../../shared/ledger/refusal.ts'
import { timelessMerits } from '../support/merits.ts'
import { shapes, type Service } from '../support/service.ts'

/** A client's wishes, naming accounts and keys by number so that they mean the same in every ledger. */
type Wish =
  | {
      readonly kind: 'post'
      readonly currency: string
      readonly moves: readonly Move[]
      readonly lopsided: boolean
      /** Sets the money aside, until then. */
      readonly holdUntil: string | null
      /** The version that the first account must have. */
      readonly version: number | null
      readonly key: number | null
    }
  /** Asks for something of an earlier transaction, the newest being 0. */
  | {
      readonly kind: 'about'
      readonly what: 'capture' | 'reverse' | 'void' | 'extend'
      readonly target: number
      readonly amount: string | null
      readonly final: boolean
      readonly key: number | null
    }
  /** Repeats an earlier wish, whichever there is. */
  | { readonly kind: 'again'; readonly back: number }
  | { readonly kind: 'change'; readonly account: number; readonly change: object }

interface Move {
  readonly debit: number
  readonly credit: number
  readonly amount: string
}

interface Story {
  readonly accounts: readonly object[]
  readonly wishes: readonly Wish[]
}

/** Within what a hold may last. */
const inAMonth = new Date(Date.now() + 30 * 24 * 3600 * 1000).toISOString()

const amounts = fc.oneof(
  { weight: 24, arbitrary: fc.constantFrom('1.00', '2.5', '3', '0.01', '10.00') },
  { weight: 1, arbitrary: fc.constantFrom('0.00', '1.001', '0', `1${'0'.repeat(36)}`) },
  { weight: 1, arbitrary: fc.constantFrom(`${'9'.repeat(36)}.99`, `5${'0'.repeat(35)}`) },
)
const currencies = fc.oneof(
  { weight: 20, arbitrary: fc.constant('USD') },
  { weight: 1, arbitrary: fc.constantFrom('EUR', 'NOPE') },
)
/** The last number names an account that does not exist. */
const accountNumbers = fc.oneof(
  { weight: 60, arbitrary: fc.nat({ max: 3 }) },
  { weight: 1, arbitrary: fc.constant(4) },
)
const keys = fc.oneof(
  { weight: 2, arbitrary: fc.constant(null) },
  { weight: 1, arbitrary: fc.nat({ max: 4 }) },
)
const wishes = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('post' as const),
      currency: currencies,
      moves: fc.array(
        fc.record({ debit: accountNumbers, credit: accountNumbers, amount: amounts }),
        { minLength: 1, maxLength: 3 },
      ),
      lopsided: fc.integer({ min: 0, max: 11 }).map((n) => n === 0),
      holdUntil: fc.oneof(
        { weight: 6, arbitrary: fc.constant(null) },
        {
          weight: 4,
          arbitrary: fc.constantFrom(inAMonth, inAMonth, inAMonth, '2026-01-31T12:00:00.000Z'),
        },
      ),
      version: fc.oneof(
        { weight: 19, arbitrary: fc.constant(null) },
        { weight: 1, arbitrary: fc.nat({ max: 2 }) },
      ),
      key: keys,
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      kind: fc.constant('about' as const),
      what: fc.constantFrom('capture', 'capture', 'void', 'void', 'reverse', 'reverse', 'extend'),
      target: fc.constantFrom(0, 0, 0, 1, 2, 3),
      amount: fc.oneof(fc.constant(null), fc.constantFrom('0.01', '1', '2.50', '100.00', '100.00')),
      final: fc.boolean(),
      key: keys,
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('again' as const),
      back: fc.integer({ min: 1, max: 3 }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('change' as const),
      account: fc.nat({ max: 3 }),
      change: fc.constantFrom(
        { status: 'frozen' },
        { status: 'active' },
        { status: 'active' },
        { status: 'closed' },
        { min_available: null },
        { min_available: '-3.00' },
        { min_available: '5.00' },
      ),
    }),
  },
)
const stories: fc.Arbitrary<Story> = fc.record({
  accounts: fc.array(
    fc.record({
      name: fc.constant('someone'),
      account_type: fc.constantFrom(...accountTypes),
      currency: fc.oneof(
        { weight: 19, arbitrary: fc.constant('USD') },
        { weight: 1, arbitrary: fc.constant('EUR') },
      ),
      min_available: fc.constantFrom(null, null, null, null, '0.00', '-5.00', '2.00'),
    }),
    { minLength: 4, maxLength: 4 },
  ),
  wishes: fc.array(wishes, { minLength: 5, maxLength: 16, size: 'max' }),
})

const [moved, held] = [null, inAMonth].map((holdUntil) => ({
  kind: 'post' as const,
  currency: 'USD',
  moves: [{ debit: 0, credit: 1, amount: '3' }],
  lopsided: false,
  holdUntil,
  version: null,
  key: null,
}))
const about = (what: (Wish & { kind: 'about' })['what'], amount: string | null, final = true) =>
  ({ kind: 'about', what, target: 0, amount, final, key: null }) as const

/** Every end that a hold and a payment can come to, and what is refused after it: rare among stories at random. */
const endings: Story = {
  accounts: Array.from({ length: 4 }, () => ({
    name: 'someone',
    account_type: 'asset',
    currency: 'USD',
  })),
  wishes: [
    moved,
    about('reverse', '100.00'),
    about('reverse', '1'),
    about('reverse', null),
    about('reverse', null),
    about('capture', null),
    held,
    about('reverse', null),
    about('extend', null),
    about('void', null),
    about('void', null),
    about('capture', null),
    held,
    about('capture', '100.00'),
    about('capture', '1', false),
    about('capture', '1'),
    about('capture', null),
    about('extend', null),
  ].filter((wish) => wish !== undefined),
}

/** One answer. */
interface Told {
  readonly status: number
  readonly replayed: boolean
  readonly json: unknown
}

/** What a story led to in one ledger. */
interface Ending {
  /** Each answer with the ids and times of its own ledger replaced by what they stand for. */
  readonly told: readonly Told[]
  readonly books: Books
}

/** What the stories are refused for when they ask for something of a transaction; none of them lasts as long as a hold. */
const ofTargets: readonly RefusalCode[] = targetRefusalCodes.filter(
  (code) => code !== 'hold_expired' && code !== 'amount_ambiguous',
)

let storiesLived = 0

/** Lives a story in a ledger that others may be living in too. */
async function live(story: Story, number: number, api: ApiClient): Promise<Ending> {
  const accounts: string[] = []
  const names = new Map<string, string>()
  for (const account of story.accounts) {
    const { id } = (await api.post<{ id: string }>('/api/v1/accounts', account)).body
    names.set(id, `account ${accounts.length}`)
    accounts.push(id)
  }
  const idOf = (account: number) => accounts[account] ?? '00000000-0000-7000-8000-000000000000'

  const told: Told[] = []
  const made: string[] = []
  for (const at of story.wishes.keys()) {
    const wish = originalOf(story, at)
    if (wish === undefined) continue
    const answer = await answerTo(wish, api, { idOf, made, number })
    if (answer === undefined) continue
    const json = answer.status < 400 ? answer.body : answer.problem
    if (answer.status === 201) {
      const { id: newest } = answer.body as { id: string }
      // What was captured or reversed stays within reach, and what captured or reversed it is farther away.
      if (wish.kind === 'post') made.push(newest)
      else made.unshift(newest)
    }
    const { status, replayed } = answer
    told.push({ status, replayed, json: withoutNames(withoutMode(json, wish), names) })
  }
  return { told, books: await booksOf(api, accounts) }
}

/** A wish that repeats no other. */
type Made = Exclude<Wish, { kind: 'again' }>

/** What a wish is made in. */
interface Telling {
  readonly idOf: (account: number) => string
  readonly made: readonly string[]
  readonly number: number
}

/** Sends a wish; undefined when it is about a transaction and there is none yet. */
function answerTo(
  wish: Made,
  api: ApiClient,
  { idOf, made, number }: Telling,
): Promise<Answer<unknown>> | undefined {
  if (wish.kind === 'change') {
    return api.patch(`/api/v1/accounts/${idOf(wish.account)}`, wish.change)
  }
  if (wish.kind === 'post') return api.postTransaction(requestOf(wish, idOf, number))
  const id = made.at(-1 - wish.target)
  if (id === undefined) return undefined
  const { what, amount, final } = wish
  const key = { idempotency_key: keyOf(wish, number) }
  switch (what) {
    case 'capture':
      return api.capture(id, { amount, final, ...key })
    case 'reverse':
      return api.reverse(id, { amount, ...key })
    case 'void':
      return api.void(id, key)
    case 'extend':
      return api.extend(id, { expires_at: inAMonth, ...key })
  }
}

function keyOf({ key }: { readonly key: number | null }, story: number): string | null {
  return key === null ? null : `story ${story}, key ${key}`
}

/** What is wished for at a place of the story; undefined when it repeats what is before the beginning. */
function originalOf(story: Story, at: number): Made | undefined {
  const wish = story.wishes[at]
  return wish?.kind === 'again' ? originalOf(story, at - wish.back) : wish
}

function requestOf(
  wish: Wish & { kind: 'post' },
  idOf: (n: number) => string,
  story: number,
): NewTransactionJson {
  const entries = wish.moves.flatMap(({ debit, credit, amount }) => [
    { account_id: idOf(debit), direction: 'debit' as const, amount },
    { account_id: idOf(credit), direction: 'credit' as const, amount },
  ])
  return {
    currency: wish.currency,
    entries: wish.lopsided ? entries.slice(0, -1) : entries,
    idempotency_key: keyOf(wish, story),
    hold: wish.holdUntil === null ? null : { expires_at: wish.holdUntil },
    require: wish.version === null ? null : [{ account_id: idOf(0), version: wish.version }],
  }
}

/**
 * Takes out what may differ between posting at once and queueing first: the states on the way, and the record of a refusal
 * that came after acceptance, also without a key.
 */
function withoutMode(json: unknown, wish: Made): unknown {
  const hidden = new Set(['status_history'])
  if (wish.kind !== 'change' && wish.key === null) hidden.add('transaction_id')
  return Object.fromEntries(Object.entries(json as object).filter(([name]) => !hidden.has(name)))
}

const time = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g
const id = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

/** Replaces ids by the order in which they were first seen, and times by nothing. */
function withoutNames(value: unknown, names: Map<string, string>): unknown {
  const text = JSON.stringify(value).replace(time, 'then')
  return JSON.parse(
    text.replace(id, (found) => {
      const name = names.get(found) ?? `transaction ${names.size}`
      names.set(found, name)
      return name
    }),
  )
}

/** The books of some accounts, as the API shows them. */
async function booksOf(api: ApiClient, accounts: readonly string[]): Promise<Books> {
  const balances = await Promise.all(accounts.map(async (account) => api.balance(account)))
  const lists = await Promise.all(
    accounts.map(async (account) => api.entries(account, { limit: 200 })),
  )
  const entries = lists.flatMap((list) => list.body.items.toReversed())
  const held = await Promise.all(
    accounts.map((account_id) => api.transactions({ account_id, status: 'held', limit: 200 })),
  )
  const holds = new Map(held.flatMap(({ body }) => body.items.map((hold) => [hold.id, hold])))
  return {
    accounts: balances.map(({ body }) => bookedAccount(body)),
    entries: runningEntries(entries),
    posted: [...new Set(entries.map((entry) => entry.transaction_id))],
    holds: [...holds.values()].flatMap(bookedHolds),
  }
}

function bookedHolds(hold: TransactionJson): Books['holds'] {
  return hold.entries.map(({ account_id, direction, amount, captured_amount = '0.00' }) => ({
    account_id,
    direction,
    remaining: parseDecimal(amount, 2) - parseDecimal(captured_amount, 2),
  }))
}

function bookedAccount(balance: BalanceJson): Books['accounts'][number] {
  return {
    id: balance.account_id,
    // Only the normal side matters here.
    account_type: balance.normal_side === 'debit' ? 'asset' : 'liability',
    currency: balance.currency,
    min_available: null,
    posted_debits: parseDecimal(balance.debits, 2),
    posted_credits: parseDecimal(balance.credits, 2),
    held_debits: parseDecimal(balance.held_debits, 2),
    held_credits: parseDecimal(balance.held_credits, 2),
    version: balance.version,
  }
}

/** The API does not show the running debits; they are added up here. */
function runningEntries(entries: readonly AccountEntryJson[]): Books['entries'] {
  const debits = new Map<string, bigint>()
  return entries.map((entry) => {
    const amount = parseDecimal(entry.amount, 2)
    const before = debits.get(entry.account_id) ?? 0n
    const debits_after = entry.direction === 'debit' ? before + amount : before
    debits.set(entry.account_id, debits_after)
    return { ...entry, amount, balance_after: parseDecimal(entry.balance_after, 2), debits_after }
  })
}

describe('any sequence of commands', () => {
  const ledgers: Service[] = []
  beforeAll(async () => {
    for (const shape of shapes) {
      const clientMode = shape.name.endsWith('BullMQ') ? 'async' : 'sync'
      ledgers.push(await shape.start({ clientMode }))
    }
  })
  afterAll(async () => {
    for (const ledger of ledgers) await ledger.close()
  })

  it('leaves right books and gives the same answers in every shape, at once or queued', async () => {
    await fc.assert(
      fc.asyncProperty(stories, async (story) => {
        storiesLived += 1
        const number = storiesLived
        const endings = await Promise.all(ledgers.map(({ api }) => live(story, number, api)))
        for (const { told, books } of endings) {
          expect(faultsOf(books)).toEqual([])
          expect(told).toEqual(endings[0]?.told)
        }
      }),
      { numRuns: 20, examples: [[endings]] },
    )
  }, 90_000)

  it('is varied enough to post, to be repeated, and to be refused for every reason', async () => {
    const codes = new Set<string>()
    for (const story of [endings, ...fc.sample(stories, { numRuns: 40, seed: 38 })]) {
      storiesLived += 1
      const { told } = await live(story, storiesLived, (ledgers[0] as Service).api)
      for (const { status, replayed, json } of told) {
        codes.add(status < 400 ? `ok ${status}` : (json as { code: string }).code)
        if (replayed) codes.add('replayed')
      }
    }
    const expected = [
      'ok 200',
      'ok 201',
      'replayed',
      'idempotency_key_reused',
      ...timelessMerits,
      ...ofTargets,
    ]
    expect(expected.filter((code) => !codes.has(code))).toEqual([])
  })
})

describe('the check of the books', () => {
  const account = (name: string, debits: bigint, credits: bigint): Books['accounts'][number] => ({
    id: name,
    account_type: name === 'cash' ? 'asset' : 'liability',
    currency: 'USD',
    min_available: null,
    posted_debits: debits,
    posted_credits: credits,
    held_debits: 0n,
    held_credits: 0n,
    version: 1,
  })
  const entry = (account_id: string, direction: string): Books['entries'][number] => ({
    account_id,
    account_version: 1,
    transaction_id: 't',
    direction,
    amount: 100n,
    balance_after: 100n,
    debits_after: direction === 'debit' ? 100n : 0n,
  })
  const right: Books = {
    accounts: [account('cash', 100n, 0n), account('alice', 0n, 100n)],
    entries: [entry('cash', 'debit'), entry('alice', 'credit')],
    posted: ['t'],
    holds: [],
  }
  const changed = (change: Partial<Books['entries'][number]>): Books => ({
    ...right,
    entries: [{ ...entry('cash', 'debit'), ...change }, entry('alice', 'credit')],
  })

  it('finds nothing wrong with right books', () => {
    expect(faultsOf(right)).toEqual([])
  })

  it.each<[string, Books]>([
    ['an amount that is a cent too large', changed({ amount: 101n })],
    ['an amount that is not positive', changed({ amount: 0n })],
    ['a running balance that is off', changed({ balance_after: 99n })],
    ['running debits that are off', changed({ debits_after: 99n })],
    ['a version that was left out', changed({ account_version: 2 })],
    ['an unknown account', changed({ account_id: 'nobody' })],
    ['an entry on the other side', changed({ direction: 'credit' })],
    ['an entry that is missing', { ...right, entries: right.entries.slice(1) }],
    ['a transaction that is not posted', { ...right, posted: [] }],
    ['a posted transaction without entries', { ...right, posted: ['t', 'u'] }],
    [
      'a stored total that is off',
      { ...right, accounts: [account('cash', 101n, 0n), account('alice', 0n, 100n)] },
    ],
    [
      'a held total of which no hold knows',
      {
        ...right,
        accounts: [{ ...account('cash', 100n, 0n), held_debits: 1n }, account('alice', 0n, 100n)],
      },
    ],
    [
      'a hold that no held total counts',
      { ...right, holds: [{ account_id: 'cash', direction: 'credit', remaining: 1n }] },
    ],
    [
      'a stored version that is off',
      {
        ...right,
        accounts: [{ ...account('cash', 100n, 0n), version: 2 }, account('alice', 0n, 100n)],
      },
    ],
  ])('finds %s', (_, books) => {
    expect(faultsOf(books)).not.toEqual([])
  })

  it('adds up beyond what a floating-point number holds', () => {
    const most = minorUnits(minorUnitsMax)
    const large = (all: Books, alice: bigint): Books => ({
      ...all,
      accounts: [account('cash', most, 0n), account('alice', 0n, alice)],
      entries: [
        { ...entry('cash', 'debit'), amount: most, balance_after: most, debits_after: most },
        { ...entry('alice', 'credit'), amount: alice, balance_after: alice },
      ],
    })
    expect(faultsOf(large(right, most))).toEqual([])
    expect(faultsOf(large(right, most - 1n))).not.toEqual([])
  })
})
