import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import { Posting, type SettledOutcome } from '../../shared/engine/post.ts'
import type { PostingStore } from '../../shared/engine/posting-store.ts'
import { type StoreFailure, Unavailable } from '../../shared/engine/store-failure.ts'
import { decideBatch } from '../../shared/engine/decide-batch.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { expectRightBooks } from '../support/books.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import {
  corrupting,
  failingBefore,
  forgetful,
  losingAnswers,
  poison,
} from '../support/faulty-stores.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'

const stores = [
  { name: 'sqlite', locate: () => Promise.resolve(sqlite()) },
  { name: 'postgres', locate: postgres },
]

/** What an observer of posting was told. */
class Told {
  readonly batches: number[] = []
  retries = 0
  splits = 0
  readonly observer = {
    batchDone: (size: number) => this.batches.push(size),
    retried: () => (this.retries += 1),
    split: () => (this.splits += 1),
  }
}

describe.each(stores)('posting batches on $name', ({ locate }) => {
  let location: Awaited<ReturnType<typeof postgres>>
  let store: LedgerStore
  let told: Told
  let alice: string
  let bob: string
  beforeAll(async () => {
    location = await locate()
    store = (await openStore(location)).store
  })
  beforeEach(async () => {
    told = new Told()
    alice = await openAccount(store, 'liability')
    bob = await openAccount(store, 'liability')
  })
  afterAll(async () => {
    await store.close()
    await expectRightBooks(location)
  })

  const postingOver = (over: PostingStore) => new Posting(over, told.observer)
  const aliceToBob = (rest: Record<string, unknown> = {}): PostCommand =>
    commandOf(payment({ debit: alice, credit: bob, amount: '1.00', ...rest }))
  const hundred = (odd: number, oddOne: PostCommand) =>
    Array.from({ length: 100 }, (_, at) => (at === odd ? oddOne : aliceToBob()))

  const kindOf = (outcome: SettledOutcome) =>
    outcome.status === 'fulfilled' ? outcome.value.kind : (outcome.reason as Error).name
  const others = (outcomes: readonly SettledOutcome[], odd: number) =>
    new Set(outcomes.filter((_, at) => at !== odd).map(kindOf))
  const balanceOf = async (id: string) => {
    const account = await store.findAccount(ledgerId, id)
    return Number((account?.postedCredits ?? 0n) - (account?.postedDebits ?? 0n)) / 100
  }
  const versionOf = async (command: PostCommand) => {
    const transaction = await store.findTransaction(ledgerId, command.transactionId)
    return transaction?.entries[0]?.accountVersion
  }

  it('a batch of a hundred is one database transaction, in the order given', async () => {
    const commands = Array.from({ length: 100 }, () => aliceToBob())
    await postingOver(store).postBatch(commands)
    expect(told.batches).toEqual([100])
    const versions = await Promise.all(commands.map(versionOf))
    expect(versions).toEqual(Array.from({ length: 100 }, (_, at) => at + 1))
    expect(await balanceOf(bob)).toBe(100)
  })

  it('large transactions share a batch up to 5,000 entries', async () => {
    const posting = postingOver(store)
    const entries = Array.from({ length: 1000 }, (_, at) => ({
      account_id: at % 2 === 0 ? alice : bob,
      direction: at % 2 === 0 ? ('debit' as const) : ('credit' as const),
      amount: '0.01',
    }))
    const commands = Array.from({ length: 12 }, () => commandOf({ currency: 'USD', entries }))
    await Promise.all(commands.map((command) => posting.post(command)))
    expect(told.batches.reduce((sum, size) => sum + size, 0)).toBe(12)
    expect(Math.max(...told.batches)).toBe(5)
    expect(await balanceOf(bob)).toBe(60)
  })

  it.each([0, 37, 99])(
    'one refused on merits, at %i of a hundred, is refused alone',
    async (odd) => {
      const poor = await openAccount(store, 'liability', 0n)
      const refused = commandOf(payment({ debit: poor, credit: bob, amount: '1.00' }))
      const outcomes = await postingOver(store).postBatch(hundred(odd, refused))
      expect(outcomes[odd]).toMatchObject({
        value: { kind: 'refused', refusal: { code: 'insufficient_funds' } },
      })
      expect(others(outcomes, odd)).toEqual(new Set(['written']))
      expect([told.batches, told.splits]).toEqual([[100], 0])
      expect([await balanceOf(bob), await balanceOf(poor)]).toEqual([99, 0])
    },
  )

  it.each([0, 37, 99])(
    'one that the database refuses, at %i, stands alone at the end',
    async (odd) => {
      const poisoned = aliceToBob({ reference: poison })
      const commands = hundred(odd, poisoned)
      const outcomes = await postingOver(corrupting(store)).postBatch(commands)

      expect(outcomes[odd]).toMatchObject({
        status: 'rejected',
        reason: { name: 'StoreFailure', kind: 'deterministic' },
      })
      expect(others(outcomes, odd)).toEqual(new Set(['written']))
      expect(await store.findTransaction(ledgerId, poisoned.transactionId)).toBeUndefined()
      expect(await balanceOf(bob)).toBe(99)
      // Halving a hundred finds one in seven steps.
      expect(told.splits).toBeLessThanOrEqual(7)

      const mates = commands.filter((command) => command !== poisoned)
      const versions = await Promise.all(mates.map(versionOf))
      expect(versions).toEqual(Array.from({ length: 99 }, (_, at) => at + 1))
    },
  )

  it('several that the database refuses stand alone each', async () => {
    const commands = Array.from({ length: 20 }, (_, at) =>
      aliceToBob(at % 5 === 0 ? { reference: poison } : {}),
    )
    const outcomes = await postingOver(corrupting(store)).postBatch(commands)
    expect(outcomes.map(kindOf)).toEqual(
      commands.map((_, at) => (at % 5 === 0 ? 'StoreFailure' : 'written')),
    )
    expect(await balanceOf(bob)).toBe(16)
  })

  it('without splitting, one that the database refuses would take all with it', async () => {
    const commands = hundred(37, aliceToBob({ reference: poison }))
    const names = { accountIds: [alice, bob], idempotencyKeys: [], transactionIds: [] }
    const reads = { ledgerId, ...names, targetIds: [], closing: false, time: false }
    const whole = corrupting(store).post(reads, (state) => decideBatch(commands, state).writes)
    await expect(whole).rejects.toMatchObject({ kind: 'deterministic' })
    expect(await balanceOf(bob)).toBe(0)
  })

  it('copies with one key in a batch are one transaction', async () => {
    const idempotency_key = randomUUID()
    const outcomes = await postingOver(store).postBatch(
      Array.from({ length: 10 }, () => aliceToBob({ idempotency_key })),
    )
    expect(outcomes.map(kindOf)).toEqual([
      'written',
      ...Array.from({ length: 9 }, () => 'standing'),
    ])
    expect(await balanceOf(bob)).toBe(1)
  })

  it('another body under the key of a batch-mate is told so', async () => {
    const idempotency_key = randomUUID()
    const outcomes = await postingOver(store).postBatch([
      aliceToBob({ idempotency_key }),
      aliceToBob({ idempotency_key, reference: 'another' }),
    ])
    expect(outcomes.map(kindOf)).toEqual(['written', 'key_reused'])
    expect(await balanceOf(bob)).toBe(1)
  })

  it('copies with one key find each other also when their batch is split', async () => {
    const idempotency_key = randomUUID()
    const outcomes = await postingOver(corrupting(store)).postBatch([
      aliceToBob({ idempotency_key }),
      aliceToBob({ reference: poison }),
      aliceToBob(),
      aliceToBob({ idempotency_key }),
    ])
    expect(outcomes.map(kindOf)).toEqual(['written', 'StoreFailure', 'written', 'standing'])
    expect(await balanceOf(bob)).toBe(2)
  })

  describe('when the store fails', () => {
    it('is tried again, and nobody sees it', async () => {
      const outcome = await postingOver(failingBefore(store, 'not_done', 3)).post(aliceToBob())
      expect(outcome.kind).toBe('written')
      expect(told.retries).toBe(3)
      expect(await balanceOf(bob)).toBe(1)
    })

    it('says what it knows when it never comes back: nothing done, or nobody can tell', async () => {
      const told = await Promise.allSettled([
        postingOver(failingBefore(store, 'not_done', Infinity)).post(aliceToBob()),
        postingOver(failingBefore(store, 'unknown', Infinity)).post(aliceToBob()),
      ])
      expect(told).toMatchObject([
        { reason: { code: 'store_unavailable' } },
        { reason: { code: 'outcome_unknown' } },
      ])
      expect(await balanceOf(bob)).toBe(0)
    })

    it('sheds load at once when it is out of room', async () => {
      const failing = postingOver(failingBefore(store, 'capacity', 1)).post(aliceToBob())
      await expect(failing).rejects.toBeInstanceOf(Unavailable)
      expect([told.retries, await balanceOf(bob)]).toEqual([0, 0])
    })

    it('passes on what is no failure of the store', async () => {
      const broken = {
        batchesMax: 1,
        turnsBefore: 1,
        post: () => Promise.reject(new TypeError('a defect')),
      }
      await expect(postingOver(broken).post(aliceToBob())).rejects.toThrow('a defect')
    })
  })

  describe('when the answer to COMMIT is lost', () => {
    it.each([1, 3])('finds by its id what was written, after %i losses', async (times) => {
      const command = aliceToBob()
      const outcome = await postingOver(losingAnswers(store, times)).post(command)
      expect(outcome).toEqual({
        kind: 'standing',
        transactionId: command.transactionId,
        replayed: false,
      })
      expect(await balanceOf(bob)).toBe(1)
    })

    it('finds it for all of a batch, and posts what was not written', async () => {
      const first = await postingOver(losingAnswers(store, 1)).postBatch([
        aliceToBob(),
        aliceToBob({ idempotency_key: randomUUID() }),
        aliceToBob({ amount: '0.00' }),
      ])
      expect(first.map(kindOf)).toEqual(['standing', 'standing', 'refused'])
      expect(await balanceOf(bob)).toBe(2)
    })

    it('posts once when the commit was lost before it was done', async () => {
      const outcome = await postingOver(failingBefore(store, 'unknown', 1)).post(aliceToBob())
      expect(outcome.kind).toBe('written')
      expect(await balanceOf(bob)).toBe(1)
    })

    it('without looking by id it could not be found, and still happens once', async () => {
      const blind = postingOver(forgetful(losingAnswers(store, 1)))
      const outcome = await blind.post(aliceToBob()).then(
        (value) => value.kind,
        (error: unknown) => (error as StoreFailure).name,
      )
      expect(outcome).not.toBe('standing')
      expect(await balanceOf(bob)).toBe(1)
    })
  })
})
