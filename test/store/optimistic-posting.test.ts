import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { decideBatch } from '../../shared/engine/decide-batch.ts'
import type { ChainedAccount } from '../../shared/engine/entry-chain.ts'
import { newId } from '../../shared/engine/new-id.ts'
import { Posting, readsOf } from '../../shared/engine/post.ts'
import type { PostCommand, PostOutcome } from '../../shared/engine/post-command.ts'
import { minorUnits } from '../../shared/ledger/money.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { Contention } from '../../shared/store/postgres/contention.ts'
import { DatabaseClock } from '../../shared/store/postgres/database-clock.ts'
import { KnownAccounts } from '../../shared/store/postgres/known-accounts.ts'
import { unwatched } from '../../shared/store/store-watch.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { corrupting, poison } from '../support/faulty-stores.ts'
import { payment, type Payment } from '../support/people.ts'
import { until } from '../support/until.ts'

describe('posting ahead of the lock', () => {
  let url: string
  /** One process, and what its batches that were decided ahead have come to. */
  let store: LedgerStore
  const ahead: boolean[] = []
  /** Another process. */
  let other: LedgerStore
  beforeAll(async () => {
    url = await createPostgresDatabase()
    other = (await openStore({ dialect: 'postgres', url })).store
  })
  afterAll(() => other.close())

  let cash: string
  let alice: string
  beforeEach(async () => {
    const watch = { ...unwatched, postedAhead: (agreed: boolean) => void ahead.push(agreed) }
    store = (await openStore({ dialect: 'postgres', url }, watch)).store
    cash = await openAccount(store, 'asset')
    alice = await openAccount(store, 'liability', 0n)
    await goAhead()
    return () => store.close()
  })

  const pay = (more: Partial<Payment> = {}): PostCommand =>
    commandOf(payment({ debit: cash, credit: alice, amount: '1.00', ...more }))
  const post = (command: PostCommand, by: LedgerStore = store): Promise<PostOutcome> =>
    new Posting(by, new Metrics().posting).post(command)
  const balance = async () => (await store.findAccount(ledgerId, alice))?.postedCredits

  /** Posts until a payment between the two is decided ahead: the first ones are not, and some after one that was in vain. */
  async function goAhead(): Promise<void> {
    ahead.length = 0
    await until('a payment is decided ahead', async () => {
      await post(pay())
      return ahead.at(-1)
    })
    ahead.length = 0
  }

  it('is done in the order of arrival, each batch by what the one before it leaves', async () => {
    const before = await balance()
    const posting = new Posting(store, new Metrics().posting)
    const outcomes = await Promise.all(
      Array.from({ length: 300 }, async () => {
        const outcome = await posting.post(pay())
        await posting.post(pay({ debit: alice, credit: cash, amount: '0.50' }))
        return outcome
      }),
    )
    expect(outcomes.every(({ kind }) => kind === 'written')).toBe(true)
    expect(await balance()).toBe((before ?? 0n) + 30_000n)
    expect(ahead).toContain(true)
  })

  const changes: readonly (readonly [
    title: string,
    change: () => Promise<unknown>,
    code: string,
  ])[] = [
    [
      'posted to an account',
      async () => {
        const all = ((await balance()) ?? 0n) / 100n
        return post(pay({ debit: alice, credit: cash, amount: `${all}.00` }), other)
      },
      'insufficient_funds',
    ],
    [
      'set money of it aside',
      async () => {
        const all = ((await balance()) ?? 0n) / 100n
        const hold = { expires_in: 60 }
        return post(pay({ debit: alice, credit: cash, amount: `${all}.00`, hold }), other)
      },
      'insufficient_funds',
    ],
    [
      'frozen it',
      () => other.changeAccount(ledgerId, alice, { status: 'frozen' }),
      'account_not_active',
    ],
    [
      'given it another limit',
      () => other.changeAccount(ledgerId, alice, { minAvailable: minorUnits(1_000_000n) }),
      'insufficient_funds',
    ],
  ]
  it.each(changes)('is done over where another process has %s', async (_, change, code) => {
    await change()
    const outcome = await post(pay({ debit: alice, credit: cash }))
    expect(ahead).not.toContain(true)
    expect(outcome).toMatchObject({ kind: 'refused', refusal: { code } })
  })

  it('finds a key that another process has used between other accounts', async () => {
    const idempotency_key = randomUUID()
    const [debit, credit] = [await openAccount(other, 'asset'), await openAccount(other, 'asset')]
    await post(pay({ debit, credit, idempotency_key }), other)
    expect(await post(pay({ idempotency_key }))).toMatchObject({ kind: 'key_reused' })
    expect(ahead).not.toContain(true)
  })

  it('is left for the lock where somebody holds an account, and goes on ahead afterwards', async () => {
    const before = (await balance()) ?? 0n
    await withClient(url, async (client) => {
      await client.query(`begin; select 1 from accounts where id = '${alice}' for update`)
      const paid = post(pay())
      await until('it was sent ahead in vain', () => ahead.length > 0)
      await client.query('rollback')
      await paid
    })
    expect(ahead).not.toContain(true)
    expect(await balance()).toBe(before + 100n)
    await goAhead()
  })

  it('answers what is refused by the guards, and those around it that were decided by it', async () => {
    const before = (await balance()) ?? 0n
    const posting = new Posting(corrupting(store), new Metrics().posting)
    const ends = await Promise.allSettled(
      Array.from({ length: 200 }, (_, at) =>
        posting.post(pay(at % 50 === 20 ? { reference: poison } : {})),
      ),
    )
    expect(ends.filter(({ status }) => status === 'rejected')).toHaveLength(4)
    expect(await balance()).toBe(before + 196n * 100n)
    await goAhead()
  })

  it('is no way to try again what may have happened: that is looked for', async () => {
    const command = pay()
    await post(command)
    const found: unknown[] = []
    await store.post(readsOf([command], true), (state) => {
      found.push(...state.standing)
      return decideBatch([], state).writes
    })
    expect(found).toMatchObject([{ id: command.transactionId, status: 'posted' }])
  })

  it('survives that its connection is ended', async () => {
    const before = (await balance()) ?? 0n
    const posting = new Posting(store, new Metrics().posting)
    const paid = Promise.all(
      Array.from({ length: 20 }, async () => {
        for (let left = 10; left > 0; left -= 1)
          await posting.post(pay({ idempotency_key: newId() }))
      }),
    )
    await withClient(url, (client) =>
      client.query(`select pg_terminate_backend(pid) from pg_stat_activity
                     where application_name = 'ledgerflow-posting' and datname = current_database()`),
    )
    await paid
    expect(await balance()).toBe(before + 20_000n)
    await goAhead()
  })

  it('judges a hold by the time itself where that must lie in the future', async () => {
    const expires_at = new Date(Date.now() - 1).toISOString()
    const outcome = await post(pay({ hold: { expires_at } }))
    expect(outcome).toMatchObject({ refusal: { code: 'expiry_out_of_range' } })
    expect(ahead).toEqual([])
  })
})

describe('known accounts', () => {
  const account = (id: string) => ({ id }) as ChainedAccount

  it('are all there or not at all', () => {
    const known = new KnownAccounts()
    known.learn([account('a'), account('b')])
    expect([...(known.lookUp(['a', 'b']) as Map<string, unknown>).keys()]).toEqual(['a', 'b'])
    expect(known.lookUp(['a', 'c'])).toBeUndefined()
  })

  it('are waited for while they are being posted to, and for no other reason', async () => {
    const known = new KnownAccounts()
    known.learn([account('a'), account('b')])
    const tell = known.expect(['a'])
    expect(known.lookUp(['a', 'c'])).toBeUndefined()
    const wait = known.lookUp(['a', 'b'])
    expect(wait).toBeInstanceOf(Promise)
    tell([account('a')])
    await wait
    expect(known.lookUp(['a', 'b'])).toBeInstanceOf(Map)
  })

  it('are told of by who posts to them last, if it knows', () => {
    const known = new KnownAccounts()
    const tellFirst = known.expect(['a'])
    const tellLast = known.expect(['a'])
    tellFirst([account('a')])
    expect(known.lookUp(['a'])).toBeInstanceOf(Promise)
    tellLast([])
    expect(known.lookUp(['a'])).toBeUndefined()
  })

  it('are forgotten, those first that were not heard of for longest', () => {
    const known = new KnownAccounts()
    const ids = Array.from({ length: 30_000 }, (_, at) => `${at}`)
    known.learn(ids.map(account))
    known.learn([account('0'), account('new')])
    expect(known.lookUp(['0', '2', 'new'])).toBeInstanceOf(Map)
    expect(known.lookUp(['1'])).toBeUndefined()
  })
})

describe('contention', () => {
  it('is kept out of for longer the more often it is met, and by ledger', () => {
    const contention = new Contention()
    const rest = () => {
      let batches = 0
      while (contention.isToBeAvoided(1)) batches += 1
      return batches
    }
    expect(rest()).toBe(0)
    const rests = [1, 2, 3, 4].map(() => {
      contention.failed(1)
      return rest()
    })
    expect(rests).toEqual([8, 64, 256, 256])
    expect(contention.isToBeAvoided(2)).toBe(false)
    for (let times = 0; times < 8; times += 1) contention.succeeded(1)
    contention.failed(1)
    expect(rest()).toBe(8)
  })
})

describe('the database’s clock', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('is estimated by the reading of late that took the least time, and by none that is old', () => {
    const clock = new DatabaseClock()
    expect(clock.estimate()).toBeUndefined()
    const heard = (late: number) => clock.hear(1_000_000 + performance.now() - late)
    const error = () => (clock.estimate() ?? 0) - 1_000_000 - Math.round(performance.now())
    heard(5)
    expect(error()).toBe(-5)
    heard(1)
    heard(20)
    vi.advanceTimersByTime(900)
    expect(error()).toBe(-1)
    vi.advanceTimersByTime(200)
    heard(7)
    expect(error()).toBe(-1)
    vi.advanceTimersByTime(1100)
    heard(6)
    expect(error()).toBe(-6)
    vi.advanceTimersByTime(2100)
    expect(clock.estimate()).toBeUndefined()
    heard(2)
    expect(error()).toBe(-2)
    clock.forget()
    expect(clock.estimate()).toBeUndefined()
  })
})
