import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { BatchIntoQueue } from '../../shared/engine/batch-into-queue.ts'
import { BatchPosting } from '../../shared/engine/batch-posting.ts'
import type { BatchMode, BatchOutcome } from '../../shared/engine/command-batch.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import type { PostingStore } from '../../shared/engine/posting-store.ts'
import { drainOnce } from '../../shared/engine/drain.ts'
import type { LedgerSlot } from '../../shared/engine/slot.ts'
import { StoreFailure, Unavailable } from '../../shared/engine/store-failure.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { expectRightBooks } from '../support/books.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { corrupting, failingBefore, losingAnswers, poison } from '../support/faulty-stores.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'

const stores = [
  { name: 'sqlite', locate: () => Promise.resolve(sqlite()) },
  { name: 'postgres', locate: postgres },
]
const modes = ['atomic', 'independent'] as const

describe.each(stores)('the batches of clients on $name', ({ locate }) => {
  let location: Awaited<ReturnType<typeof postgres>>
  let store: LedgerStore
  let splits: number
  let alice: string
  let bob: string
  beforeAll(async () => {
    location = await locate()
    store = (await openStore(location)).store
  })
  beforeEach(async () => {
    splits = 0
    alice = await openAccount(store, 'liability')
    bob = await openAccount(store, 'liability')
  })
  afterAll(async () => {
    await store.close()
    await expectRightBooks(location)
  })

  const batchPosting = (over: PostingStore) =>
    new BatchPosting(over, {
      batchDone: () => undefined,
      retried: () => undefined,
      split: () => (splits += 1),
    })
  const post = (over: PostingStore, mode: BatchMode, commands: readonly PostCommand[]) =>
    batchPosting(over).post({ ledgerId, mode, commands })
  const aliceToBob = (rest: Record<string, unknown> = {}): PostCommand =>
    commandOf(payment({ debit: alice, credit: bob, amount: '1.00', ...rest }))
  const four = (rest: Record<string, unknown> = {}) => [
    aliceToBob(),
    aliceToBob({ idempotency_key: randomUUID() }),
    aliceToBob(rest),
    aliceToBob(),
  ]
  const kinds = ({ members }: BatchOutcome) => members.map(({ kind }) => kind)
  const received = async () => {
    const account = await store.findAccount(ledgerId, bob)
    return Number(account?.postedCredits) / 100
  }

  it.each(modes)('%s, are done once when the answer to their commit is lost', async (mode) => {
    const outcome = await post(losingAnswers(store, 1), mode, four())
    expect(outcome.committed).toBe(true)
    expect(kinds(outcome)).toEqual(['standing', 'standing', 'standing', 'standing'])
    expect(await received()).toBe(4)
  })

  it.each(modes)(
    '%s, are tried again as a whole when they were certainly not done',
    async (mode) => {
      const outcome = await post(failingBefore(store, 'not_done', 3), mode, four())
      expect(kinds(outcome)).toEqual(['written', 'written', 'written', 'written'])
      expect(splits).toBe(0)
      expect(await received()).toBe(4)
    },
  )

  it.each(modes)('%s, are told to come back when the store stays away', async (mode) => {
    await expect(post(failingBefore(store, 'not_done', 10_000), mode, four())).rejects.toThrow(
      Unavailable,
    )
    expect(await received()).toBe(0)
  })

  it('never split an atomic one: what the database refuses of it fails all of it', async () => {
    const posting = batchPosting(corrupting(store))
    const bad = posting.post({ ledgerId, mode: 'atomic', commands: four({ reference: poison }) })
    const good = posting.post({ ledgerId, mode: 'atomic', commands: four() })
    await expect(bad).rejects.toMatchObject({ kind: 'deterministic' })
    expect(kinds(await good)).toEqual(['written', 'written', 'written', 'written'])
    expect(await received()).toBe(4)
  })

  it.each(modes)(
    '%s and for later, are accepted once when the answer to that is lost',
    async (mode) => {
      let lost = 0
      const losing = new Proxy(store, {
        get: (target, name) =>
          name === 'acceptBatch'
            ? async (...call: Parameters<LedgerStore['acceptBatch']>) => {
                await target.acceptBatch(...call)
                lost += 1
                if (lost === 1) throw new StoreFailure('unknown', new Error('on purpose'))
              }
            : (Reflect.get(target, name) as unknown),
      })
      const rung: LedgerSlot[] = []
      const observer = {
        batchDone: () => undefined,
        retried: () => undefined,
        split: () => undefined,
      }
      const intoQueue = new BatchIntoQueue(losing, observer, (slots) => rung.push(...slots))
      const accepted = await intoQueue.accept({ ledgerId, mode, commands: four() })
      if (accepted.kind !== 'standing') throw new Error(accepted.kind)
      expect([lost, accepted.replayed]).toEqual([2, false])
      const batch = await store.findBatch(ledgerId, accepted.batchId)
      expect(batch?.members).toHaveLength(4)

      const slots = [...new Set(rung.map(({ slot }) => slot))]
      const { ended } = await drainOnce(store, ledgerId, slots)
      expect(ended.map(({ status }) => status)).toEqual(['posted', 'posted', 'posted', 'posted'])
      expect(await received()).toBe(4)
    },
  )

  it('answer the others of an independent one when the database refuses one', async () => {
    const outcome = await post(corrupting(store), 'independent', four({ reference: poison }))
    expect(kinds(outcome)).toEqual(['written', 'written', 'broken', 'written'])
    expect(await received()).toBe(3)
  })
})
