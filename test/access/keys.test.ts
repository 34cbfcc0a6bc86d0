import { userInfo } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newKey } from '../../shared/access/api-key.ts'
import { runScript, type ScriptEnd } from '../scripts/run-script.ts'
import { createSqlitePath } from '../support/databases.ts'
import { makeKey, showing } from '../support/keys.ts'
import { postgres, sqlite, startService, type Service } from '../support/service.ts'

const stores = [
  { name: 'sqlite', locate: () => sqlite() },
  { name: 'postgres', locate: () => postgres() },
]

/** The promise for a revoked key. */
const refusedMs = 1000

describe.each(stores)('a key, over $name', ({ locate }) => {
  let service: Service
  let other: Service
  beforeAll(async () => {
    service = await startService(await locate(), { access: { asking: 'always' } })
    other = await service.another()
  })
  afterAll(async () => {
    await other.close()
    await service.close()
  })

  test('that is revoked is refused within a second, by two services that are using it', async () => {
    const key = await makeKey(service.store, 'viewer')
    const uses = [service, other]
    for (const one of uses) expect(await statusWith(one, key)).toBe(200)
    let busy = true
    const use = async (one: Service): Promise<void> => {
      while (busy) await statusWith(one, key)
    }
    const using = uses.map(use)
    const revoked = await service.store.apiKeys.revoke(key.slice(0, 15), Date.now())
    await pause(refusedMs)
    const statuses = await Promise.all(uses.map((one) => statusWith(one, key)))
    busy = false
    await Promise.all(using)

    expect(revoked).toBe(true)
    expect(statuses).toEqual([401, 401])
    // For good, and once.
    expect(await service.store.apiKeys.revoke(key.slice(0, 15), Date.now())).toBe(false)
  })

  test('is good until it expires, to the millisecond', async () => {
    const made = newKey()
    const now = Date.now()
    const expiresAt = now + 700
    await service.store.apiKeys.add(
      made,
      { name: null, role: 'viewer', ledgerId: null, expiresAt },
      now,
    )
    expect(await statusWith(service, made.key)).toBe(200)
    await pause(expiresAt - Date.now())

    expect(await statusWith(service, made.key)).toBe(401)
  })

  test('is stored as a hash only', async () => {
    const made = newKey()
    const wish = { name: null, role: 'viewer', ledgerId: null, expiresAt: null } as const
    await service.store.apiKeys.add(made, wish, Date.now())
    const rows = JSON.stringify(await service.store.apiKeys.list())

    expect(rows).toContain(made.prefix)
    expect(rows).not.toContain(made.key.slice(16))
    expect(await service.store.apiKeys.find(made.hash)).toMatchObject({ prefix: made.prefix })
  })
})

test('a key that is busy is read from the database now and then, not for each request', async () => {
  let reads = 0
  const service = await startService(sqlite(), {
    access: { asking: 'always' },
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
  try {
    const key = await makeKey(service.store, 'viewer')
    for (let times = 0; times < 200; times += 1) await statusWith(service, key)

    expect(reads).toBeGreaterThan(0)
    expect(reads).toBeLessThan(50)
  } finally {
    await service.close()
  }
})

describe.each(stores)('npm run keys beside a service that is running, over $name', ({ locate }) => {
  let service: Service
  beforeAll(async () => {
    service = await startService(await locate(), { access: { asking: 'always' } })
  })
  afterAll(() => service.close())

  const keys = (...parameters: string[]): Promise<ScriptEnd> => {
    const { location } = service
    const url = location.dialect === 'sqlite' ? `sqlite:${location.path}` : location.url
    return runScript('keys', { DATABASE_URL: url }, parameters)
  }

  test('makes a key, shows it once, and ends it; the service takes it at once', async () => {
    const wish = ['--role', 'viewer', '--name', 'the shop', '--expires', '30d']
    const made = await keys('create', ...wish)
    const key = made.stdout.trimEnd()
    const prefix = key.slice(0, 15)
    const statusBefore = await statusWith(service, key)
    const revoked = await keys('revoke', prefix)
    const listed = await keys('list')

    expect(key).toMatch(/^lf_[0-9a-f]{12}_[A-Za-z0-9_-]{43}$/)
    expect(statusBefore).toBe(200)
    expect(revoked).toMatchObject({ code: 0, stderr: '' })
    expect(listed.stdout).toMatch(
      new RegExp(`^${prefix}  viewer  ledger default  made \\S+  revoked \\S+  the shop\n$`),
    )
    expect(listed.stdout + made.stderr).not.toContain(key.slice(16))
    const recorded = await service.store.findRecords(1, { objectId: prefix }, { size: 10 })
    expect(recorded.records).toMatchObject(
      ['revokeKey', 'createKey'].map((action) => ({
        action,
        credential: `os:${userInfo().username}`,
        ledgerId: 1,
      })),
    )
  })
})

test.each([
  [['create', '--role', 'root'], '--role takes one of'],
  [['create', '--role', 'viewer', '--ledger', 'none'], 'there is no ledger none'],
  [['create', '--role', 'viewer', '--expires', '2020-01-01'], 'that is to come'],
])('npm run keys makes no key of %j', async (parameters, complaint) => {
  const end = await runScript('keys', { DATABASE_URL: `sqlite:${createSqlitePath()}` }, parameters)

  expect(end).toMatchObject({ code: 1, stdout: '' })
  expect(end.stderr).toContain(complaint)
})

test('a service without any key is open, and closes by itself within a second of the first', async () => {
  const service = await startService(sqlite())
  try {
    expect(await statusWith(service)).toBe(200)
    const key = await makeKey(service.store, 'viewer')
    await pause(refusedMs)

    expect(await statusWith(service)).toBe(401)
    expect(await statusWith(service, key)).toBe(200)
    // It never opens again: a key that is revoked is not one that was never made.
    await service.store.apiKeys.revoke(key.slice(0, 15), Date.now())
    const again = await service.another()
    expect(await statusWith(again)).toBe(401)
    await again.close()
  } finally {
    await service.close()
  }
})

async function statusWith({ url }: Service, key?: string): Promise<number> {
  const headers = key === undefined ? {} : showing(key)
  const response = await fetch(`${url}/api/v1/accounts?limit=1`, { headers })
  await response.text()
  return response.status
}
