import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Posting } from '../../shared/engine/post.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { Differences } from '../../shared/store/verify/differences.ts'
import { paceOf } from '../../shared/store/verify/pace.ts'
import { verifyEvents, type EventEvidence } from '../../shared/store/verify/verify-events.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { openVerifyingReader } from '../../shared/store/verify/verifying-reader.ts'
import { voidCommand } from '../../shared/wire/target-request.ts'
import { captureOf, commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { bookTransaction } from './books-by-hand.ts'
import { spoilable, type Spoilable } from './spoilable-books.ts'

const stores = [
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
]

const stranger = '01900000-0000-7000-8000-00000000ffff'
const day = 24 * 3600 * 1000

describe.each(stores)('verification of events on $name', ({ name, create }) => {
  let location: StoreLocation
  let store: LedgerStore
  let posting: Posting
  let cash: string
  let alice: string
  let bob: string
  let spoiled: Spoilable
  /** One transaction in each state that is told. */
  const ids = { first: '', posted: '', failed: '', held: '', captured: '', voided: '' }

  beforeAll(async () => {
    location = await create()
    store = (await openStore(location)).store
    posting = new Posting(store, new Metrics().posting)
    cash = await openAccount(store, 'asset')
    alice = await openAccount(store, 'liability', 0n)
    bob = await openAccount(store, 'liability', 0n)
    ids.first = await post(commandOf(payment({ debit: cash, credit: alice, amount: '100.00' })))
    ids.posted = await post(commandOf(payment({ debit: alice, credit: bob, amount: '1.00' })))
    const tooMuch = payment({ debit: bob, credit: alice, amount: '2.00', idempotency_key: 'no' })
    ids.failed = await post(commandOf(tooMuch))
    ids.held = await post(aside())
    ids.captured = await post(aside())
    await post(captureOf(await transaction(ids.captured), {}))
    ids.voided = await post(aside())
    await voidHold(ids.voided)
    spoiled = await spoilable(location)
  })
  afterAll(() => store.close())

  const aside = () =>
    commandOf(payment({ debit: alice, credit: bob, amount: '5.00', hold: { expires_in: 3600 } }))

  async function post(command: PostCommand): Promise<string> {
    const outcome = await posting.post(command)
    if (outcome.kind !== 'written') throw new Error(`not written: ${outcome.kind}`)
    return outcome.transaction.id
  }

  async function voidHold(id: string): Promise<void> {
    const outcome = await posting.post(voidCommand(await transaction(id), null))
    expect(outcome.kind).toBe('hold_changed')
  }

  async function transaction(id: string) {
    const found = await store.findTransaction(ledgerId, id)
    if (found === undefined) throw new Error('the transaction is not there')
    return found
  }

  /** What `verifyEvents` alone says of books. */
  async function judge(
    of: StoreLocation,
    keysAtOnce?: number,
  ): Promise<{ said: string[]; count: number; evidence: EventEvidence }> {
    const reader = openVerifyingReader(of)
    const differences = new Differences()
    try {
      // On SQLite nothing of a read waits: without a turn nobody would ever post meanwhile.
      const pace = paceOf(0)
      const options = keysAtOnce === undefined ? { pace } : { pace, keysAtOnce }
      const evidence = await verifyEvents(reader, ledgerId, differences, options)
      const said = differences.named.map(({ subject, detail }) => `${subject}: ${detail}`)
      return { said, count: differences.count, evidence }
    } finally {
      await reader.close()
    }
  }

  /** A time as SQL. */
  const at = (ms: number) => (name === 'sqlite' ? String(ms) : `to_timestamp(${ms} / 1000.0)`)
  const forget = (id: string, type = 'transaction.posted') =>
    `delete from events where subject_id = '${id}' and type = '${type}';`
  const tell = (type: string, id: string) =>
    `insert into events (ledger_id, position, type, subject_id, created_at)
     select ledger_id, position + 1, '${type}', '${id}', created_at from events
      where position = (select max(position) from events);`
  /** Puts a transaction and its event to another time. */
  const put = (id: string, ms: number) =>
    `update transactions set posted_at = ${at(ms)} where id = '${id}';
     update events set created_at = ${at(ms)} where subject_id = '${id}';`

  test('of what is right is clean and says since when all is told', async () => {
    const report = await verifyStore(location)
    expect(report.differences).toEqual([])
    const { postedAt } = await transaction(ids.first)
    // Three accounts, three holds of which two have ended, a capture, two payments and a refusal.
    expect(report.ledgers[0]?.told).toEqual({ events: 12, toldSince: postedAt })
  })

  test.each<[string, () => string, () => string[]]>([
    [
      'the event of a payment that was removed',
      () => forget(ids.posted),
      () => [`transaction ${ids.posted}: its event transaction.posted is not told`],
    ],
    [
      'the event of a refusal that was removed',
      () => forget(ids.failed, 'transaction.failed'),
      () => [`transaction ${ids.failed}: its event transaction.failed is not told`],
    ],
    [
      'the placing of a hold that was removed',
      () => forget(ids.held, 'transaction.held'),
      () => [`transaction ${ids.held}: its event transaction.held is not told`],
    ],
    [
      'the end of a hold that was removed',
      () => forget(ids.captured, 'hold.captured'),
      () => [`transaction ${ids.captured}: its event hold.captured is not told`],
    ],
    [
      'an event that is told twice',
      () => tell('transaction.posted', ids.posted),
      () => [`transaction ${ids.posted}: its event transaction.posted is told 2 times`],
    ],
    [
      'one told twice in the place of one that was removed',
      () => forget(ids.posted) + tell('hold.voided', ids.voided),
      () => [
        `transaction ${ids.posted}: its event transaction.posted is not told`,
        `transaction ${ids.voided}: its event hold.voided is told 2 times`,
      ],
    ],
    [
      'an event of another type than what happened',
      () => `update events set type = 'transaction.failed' where subject_id = '${ids.posted}'`,
      () => [
        `event N: transaction.failed is about transaction ${ids.posted}, which is posted`,
        `transaction ${ids.posted}: its event transaction.posted is not told`,
      ],
    ],
    [
      'an extension of what is no hold',
      () => tell('hold.extended', ids.posted),
      () => [`event N: hold.extended is about transaction ${ids.posted}, which is posted`],
    ],
    [
      'an event of no transaction',
      () => tell('transaction.posted', stranger),
      () => [`event N: transaction.posted is about transaction ${stranger}, which does not exist`],
    ],
    [
      'an event of no account',
      () => tell('account.updated', stranger),
      () => [`event N: account.updated is about account ${stranger}, which does not exist`],
    ],
    ['nothing in holds that are extended often', () => tell('hold.extended', ids.held), () => []],
    ['nothing in accounts that are told often', () => tell('account.updated', alice), () => []],
  ])('finds %s', async (_, sql, found) => {
    await spoiled.spoil(sql())
    const { said } = await judge(spoiled.location)
    expect(said.map((one) => one.replace(/^event \d+/, 'event N')).toSorted()).toEqual(
      found().toSorted(),
    )
  })

  test('is part of the whole, and finds events of a ledger that does not exist', async () => {
    await spoiled.spoil(
      forget(ids.posted) + `update events set ledger_id = 7 where subject_id = '${ids.failed}'`,
    )
    const { differences } = await verifyStore(spoiled.location)
    expect(differences.map(({ subject, detail }) => `${subject}: ${detail}`)).toEqual(
      expect.arrayContaining([
        'ledger 7: does not exist and has events',
        `transaction ${ids.posted}: its event transaction.posted is not told`,
      ]),
    )
  })

  test('asks for nothing that ended before the first transaction that is told', async () => {
    const now = Date.now()
    const past = (ms: number) => forget(ids.first) + put(ids.posted, now) + put(ids.first, now + ms)
    const rest = `delete from events where subject_id not in ('${ids.posted}');`
    const others = `delete from transactions where id not in ('${ids.first}', '${ids.posted}');`
    await spoiled.spoil(past(-1) + rest + others)
    expect(await judge(spoiled.location)).toMatchObject({
      said: [],
      evidence: { events: 1, toldSince: now },
    })
    await spoiled.spoil(past(0) + rest + others)
    expect((await judge(spoiled.location)).said).toEqual([
      `transaction ${ids.first}: its event transaction.posted is not told`,
    ])
  })

  test('asks for nothing in a ledger of which nothing is told', async () => {
    await spoiled.spoil('delete from events')
    const { said, evidence } = await judge(spoiled.location)
    expect(said).toEqual([])
    expect(evidence).toEqual({ events: 0, toldSince: undefined })
  })

  test('asks for nothing that was forgotten, and within a minute of it for nothing', async () => {
    const longAgo = Date.now() - 40 * day
    const others = `delete from transactions where id not in ('${ids.first}', '${ids.posted}');
      delete from events where subject_id not in ('${ids.first}', '${ids.posted}');`
    const forgotten = `insert into pruned_events (ledger_id, position) values (1, 1);`
    const missing = [`transaction ${ids.posted}: its event transaction.posted is not told`]
    const afterMs = async (ms: number, noted = forgotten) => {
      await spoiled.spoil(
        others +
          put(ids.first, longAgo) +
          put(ids.posted, longAgo + ms) +
          forget(ids.posted) +
          noted,
      )
      return (await judge(spoiled.location)).said
    }
    expect(await afterMs(59_999)).toEqual([])
    expect(await afterMs(60_000)).toEqual(missing)
    expect(await afterMs(59_999, '')).toEqual(missing)
  })

  test('names a hundred, a few at a time, and counts the others', async () => {
    const now = at(Date.now())
    const rows = Array.from({ length: 130 }, (_, index) =>
      bookTransaction(
        `01900000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`,
        'posted',
        now,
      ),
    )
    await spoiled.spoil(rows.join(';'))
    expect((await judge(spoiled.location)).count).toBe(130)
    const few = await judge(spoiled.location, 0)
    expect(new Set(few.said).size).toBe(100)
    // Each is in a bucket of its own, but for chance.
    expect(few.count).toBeGreaterThan(120)
    expect(few.count).toBeLessThanOrEqual(130)
  })

  test('is clean at every moment of posting', async () => {
    let going = true
    const writers = Array.from({ length: 8 }, async () => {
      for (let n = 0; n < 10; n += 1) {
        const held = await post(aside())
        await voidHold(held)
        await post(commandOf(payment({ debit: cash, credit: alice, amount: '1.00' })))
      }
    })
    const verified = (async () => {
      let times = 0
      for (; going; times += 1) {
        // One bucket at a time when they differ: nothing that ends meanwhile may count as a difference.
        expect((await judge(location, times % 2 === 0 ? 0 : undefined)).said).toEqual([])
      }
      return times
    })()
    await Promise.all(writers)
    going = false
    expect(await verified).toBeGreaterThan(0)
    expect((await judge(location)).evidence.events).toBe(12 + 3 * 8 * 10)
  })
})
