import { randomUUID } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DrainRounds, type DrainObserver } from '../../shared/engine/drain-rounds.ts'
import { slotOf } from '../../shared/engine/slot.ts'
import { StoreFailure } from '../../shared/engine/store-failure.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { queueBacklog } from '../support/backlog.ts'
import { ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { poisonedDatabase } from '../support/poison.ts'
import { postgres, sqlite } from '../support/service.ts'
import { until } from '../support/until.ts'

const nothing = {
  posted: 0,
  refused: 0,
  firstSequence: null,
  lastSequence: null,
  refusedIds: [],
  parkedIds: [],
  stoppedBy: null,
}

describe.each<[string, () => StoreLocation | Promise<StoreLocation>]>([
  ['sqlite', sqlite],
  ['postgres', postgres],
])('draining in rounds on %s', (_, locate) => {
  let location: StoreLocation
  let store: LedgerStore
  let alice: string
  let cash: string
  let told: string[]
  let observer: DrainObserver
  beforeEach(async () => {
    location = await locate()
    store = (await openStore(location)).store
    alice = await openAccount(store, 'liability', 0n)
    cash = await openAccount(store, 'asset')
    told = []
    observer = {
      ended: (transactions) => told.push(...transactions.map(({ id }) => id)),
      parked: ({ id }) => told.push(`parked ${id}`),
      failed: (failure) => told.push(`failed ${failure.kind}`),
    }
  })
  afterEach(() => store.close())

  const cashToAlice = (ordering_key: string) =>
    payment({ debit: cash, credit: alice, amount: '1.00', ordering_key })
  const tooMuch = (ordering_key: string) =>
    payment({ debit: alice, credit: cash, amount: '1000.00', ordering_key })
  const times = <Item>(count: number, item: Item) => Array.from({ length: count }, () => item)
  /** A store whose drains wait after their commit until they are let go. */
  const held = () => {
    let release: () => void = () => undefined
    const released = new Promise<void>((resolve) => {
      release = resolve
    })
    const drain: LedgerStore['drain'] = async (...order) => {
      const more = await store.drain(...order)
      await released
      return more
    }
    return { store: replaced({ drain }), release }
  }
  const replaced = (changes: Partial<LedgerStore>): LedgerStore =>
    new Proxy(store, {
      get: (target, name) => {
        const owner = Reflect.has(changes, name) ? changes : target
        const value: unknown = Reflect.get(owner, name, owner)
        return typeof value === 'function' ? (value.bind(owner) as unknown) : value
      },
    })

  it('reports what a ring led to, and the ends are told in order', async () => {
    const requests = [cashToAlice('k'), tooMuch('k'), cashToAlice('k')]
    const ids = await queueBacklog(store, requests)
    const report = await new DrainRounds(store, observer).ring(ledgerId, [slotOf('k')])
    expect(report).toMatchObject({ posted: 2, refused: 1, refusedIds: [ids[1]], stoppedBy: null })
    expect((report.lastSequence ?? 0) - (report.firstSequence ?? 0)).toBe(2)
    expect(told).toEqual(ids)
  })

  it('reports nothing for slots in which nothing waits, or for none at all', async () => {
    const rounds = new DrainRounds(store, observer)
    expect(await rounds.ring(ledgerId, [1, 2, 3])).toEqual(nothing)
    expect(await rounds.ring(ledgerId, [])).toEqual(nothing)
    expect(told).toEqual([])
  })

  it('reports to each ring what was done in its own slots, also when rounds are shared', async () => {
    await queueBacklog(store, [...times(5, cashToAlice('a')), ...times(7, cashToAlice('b'))])
    const rounds = new DrainRounds(store, observer)
    const reports = await Promise.all([
      rounds.ring(ledgerId, [slotOf('a')]),
      rounds.ring(ledgerId, [slotOf('b')]),
      rounds.ring(ledgerId, [slotOf('a'), slotOf('b')]),
    ])
    expect(reports.map(({ posted }) => posted)).toEqual([5, 7, 12])
    expect(told).toHaveLength(12)
  })

  it('names the fifty first that were refused and counts them all', async () => {
    await queueBacklog(store, times(60, tooMuch('k')))
    const report = await new DrainRounds(store, observer).ring(ledgerId, [slotOf('k')])
    expect([report.refused, report.refusedIds.length]).toEqual([60, 50])
  })

  it('names what was parked, and does the rest', async () => {
    const database = await poisonedDatabase(location)
    const reference = randomUUID()
    await database.poison(reference)
    const requests = [cashToAlice('a'), { ...cashToAlice('b'), reference }, cashToAlice('c')]
    const ids = await queueBacklog(store, requests)
    const slots = ['a', 'b', 'c'].map(slotOf)
    const report = await new DrainRounds(store, observer).ring(ledgerId, slots)
    expect(report).toMatchObject({ posted: 2, refused: 0, parkedIds: [ids[1]], stoppedBy: null })
    expect(new Set(told)).toEqual(new Set([ids[0], ids[2], `parked ${ids[1]}`]))
  })

  /** The observer, that also does something when the first round is done. */
  const whenFirstDone = (act: () => void): DrainObserver => ({
    ...observer,
    ended: (transactions, tookMs) => {
      const first = told.length === 0
      observer.ended(transactions, tookMs)
      if (first) act()
    },
  })

  it('does not let a long backlog in one slot keep another waiting', async () => {
    const hot = await queueBacklog(store, times(2500, cashToAlice('hot')))
    const [other = ''] = await queueBacklog(store, [cashToAlice('other')])
    const answered: string[] = []
    const ring = async (key: string) => {
      const report = await rounds.ring(ledgerId, [slotOf(key)])
      answered.push(key)
      return report.posted
    }
    let otherRing: Promise<number> | undefined
    const rounds = new DrainRounds(
      store,
      whenFirstDone(() => {
        otherRing = ring('other')
      }),
    )
    expect(await ring('hot')).toBe(2500)
    expect(await otherRing).toBe(1)
    expect(answered).toEqual(['other', 'hot'])
    // The hot slot stayed in order, and the other one came in between.
    expect(told.filter((id) => id !== other)).toEqual(hot)
    expect(told.indexOf(other)).toBeLessThan(2500)
  })

  it('lets others have their turn between two rounds', async () => {
    await queueBacklog(store, times(1500, cashToAlice('hot')))
    const rounds = new DrainRounds(store, observer)
    let turns = 0
    let done = false
    const ring = rounds.ring(ledgerId, [slotOf('hot')]).finally(() => {
      done = true
    })
    while (!done) {
      await turn()
      turns += 1
    }
    await ring
    expect(turns).toBeGreaterThan(3)
  })

  it('looks again when a slot rings while it is being drained', async () => {
    const { store: slow, release } = held()
    const rounds = new DrainRounds(slow, observer)
    const [first = ''] = await queueBacklog(store, [cashToAlice('k')])
    const firstRing = rounds.ring(ledgerId, [slotOf('k')])
    await until('it is posted', async () => {
      return (await store.findTransaction(ledgerId, first))?.status === 'posted'
    })
    // Committed and not released: what comes now, that round has not seen.
    const [second = ''] = await queueBacklog(store, [cashToAlice('k')])
    const secondRing = rounds.ring(ledgerId, [slotOf('k')])
    release()
    await firstRing
    expect(await secondRing).toMatchObject({ stoppedBy: null })
    expect(told).toEqual([first, second])
  })

  it('reports a failure of the store and is ready for the next ring', async () => {
    let broken = true
    const failing = replaced({
      drain: (...order) =>
        broken
          ? Promise.reject(new StoreFailure('not_done', new Error('on purpose')))
          : store.drain(...order),
    })
    const rounds = new DrainRounds(failing, observer)
    await queueBacklog(store, [cashToAlice('k')])
    const failed = await rounds.ring(ledgerId, [slotOf('k')])
    expect(failed).toMatchObject({ posted: 0, stoppedBy: expect.stringMatching(/\w/) })
    expect(told).toEqual(['failed not_done'])
    broken = false
    expect(await rounds.ring(ledgerId, [slotOf('k')])).toMatchObject({ posted: 1, stoppedBy: null })
  })

  it('needs no ring and no sweep once a failure is over', async () => {
    let failures = 3
    const failing = replaced({
      drain: (...order) => {
        if (failures === 0) return store.drain(...order)
        failures -= 1
        return Promise.reject(new StoreFailure('not_done', new Error('on purpose')))
      },
    })
    const [id] = await queueBacklog(store, [cashToAlice('k')])
    const rounds = new DrainRounds(failing, observer)
    await rounds.ring(ledgerId, [slotOf('k')])
    await until('it has ended', () => told.includes(id ?? ''))
    // A careful round may meet more than one of the failures.
    expect(new Set(told.slice(0, -1))).toEqual(new Set(['failed not_done']))
    expect(told.at(-1)).toBe(id)
    await rounds.stop()
  })

  it('stops after the round it is at, and says so to all who ring', async () => {
    const ids = await queueBacklog(store, times(1500, cashToAlice('hot')))
    let stopping: Promise<void> | undefined
    const rounds = new DrainRounds(
      store,
      whenFirstDone(() => {
        stopping = rounds.stop()
      }),
    )
    const report = await rounds.ring(ledgerId, [slotOf('hot')])
    await stopping
    expect(report.stoppedBy).toBe('stopped')
    const done = told.length
    expect(done).toBeLessThan(1500)
    expect(told).toEqual(ids.slice(0, done))
    expect(await rounds.ring(ledgerId, [slotOf('hot')])).toEqual(nothing)
    expect(told).toHaveLength(done)
  })

  it('of two at once drains everything once', async () => {
    const ids = await queueBacklog(store, times(600, cashToAlice('k')))
    const [one, other] = [new DrainRounds(store, observer), new DrainRounds(store, observer)]
    await until('all is posted', async () => {
      await Promise.all([one, other].map((rounds) => rounds.ring(ledgerId, [slotOf('k')])))
      return told.length >= 600
    })
    expect(told).toEqual(ids)
  })
})
