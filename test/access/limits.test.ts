import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newKey } from '../../shared/access/api-key.ts'
import { makeKey, showing } from '../support/keys.ts'
import { bullmq, newNamespace, sqlite, startService, type Service } from '../support/service.ts'

const asking = { access: { asking: 'always' } } as const
const border = { trustedProxies: ['127.0.0.1'] }

/** Counting begins anew each minute: what falls on both sides of that is done again. */
async function inOneMinute<Result>(work: () => Promise<Result>): Promise<Result> {
  const minute = () => Math.floor(Date.now() / 60_000)
  for (;;) {
    const begun = minute()
    const result = await work()
    if (minute() === begun) return result
  }
}

describe('a limit of requests', () => {
  const limits = { requests: 5, failedLogins: 0 }
  let service: Service
  beforeAll(async () => {
    service = await startService(sqlite(), { ...asking, border: { limits } })
  })
  afterAll(() => service.close())

  test('holds for one credential, and for nobody else', async () => {
    const { statuses, other, open, refused } = await inOneMinute(async () => {
      const key = await makeKey(service.store, 'viewer')
      const tried: number[] = []
      for (let times = 0; times < 6; times += 1) tried.push((await ask(service, key)).status)
      return {
        statuses: tried,
        refused: await ask(service, key),
        other: await ask(service, await makeKey(service.store, 'viewer')),
        open: await fetch(`${service.url}/health`),
      }
    })

    expect(statuses).toEqual([200, 200, 200, 200, 200, 429])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(Number(refused.headers.get('retry-after'))).toBeLessThanOrEqual(60)
    expect(refused.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
    expect(await refused.json()).toMatchObject({ code: 'rate_limited', retryable: true })
    expect([other.status, open.status]).toEqual([200, 200])
  })

  test('is none while no credential is asked for', async () => {
    const open = await service.another({ access: { asking: 'never' } })
    for (let times = 0; times < 12; times += 1) expect((await ask(open)).status).toBe(200)
    await open.close()
  })
})

describe('between two services with Redis', () => {
  const limits = { requests: 20, failedLogins: 0 }
  const pauseMs = 60

  test('a limit holds for both together', async () => {
    const namespace = newNamespace()
    const queue = () => bullmq(undefined, namespace)()
    const options = { ...asking, queue, border: { limits }, worker: false }
    const first = await startService(sqlite(), options)
    const second = await startService(sqlite(), options)
    try {
      const own = await inOneMinute(async () => {
        const made = newKey()
        const wish = { name: null, role: 'viewer', ledgerId: null, expiresAt: null } as const
        for (const { store } of [first, second]) await store.apiKeys.add(made, wish, Date.now())
        for (let times = 0; times < limits.requests; times += 1) await ask(first, made.key)
        let taken = 0
        // Slower than they tell each other: alone, the second would take twenty.
        while ((await ask(second, made.key)).status === 200) {
          taken += 1
          await pause(pauseMs)
        }
        return taken
      })
      expect(own).toBeLessThan(limits.requests)
    } finally {
      await second.close()
      await first.close()
    }
  })

  test('without Redis each counts for itself, and nobody hears of an error', async () => {
    const queue = () => bullmq('redis://127.0.0.1:1')()
    const service = await startService(sqlite(), {
      ...asking,
      queue,
      border: { limits },
      worker: false,
    })
    try {
      const statuses = await inOneMinute(async () => {
        const key = await makeKey(service.store, 'viewer')
        const all: number[] = []
        for (let times = 0; times < 21; times += 1) all.push((await ask(service, key)).status)
        return all
      })
      expect(statuses).toEqual([...Array.from({ length: 20 }, () => 200), 429])
    } finally {
      await service.close()
    }
  })
})

describe('wrong credentials', () => {
  const limits = { requests: 0, failedLogins: 10 }
  let service: Service
  let reads = 0
  beforeAll(async () => {
    service = await startService(sqlite(), {
      ...asking,
      border: { ...border, limits },
      interpose: ({ apiKeys }) => ({
        apiKeys: new Proxy(apiKeys, {
          get: (target, name) => {
            if (name === 'find') reads += 1
            const value: unknown = Reflect.get(target, name, target)
            return typeof value === 'function' ? (value.bind(target) as unknown) : value
          },
        }),
      }),
    })
  })
  afterAll(() => service.close())

  test('from one address are soon not looked up any more, and nobody else notices', async () => {
    const guesses = 2000
    const atOnce = 50
    const seen = await makeKey(service.store, 'viewer')
    const elsewhere = await makeKey(service.store, 'viewer')
    await inOneMinute(async () => {
      expect((await ask(service, seen, '10.0.0.1')).status).toBe(200)
      reads = 0
      const statuses: number[] = []
      for (let first = 0; first < guesses; first += atOnce) {
        const some = Array.from({ length: atOnce }, () => ask(service, newKey().key, '10.0.0.1'))
        statuses.push(...(await Promise.all(some)).map(({ status }) => status))
        expect((await ask(service, elsewhere, '10.0.0.2')).status).toBe(200)
      }
      const lookUps = reads
      const late = await ask(service, newKey().key, '10.0.0.1')
      const unseen = await ask(service, await makeKey(service.store, 'viewer'), '10.0.0.1')

      expect(new Set(statuses)).toEqual(new Set([401, 429]))
      // Those that were under way when the tenth was found wrong, and the good key of another address now and then.
      expect(lookUps).toBeLessThan(2 * atOnce + 50)
      expect(late.status).toBe(429)
      expect(Number(late.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(unseen.status).toBe(429)
      // Who was good here before still is, from the same address too.
      expect((await ask(service, seen, '10.0.0.1')).status).toBe(200)
    })
  })

  test('are those of the proxy, unless it is trusted to say whose they are', async () => {
    const untrusting = await service.another({ border: { limits } })
    await inOneMinute(async () => {
      for (let from = 0; from < 11; from += 1) await ask(untrusting, newKey().key, `10.1.0.${from}`)
      expect((await ask(untrusting, newKey().key, '10.1.0.99')).status).toBe(429)
    })
    await untrusting.close()
  })

  test('none at all is no guess', async () => {
    for (let times = 0; times < 12; times += 1) {
      expect((await ask(service, undefined, '10.0.0.3')).status).toBe(401)
    }
  })
})

function ask({ url }: Service, key?: string, from?: string): Promise<Response> {
  return fetch(`${url}/api/v1/accounts?limit=1`, {
    headers: {
      ...(key === undefined ? {} : showing(key)),
      ...(from === undefined ? {} : { 'x-forwarded-for': from }),
    },
  })
}
