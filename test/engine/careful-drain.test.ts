import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { deathsMax } from '../../shared/engine/choose-carefully.ts'
import { DrainRounds, type DrainObserver } from '../../shared/engine/drain-rounds.ts'
import { slotCount, slotOf } from '../../shared/engine/slot.ts'
import { StoreFailure } from '../../shared/engine/store-failure.ts'
import type { QueuePlace } from '../../shared/engine/transaction-record.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { queueBacklog } from '../support/backlog.ts'
import { ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { until } from '../support/until.ts'

const allSlots = Array.from({ length: slotCount }, (_, slot) => slot)
const deaf: DrainObserver = {
  ended: () => undefined,
  parked: () => undefined,
  failed: () => undefined,
}

/** What a dead process leaves of a promise. */
const noSettling = () => {}

/** Another key of the slot that a key is in. */
function neighbourOf(key: string): string {
  for (let n = 0; ; n += 1) if (slotOf(`${key} ${n}`) === slotOf(key)) return `${key} ${n}`
}

describe.each<[string, () => StoreLocation | Promise<StoreLocation>]>([
  ['sqlite', sqlite],
  ['postgres', postgres],
])('a row that ends the process on %s', (_, locate) => {
  let store: LedgerStore
  let cash: string
  let alice: string
  /** The row that ends every process that takes it, while it is there. */
  let poison: string | undefined
  beforeEach(async () => {
    store = (await openStore(await locate())).store
    alice = await openAccount(store, 'liability')
    cash = await openAccount(store, 'asset')
    poison = undefined
  })
  afterEach(() => store.close())

  const one = (ordering_key: string) =>
    payment({ debit: cash, credit: alice, amount: '1.00', ordering_key })
  const queueMany = (count: number) =>
    queueBacklog(
      store,
      Array.from({ length: count }, (_item, n) => one(`key ${n}`)),
    )
  const read = async (id: string) => {
    const transaction = await store.findTransaction(ledgerId, id)
    if (transaction === undefined) throw new Error(`${id} is gone`)
    return transaction
  }
  const statusesOf = async (ids: readonly string[]) =>
    new Set(await Promise.all(ids.map(async (id) => (await read(id)).status)))
  const standingOf = async (id: string) =>
    store.queueStanding(ledgerId, (await read(id)).place as QueuePlace)
  const replaced = (changes: Partial<LedgerStore>): LedgerStore =>
    new Proxy(store, {
      get: (target, name) => {
        const owner = Reflect.has(changes, name) ? changes : target
        const value: unknown = Reflect.get(owner, name, owner)
        return typeof value === 'function' ? (value.bind(owner) as unknown) : value
      },
    })

  /**
   * A new process that drains everything. It dies when a drain would take the poison: nothing happens any more, neither in the
   * database nor to it. Says whether it lived.
   */
  const runProcess = async (changes: Partial<LedgerStore> = {}): Promise<boolean> => {
    let die: () => void = () => undefined
    const death = new Promise<boolean>((resolve) => {
      die = () => resolve(false)
    })
    const takesPoison = async (order: Parameters<LedgerStore['drain']>[0]) => {
      if (poison === undefined) return false
      const { place } = await read(poison)
      const standing = await standingOf(poison)
      if (place === null || standing === undefined || standing.parkedAt !== null) return false
      return 'slots' in order
        ? order.slots.includes(place.slot)
        : order.places.some(({ sequence }) => sequence === place.sequence)
    }
    const mortal = replaced({
      ...changes,
      drain: async (...order) => {
        if (await takesPoison(order[0])) {
          die()
          return new Promise<never>(noSettling)
        }
        return (changes.drain ?? store.drain.bind(store))(...order)
      },
    })
    const rounds = new DrainRounds(mortal, deaf)
    return Promise.race([death, rounds.ring(ledgerId, allSlots).then(() => true)])
  }
  /** Starts processes one after the other until one lives; gives how many have died. */
  const runUntilOneLives = async (): Promise<number> => {
    for (let deaths = 0; deaths < 20; deaths += 1) if (await runProcess()) return deaths
    throw new Error('all have died')
  }

  it('is parked after four deaths, and everything that was in hand with it is posted', async () => {
    const before = await queueMany(40)
    const [culprit = '', behind = ''] = await queueBacklog(store, [one('stuck'), one('stuck')])
    const after = await queueMany(40)
    poison = culprit
    expect(await runUntilOneLives()).toBe(deathsMax)

    const standing = await standingOf(culprit)
    expect(standing?.parkedAt).not.toBeNull()
    expect(standing?.parkedReason).toBe(
      'the process ended 4 times while it was posting this transaction',
    )
    expect(await statusesOf([...before, ...after])).toEqual(new Set(['posted']))
    expect((await read(behind)).status).toBe('queued')
    expect((await store.listParked(ledgerId, { before: undefined, size: 9 })).length).toBe(1)
  })

  it('keeps none waiting but those of its key, also before it is found', async () => {
    const [culprit = '', behind = ''] = await queueBacklog(store, [one('stuck'), one('stuck')])
    poison = culprit
    for (let deaths = 0; deaths < 2; deaths += 1) expect(await runProcess()).toBe(false)
    const [neighbour = ''] = await queueBacklog(store, [one(neighbourOf('stuck'))])
    const later = [...(await queueMany(3)), neighbour]
    expect(await runProcess()).toBe(false)
    expect(await statusesOf(later)).toEqual(new Set(['posted']))
    expect((await read(behind)).status).toBe('queued')
  })

  it('is tried again when it is resumed, alone and twice, and posted once the cause is gone', async () => {
    const [culprit = '', behind = ''] = await queueBacklog(store, [one('stuck'), one('stuck')])
    poison = culprit
    expect(await runUntilOneLives()).toBe(deathsMax)
    await store.resume(ledgerId, culprit)
    expect(await runUntilOneLives()).toBe(2)
    expect((await standingOf(culprit))?.parkedAt).not.toBeNull()

    poison = undefined
    await store.resume(ledgerId, culprit)
    expect(await runProcess()).toBe(true)
    expect(await statusesOf([culprit, behind])).toEqual(new Set(['posted']))
  })

  it('is met with care by a process that has drained its slot before', async () => {
    let marks = 0
    const markInHand: LedgerStore['markInHand'] = (...order) => {
      marks += 1
      return store.markInHand(...order)
    }
    const old = new DrainRounds(replaced({ markInHand }), deaf)
    const [first = ''] = await queueBacklog(store, [one('k')])
    await old.ring(ledgerId, [slotOf('k')])
    expect(marks).toBe(1)
    const [second = ''] = await queueBacklog(store, [one('k')])
    await old.ring(ledgerId, [slotOf('k')])
    expect(marks, 'a drain in a slot it knows').toBe(1)

    const [third = ''] = await queueBacklog(store, [one('k')])
    poison = third
    expect(await runProcess()).toBe(false)
    await old.ring(ledgerId, [slotOf('k')])
    expect(marks, 'a drain of what somebody died of').toBeGreaterThan(1)
    expect(await statusesOf([first, second, third])).toEqual(new Set(['posted']))
  })

  it('is none that was in hand when the database failed, however often', async () => {
    const ids = await queueMany(3)
    let failing = true
    const failure = () => Promise.reject(new StoreFailure('not_done', new Error('on purpose')))
    const rounds = new DrainRounds(
      replaced({
        drain: (...order) => (failing ? failure() : store.drain(...order)),
        // Half of the time the marks cannot be taken back either.
        unmarkInHand: (...order) =>
          failing && tries % 2 === 0 ? failure() : store.unmarkInHand(...order),
      }),
      deaf,
    )
    let tries = 0
    for (; tries < 3 * deathsMax; tries += 1) await rounds.ring(ledgerId, allSlots)
    expect(await statusesOf(ids)).toEqual(new Set(['queued']))
    failing = false
    await rounds.ring(ledgerId, allSlots)
    expect(await statusesOf(ids)).toEqual(new Set(['posted']))
  })

  it('is none that somebody else posts while it is marked', async () => {
    const ids = await queueMany(3)
    const healthy = new DrainRounds(store, deaf)
    const slow = new DrainRounds(
      replaced({
        drain: async (...order) => {
          await healthy.ring(ledgerId, allSlots)
          return store.drain(...order)
        },
      }),
      deaf,
    )
    await slow.ring(ledgerId, allSlots)
    await until('all are posted', async () => {
      const statuses = await statusesOf(ids)
      return statuses.size === 1 && statuses.has('posted')
    })
    expect((await store.listParked(ledgerId, { before: undefined, size: 9 })).length).toBe(0)
  })
})
