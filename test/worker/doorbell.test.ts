import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import type { RingJob } from '../../shared/queue/bullmq-doorbell.ts'
import { slotCount, slotOf } from '../../shared/engine/slot.ts'
import { ledgerId } from '../support/commands.ts'
import { balanceOf, openPeople, payment, type People } from '../support/people.ts'
import { bullmq, newNamespace, postgres, startService, type Service } from '../support/service.ts'
import { redisUrl } from '../support/databases.ts'
import { until } from '../support/until.ts'

describe('the doorbell', () => {
  /** Off, only a ring leads to a drain. */
  let sweeping = false
  /** What a drain waits for after its commit, before its worker hears of it. */
  let afterDrain: Promise<void> = Promise.resolve()
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await startService(await postgres(), {
      queue: bullmq(),
      interpose: (store) => ({
        slotsWaiting: async (ageMs) => (sweeping ? store.slotsWaiting(ageMs) : []),
        drain: async (...order) => {
          const more = await store.drain(...order)
          await afterDrain
          return more
        },
      }),
    })
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
  })
  afterEach(() => {
    sweeping = false
    vi.restoreAllMocks()
  })
  afterAll(() => ledger.close())

  const queue = async (ordering_key: string, service = ledger) =>
    (
      await service.api.queueTransaction(
        payment({ debit: people.cash, credit: people.alice, amount: '1.00', ordering_key }),
      )
    ).body.id
  const ended = async (id: string, wait = 10) =>
    (await ledger.api.transaction(id, { wait })).body.status
  const board = () => ledger.queue.board?.() ?? []
  const allSlots = Array.from({ length: slotCount }, (_, slot) => ({ ledgerId, slot }))

  it('alone leads to a drain, without any sweep', async () => {
    expect(await ended(await queue('alone'))).toBe('posted')
  })

  it('that is lost costs no more than the time to the next sweeps', async () => {
    sweeping = true
    vi.spyOn(ledger.queue.doorbell, 'ring').mockImplementation(() => undefined)
    expect(await ended(await queue('lost'))).toBe('posted')
  })

  it('that is lost, without a sweep, would leave it queued: the test above can fail', async () => {
    const ring = vi.spyOn(ledger.queue.doorbell, 'ring').mockImplementation(() => undefined)
    const id = await queue('lost for good')
    expect(await ended(id, 2)).toBe('queued')
    ring.mockRestore()
    ledger.queue.doorbell.ring(allSlots)
    expect(await ended(id)).toBe('posted')
  })

  it('changes nothing when a job is delivered once more', async () => {
    const key = 'redelivered'
    for (let n = 0; n < 5; n += 1) expect(await ended(await queue(key))).toBe('posted')
    const queues = board()
    const ours = queues[slotOf(key) % queues.length]
    const job = await until('its job is done', async () => {
      const jobs = (await ours?.getCompleted()) ?? []
      return jobs.find(({ data }) => (data as RingJob).slots.includes(slotOf(key)))
    })
    for (let delivery = 0; delivery < 3; delivery += 1) {
      await job.retry('completed')
      await until('it is done again', async () => (await job.getState()) === 'completed')
    }
    const again = await ours?.getJob(job.id ?? '')
    expect(again?.returnvalue).toMatchObject({ posted: 0, refused: 0, stoppedBy: null })
    expect(await balanceOf(ledger.api, people.alice)).toBe('5.00')
    await Promise.all(queues.map((each) => each.close()))
  })

  it('changes nothing when every bell is rung ten times', async () => {
    const ids = [await queue('a'), await queue('b'), await queue('c')]
    for (let n = 0; n < 10; n += 1) ledger.queue.doorbell.ring(allSlots)
    for (const id of ids) expect(await ended(id)).toBe('posted')
    expect(await balanceOf(ledger.api, people.alice)).toBe('3.00')
  })

  it('that rings while its job is being answered leads to one more', async () => {
    let release: () => void = () => undefined
    afterDrain = new Promise((resolve) => {
      release = resolve
    })
    // The first drain has committed and its job is still active: what comes now, it has not seen.
    const first = await queue('busy')
    await until('the first is posted', async () => {
      return (await ledger.api.transaction(first)).body.status === 'posted'
    })
    const second = await queue('busy')
    const third = await queue('busy')
    expect(await ended(third, 1)).toBe('queued')
    release()
    expect(await ended(second)).toBe('posted')
    expect(await ended(third)).toBe('posted')
  })

  it('tells of what has ended to those who wait in another process', async () => {
    const namespace = newNamespace()
    const location = await postgres()
    const [api, worker] = await Promise.all([
      startService(location, {
        queue: bullmq(redisUrl(), namespace),
        worker: false,
        // Only the news can tell.
        interpose: () => ({ endedAmong: () => Promise.resolve([]) }),
      }),
      startService(location, { queue: bullmq(redisUrl(), namespace) }),
    ])
    try {
      const { cash, alice } = await openPeople(api.api)
      const { body } = await api.api.queueTransaction(
        payment({ debit: cash, credit: alice, amount: '1.00' }),
      )
      const begun = performance.now()
      expect((await api.api.transaction(body.id, { wait: 20 })).body.status).toBe('posted')
      expect(performance.now() - begun).toBeLessThan(10_000)
    } finally {
      await api.close()
      await worker.close()
    }
  })

  it('says in its jobs where work waits and what came of it, and nothing else', async () => {
    const key = 'board'
    // Of so many digits that no id and no time holds them by chance.
    const digits = '7070707070707'
    const poor = payment({
      debit: people.bob,
      credit: people.alice,
      amount: `${digits}.77`,
      ordering_key: key,
      idempotency_key: 'canary-key',
      reference: 'canary-reference',
    })
    const { id } = (await ledger.api.queueTransaction(poor)).body
    expect(await ended(id)).toBe('failed')
    const queues = board()
    const ours = queues[slotOf(key) % queues.length]
    const { job, logs } = await until('the job that refused it is done', async () => {
      for (const job of (await ours?.getCompleted()) ?? []) {
        const logs = (await ours?.getJobLogs(job.id ?? ''))?.logs ?? []
        if (logs.includes(`refused ${id}`)) return { job, logs }
      }
      return undefined
    })
    expect(job.name).toMatch(/^slots? /)
    expect(job.returnvalue).toEqual({
      slots: expect.arrayContaining([slotOf(key)]),
      posted: 0,
      refused: 1,
      firstSequence: expect.any(Number),
      lastSequence: expect.any(Number),
      stoppedBy: null,
      ms: expect.any(Number),
    })
    const told = JSON.stringify([job.toJSON(), logs])
    expect([digits, 'canary'].filter((trace) => told.includes(trace))).toEqual([])
    await Promise.all(queues.map((each) => each.close()))
  })
})

describe.each([
  ['more queues than its workers hear', { api: 8, worker: 3 }],
  ['fewer queues than its workers hear', { api: 3, worker: 8 }],
])('an API that rings %s', (_, queues) => {
  it('has everything drained, in order', async () => {
    const location = await postgres()
    const connect = bullmq(redisUrl(), newNamespace())
    const api = await startService(location, { queue: () => connect(queues.api), worker: false })
    const worker = await startService(location, { queue: () => connect(queues.worker) })
    try {
      const { cash, alice } = await openPeople(api.api)
      const keys = Array.from({ length: 10 }, (_key, n) => `key ${n}`)
      const ids = await Promise.all(
        keys.map(async (ordering_key) => {
          const own: string[] = []
          for (let n = 0; n < 3; n += 1) {
            const request = payment({ debit: cash, credit: alice, amount: '1.00', ordering_key })
            own.push((await api.api.queueTransaction(request)).body.id)
          }
          return own
        }),
      )
      for (const own of ids) {
        const versions: number[] = []
        for (const id of own) {
          const { entries } = (await api.api.transaction(id, { wait: 10 })).body
          versions.push(entries[0]?.account_version ?? 0)
        }
        expect(versions).toEqual(versions.toSorted((a, b) => a - b))
      }
      expect(await balanceOf(api.api, alice)).toBe('30.00')
    } finally {
      await api.close()
      await worker.close()
    }
  })
})
