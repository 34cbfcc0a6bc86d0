import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { BacklogMonitor } from '../../shared/engine/backlog-monitor.ts'
import { newId } from '../../shared/engine/new-id.ts'
import { slotOf } from '../../shared/engine/slot.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { queueBacklog } from '../support/backlog.ts'
import { ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { sqlite } from '../support/service.ts'

describe('the monitor of the backlog', () => {
  let store: LedgerStore
  let accounts: { readonly debit: string; readonly credit: string }
  beforeEach(async () => {
    store = (await openStore(sqlite())).store
    accounts = {
      debit: await openAccount(store, 'asset'),
      credit: await openAccount(store, 'liability'),
    }
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(async () => {
    vi.useRealTimers()
    vi.restoreAllMocks()
    await store.close()
  })

  const queue = (count: number, ordering_key = 'k') =>
    queueBacklog(
      store,
      Array.from({ length: count }, () => payment({ ...accounts, amount: '1.00', ordering_key })),
    )
  const started = async (max: number) => {
    const monitor = new BacklogMonitor(store, max)
    await monitor.start()
    return monitor
  }
  const countAgain = () => vi.advanceTimersByTimeAsync(1000)
  const someIds = (count: number) => Array.from({ length: count }, newId)
  const queued = (orderingKey: string) => ({
    id: newId(),
    ledgerId,
    place: { slot: slotOf(orderingKey), sequence: 1 },
  })
  const accept = (monitor: BacklogMonitor, count: number, orderingKey = 'k') =>
    someIds(count).map(() => {
      const transaction = queued(orderingKey)
      monitor.accepted(transaction)
      return transaction
    })

  it('knows what waits when it has started, by slot', async () => {
    await queue(3, 'a')
    await queue(4, 'b')
    const monitor = await started(100)
    expect(monitor.reading).toMatchObject({ queued: 7, parked: 0, oldestAt: expect.any(Number) })
    expect(monitor.aheadOf(queued('a'))).toBe(3)
    expect(monitor.aheadOf(queued('b'))).toBe(4)
    expect(monitor.aheadOf(queued('c'))).toBe(0)
    await monitor.stop()
  })

  it('knows what is ahead of what was accepted since it counted', async () => {
    await queue(3, 'a')
    const monitor = await started(100)
    const [first, second, third] = accept(monitor, 3, 'a')
    const [other] = accept(monitor, 1, 'b')
    const ahead = () => [first, second, third, other].map((one) => one && monitor.aheadOf(one))
    expect(ahead()).toEqual([3, 4, 5, 0])

    // What has ended is ahead of nobody who comes now.
    monitor.haveEnded([first?.id ?? '', newId()])
    expect(accept(monitor, 1, 'a').map((next) => monitor.aheadOf(next))).toEqual([5])
    await monitor.stop()
  })

  it('leaves to the count what the count has seen', async () => {
    const monitor = await started(100)
    accept(monitor, 2, 'a')
    await queue(2, 'a')
    await countAgain()
    expect(accept(monitor, 2, 'a').map((next) => monitor.aheadOf(next))).toEqual([2, 3])
    await monitor.stop()
  })

  it('does not start when the queue cannot be counted', async () => {
    vi.spyOn(store, 'backlog').mockRejectedValue(new Error('on purpose'))
    await expect(new BacklogMonitor(store, 10).start()).rejects.toThrow('on purpose')
  })

  it('is full from the maximum on and free again below nine tenths of it', async () => {
    const ids = await queue(9)
    const monitor = await started(10)
    const cancel = async () => {
      await store.cancel(ledgerId, ids.pop() ?? '')
      await countAgain()
      return monitor.isFull()
    }
    expect(monitor.isFull()).toBe(false)
    accept(monitor, 1)
    expect(monitor.isFull()).toBe(true)
    // What it was told is in the count now: nine.
    await countAgain()
    expect(monitor.reading.queued).toBe(9)
    expect(monitor.isFull()).toBe(true)
    expect(await cancel()).toBe(false)
    await monitor.stop()
  })

  it('adds what was accepted while it counted to the count', async () => {
    await queue(2)
    const monitor = await started(5)
    const counted = await store.backlog()
    let answer: (counted: Awaited<ReturnType<LedgerStore['backlog']>>) => void = () => undefined
    const count = vi.spyOn(store, 'backlog').mockImplementation(
      () =>
        new Promise((resolve) => {
          answer = resolve
        }),
    )
    accept(monitor, 1)
    await countAgain()
    accept(monitor, 2)
    answer(counted)
    await vi.advanceTimersByTimeAsync(0)
    expect(monitor.reading.queued).toBe(2)
    // Two counted, two that came while it counted.
    expect(monitor.isFull()).toBe(false)
    accept(monitor, 1)
    expect(monitor.isFull()).toBe(true)
    count.mockRestore()
    await monitor.stop()
  })

  it('keeps the last count when the next one fails, and goes on', async () => {
    await queue(2)
    const monitor = await started(100)
    const count = vi.spyOn(store, 'backlog').mockRejectedValueOnce(new Error('on purpose'))
    await countAgain()
    expect(monitor.reading.queued).toBe(2)
    count.mockRestore()
    await queue(1)
    await countAgain()
    expect(monitor.reading.queued).toBe(3)
    await monitor.stop()
  })

  it('counts once a second, and more seldom when a count takes long', async () => {
    const backlog = store.backlog.bind(store)
    const monitor = await started(100)
    const slow = vi.spyOn(store, 'backlog').mockImplementation(async () => {
      await new Promise<void>((resolve) => {
        setTimeout(resolve, 500)
      })
      return backlog()
    })
    await vi.advanceTimersByTimeAsync(1000)
    expect(slow).toHaveBeenCalledTimes(1)
    // Half a second of counting is a twentieth of ten seconds.
    await vi.advanceTimersByTimeAsync(500 + 9990)
    expect(slow).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(20)
    expect(slow).toHaveBeenCalledTimes(2)
    const stopping = monitor.stop()
    await vi.advanceTimersByTimeAsync(1000)
    await stopping
    await vi.advanceTimersByTimeAsync(60_000)
    expect(slow).toHaveBeenCalledTimes(2)
  })

  it('measures how many end a second over the last ten seconds', async () => {
    const monitor = await started(100)
    expect(monitor.drainRate).toBe(0)
    monitor.haveEnded(someIds(30))
    await vi.advanceTimersByTimeAsync(4000)
    monitor.haveEnded(someIds(20))
    expect(monitor.drainRate).toBe(5)
    await vi.advanceTimersByTimeAsync(6001)
    expect(monitor.drainRate).toBe(2)
    await vi.advanceTimersByTimeAsync(4000)
    expect(monitor.drainRate).toBe(0)
    await monitor.stop()
  })

  it('tells callers to come back when it should be free, after 1 to 60 seconds', async () => {
    await queue(20)
    const monitor = await started(20)
    // Two above nine tenths, at one a second when nothing is known of the rate.
    expect(monitor.retryAfterS).toBe(2)
    monitor.haveEnded(someIds(100))
    expect(monitor.retryAfterS).toBe(1)
    accept(monitor, 10_000)
    expect(monitor.retryAfterS).toBe(60)
    await monitor.stop()
  })
})
