import { Redis } from 'ioredis'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { provisionRedis, type RedisServer } from '../../scripts/provision/redis.ts'
import { balanceOf, openPeople, payment, type People } from '../support/people.ts'
import { bullmq, postgres, startService, type Service } from '../support/service.ts'
import type { StoreLocation } from '../../shared/store/open.ts'
import { until } from '../support/until.ts'

describe('an outage of Redis', () => {
  /** Off, only a ring leads to a drain. */
  let sweeping = true
  let redis: RedisServer
  let location: StoreLocation
  beforeAll(async () => {
    redis = await provisionRedis({ ownServer: true })
    location = await postgres()
  })
  beforeEach(() => {
    sweeping = true
  })
  afterAll(() => redis.stop())

  const start = (worker = true) =>
    startService(location, {
      queue: bullmq(redis.url()),
      worker,
      interpose: (store) => ({
        slotsWaiting: async (ageMs) => (sweeping ? store.slotsWaiting(ageMs) : []),
      }),
    })
  const queue = async ({ api }: Service, { cash, alice }: People, ordering_key = 'k') => {
    const request = payment({ debit: cash, credit: alice, amount: '1.00', ordering_key })
    const answer = await api.queueTransaction(request)
    expect(answer.status).toBe(202)
    return answer.body.id
  }
  const ended = async ({ api }: Service, id: string, wait = 10) =>
    (await api.transaction(id, { wait })).body.status
  /** Resolves when a ring leads to a drain again, and gives how long that took. */
  const bellsWork = async (ledger: Service, people: People) => {
    const begun = performance.now()
    sweeping = false
    await until('a ring is answered', async () => {
      return (await ended(ledger, await queue(ledger, people, 'bell'), 1)) === 'posted'
    })
    sweeping = true
    return performance.now() - begun
  }

  it('that empties it between acceptance and drain loses nothing', async () => {
    const ledger = await start(false)
    try {
      const people = await openPeople(ledger.api)
      const ids: string[] = []
      for (let n = 0; n < 40; n += 1) ids.push(await queue(ledger, people, `key ${n % 7}`))
      const client = new Redis(redis.url())
      await until('the bells have rung', async () => (await client.dbsize()) > 0)
      await client.flushall()
      await ledger.startWorker()
      for (const id of ids) expect(await ended(ledger, id)).toBe('posted')
      expect(await balanceOf(ledger.api, people.alice)).toBe('40.00')

      // In the midst of work, too: the worker's bells are heard again by themselves.
      await client.flushall()
      await bellsWork(ledger, people)
      client.disconnect()
    } finally {
      await ledger.close()
    }
  })

  it('from before the start of both services on costs time only', async () => {
    await redis.kill('SIGKILL')
    const ledger = await start()
    try {
      expect(ledger.queue.isConnected()).toBe(false)
      const people = await openPeople(ledger.api)
      const ids: string[] = []
      const begun = performance.now()
      for (let n = 0; n < 20; n += 1) ids.push(await queue(ledger, people, `key ${n % 5}`))
      // Did each wait for Redis to time out, a second, this would take 20.
      expect(performance.now() - begun).toBeLessThan(10_000)
      for (const id of ids) expect(await ended(ledger, id)).toBe('posted')
      expect(await balanceOf(ledger.api, people.alice)).toBe('20.00')

      await redis.restart({ empty: true })
      expect(await bellsWork(ledger, people)).toBeLessThan(4000)
    } finally {
      await ledger.close()
    }
  })

  it('while load goes on loses nothing and keeps the order', async () => {
    const ledger = await start()
    try {
      const people = await openPeople(ledger.api)
      const until = performance.now() + 5000
      const clients = Array.from({ length: 6 }, async (_, n) => {
        const ids: string[] = []
        while (performance.now() < until) ids.push(await queue(ledger, people, `key ${n}`))
        return ids
      })
      await ended(ledger, await queue(ledger, people, 'before'))
      await redis.kill('SIGKILL')
      await ended(ledger, await queue(ledger, people, 'during'))
      await redis.restart({ empty: true })
      expect(await bellsWork(ledger, people)).toBeLessThan(4000)

      const queued = await Promise.all(clients)
      for (const ids of queued) {
        expect(ids.length).toBeGreaterThan(10)
        // Under one key: when the last has ended, so have all before it.
        expect(await ended(ledger, ids.at(-1) ?? '', 30)).toBe('posted')
      }
      const statuses = new Set<string>()
      for (const status of ['queued', 'failed', 'canceled']) {
        const { items } = (await ledger.api.transactions({ status })).body
        for (const item of items) statuses.add(item.status)
      }
      expect(statuses).toEqual(new Set())
      for (const ids of queued) {
        const [first, last] = await Promise.all(
          [ids[0], ids.at(-1)].map(async (id) => (await ledger.api.transaction(id ?? '')).body),
        )
        const [from = 0, to = 0] = [first, last].map((t) => t?.entries[0]?.account_version)
        expect(to - from).toBeGreaterThanOrEqual(ids.length - 1)
      }
    } finally {
      await ledger.close()
    }
  })

  it('does not keep a worker or an API from stopping', async () => {
    const ledger = await start()
    const people = await openPeople(ledger.api)
    await ended(ledger, await queue(ledger, people))
    await redis.kill('SIGKILL')
    await until('it is noticed', () => !ledger.queue.isConnected())
    try {
      const begun = performance.now()
      await ledger.stopWorker()
      expect(performance.now() - begun).toBeLessThan(5000)
      await ledger.close()
      expect(performance.now() - begun).toBeLessThan(10_000)
    } finally {
      await redis.restart()
    }
  })
})
