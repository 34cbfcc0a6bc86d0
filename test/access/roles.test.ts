import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { FastifyInstance, RouteOptions } from 'fastify'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { classOf, roleOpens, routesInTable } from '../../services/api/access/route-access.ts'
import { roles, type Role } from '../../shared/access/role.ts'
import { makeKey, showing } from '../support/keys.ts'
import { bullmq, sqlite, startService, type Service } from '../support/service.ts'

/** Everything that the server answers at, the pages of other makers and their assets included. */
const routes: { readonly method: string; readonly url: string }[] = []
const keys = new Map<Role, string>()
let service: Service

beforeAll(async () => {
  const onServer = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', ({ method, url }: RouteOptions) => {
      for (const one of [method].flat()) routes.push({ method: one, url })
    })
  }
  subscribe('fastify.initialization', onServer)
  service = await startService(sqlite(), { queue: bullmq(), access: { asking: 'always' } })
  unsubscribe('fastify.initialization', onServer)
  for (const role of roles) keys.set(role, await makeKey(service.store, role))
})
afterAll(() => service.close())

/** What each role is to be able to do, said once more, by hand. */
const expected: Readonly<Record<Role, readonly string[]>> = {
  viewer: ['viewer'],
  poster: ['viewer', 'poster'],
  operator: ['viewer', 'poster', 'operator'],
  admin: ['viewer', 'poster', 'operator', 'admin', 'auditor'],
  auditor: ['viewer', 'auditor'],
}

describe('role and route', () => {
  test('every route has a class, and the table speaks of no route that there is not', () => {
    const unclassed = routes.filter(({ method, url }) => classOf(method, url) === undefined)
    const there = new Set(routes.map(({ method, url }) => `${method} ${url}`))

    expect(unclassed).toEqual([])
    expect(routesInTable.filter((route) => !there.has(route))).toEqual([])
    for (const part of ['/docs/static/*', '/redoc', '/admin/queues/static/*', '/metrics']) {
      expect(routes.map(({ url }) => url)).toContain(part)
    }
  })

  test('only documentation and health are public', () => {
    const open = routes.filter(({ method, url }) => classOf(method, url) === 'public')
    const addresses = new Set(open.map(({ url }) => url.replace(/^\/(docs|redoc)\/.*/, '/$1')))

    expect([...addresses].toSorted()).toEqual(
      ['/', '/docs', '/errors', '/health', '/health/ready', '/openapi.json', '/redoc'].toSorted(),
    )
    expect(open.filter(({ method }) => method !== 'GET' && method !== 'HEAD')).toEqual([])
  })

  test.each(roles)('%s opens what it should, and nothing else', async (role) => {
    expect(roleOpens[role]).toEqual(['public', ...expected[role]])
    const wrong: string[] = []
    for (const { method, url } of routes) {
      const access = classOf(method, url) ?? ''
      const status = await statusOf(method, url, keys.get(role))
      const isOpen = access === 'public' || expected[role].includes(access)
      const isRight = isOpen ? status !== 401 && status !== 403 : status === 403
      if (!isRight) wrong.push(`${method} ${url} (${access}): ${status}`)
    }
    expect(wrong).toEqual([])
  })

  test('without a credential, or with a wrong one, everything but the public is 401', async () => {
    const wrong: string[] = []
    const almost = `${keys.get('admin')?.slice(0, -1)}${keys.get('admin')?.endsWith('A') === true ? 'B' : 'A'}`
    for (const { method, url } of routes) {
      const isPublic = classOf(method, url) === 'public'
      for (const key of [undefined, almost]) {
        const status = await statusOf(method, url, key)
        if ((status === 401) === isPublic) wrong.push(`${method} ${url}: ${status}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('the assets of the documentation are public, those of the board for operators', async () => {
    const docs = await assetsOf('/docs/static/index.html', keys.get('viewer'))
    const board = await assetsOf('/admin/queues', keys.get('operator'))
    const statuses = async (path: string) => {
      const all = [undefined, keys.get('poster'), keys.get('operator')]
      return Promise.all(all.map(async (key) => (await ask('GET', path, key)).status))
    }

    expect(docs.length).toBeGreaterThan(2)
    expect(board.length).toBeGreaterThan(2)
    for (const path of docs) expect([path, await statuses(path)]).toEqual([path, [200, 200, 200]])
    for (const path of board) expect([path, await statuses(path)]).toEqual([path, [401, 403, 200]])
  })

  test('a server with a route that nobody has given a class does not start', async () => {
    const onServer = (message: unknown) => {
      const { fastify } = message as { fastify: FastifyInstance }
      fastify.addHook('onReady', (done) => done())
      fastify.addHook('onRegister', (instance) => {
        if (!instance.hasRoute({ method: 'GET', url: '/odd' })) instance.get('/odd', () => 'odd')
      })
    }
    subscribe('fastify.initialization', onServer)
    const starting = service.another()
    await expect(starting).rejects.toThrow('GET /odd has no access class')
    unsubscribe('fastify.initialization', onServer)
  })
})

describe('a refusal', () => {
  test('without a credential says how to show one', async () => {
    const { headers, body } = await ask('GET', '/api/v1/accounts')

    expect(headers.get('www-authenticate')).toBe('Bearer realm="LedgerFlow"')
    expect(body).toMatchObject({ code: 'unauthenticated', status: 401, retryable: false })
  })

  test('of a wrong credential says that it is wrong, and not why', async () => {
    const bodies = ['lf_0123456789ab_' + 'A'.repeat(43), 'nonsense', 'a.b.c'].map(async (key) => {
      const { headers, body } = await ask('GET', '/api/v1/accounts', key)
      expect(headers.get('www-authenticate')).toContain('error="invalid_token"')
      return JSON.stringify(body)
    })
    expect(new Set(await Promise.all(bodies)).size).toBe(1)
  })

  test('of a role says which it is and which is needed', async () => {
    const { status, headers, body } = await ask('POST', '/api/v1/accounts', keys.get('viewer'))

    expect(status).toBe(403)
    expect(headers.get('www-authenticate')).toContain('insufficient_scope')
    expect(body).toMatchObject({ code: 'forbidden', role: 'viewer', needed: 'poster' })
  })

  test('of the board asks a browser for a password, which is the key', async () => {
    const { headers } = await ask('GET', '/admin/queues')
    const basic = (key = '') => ({
      authorization: `Basic ${Buffer.from(`anybody:${key}`).toString('base64')}`,
    })
    const board = await fetch(`${service.url}/admin/queues`, {
      headers: basic(keys.get('operator')),
    })
    const page = await board.text()
    const elsewhere = await fetch(`${service.url}/api/v1/accounts`, {
      headers: basic(keys.get('operator')),
    })

    expect(headers.get('www-authenticate')).toContain('Basic realm="LedgerFlow"')
    expect([board.status, elsewhere.status]).toEqual([200, 401])
    expect(page).toContain('LedgerFlow')
  })
})

/** The addresses on this service that a page loads. */
async function assetsOf(path: string, key?: string): Promise<string[]> {
  const headers = key === undefined ? {} : showing(key)
  const page = await fetch(`${service.url}${path}`, { headers })
  const html = await page.text()
  const base = new URL(/<base href="([^"]*)"/.exec(html)?.[1] ?? '', page.url)
  const found = [...html.matchAll(/(?:src|href)="([^"]+\.(?:js|css|png|svg|ico))"/g)]
  const addresses = found.map(([, address = '']) => new URL(address, base))
  return [...new Set(addresses.map(({ pathname }) => pathname))]
}

async function ask(method: string, path: string, key?: string) {
  const response = await fetch(`${service.url}${path}`, {
    method,
    redirect: 'manual',
    headers: {
      ...(key === undefined ? {} : showing(key)),
      ...(method === 'POST' ? { 'content-type': 'application/json' } : {}),
    },
  })
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true
  if (isStream) await response.body?.cancel()
  const text = isStream ? '' : await response.text()
  const isJson = response.headers.get('content-type')?.includes('json') === true
  const body: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
  return { status: response.status, headers: response.headers, body }
}

async function statusOf(method: string, url: string, key?: string): Promise<number> {
  const path = url.replace(/:\w+/g, '0198c0de-7a11-7000-8000-00000000a11c').replace('*', 'x')
  return (await ask(method, path, key)).status
}
