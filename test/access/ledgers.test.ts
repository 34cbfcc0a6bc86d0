import type { OpenAPIV3_1 as Api } from 'openapi-types'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeKey, showing } from '../support/keys.ts'
import { postgres, sqlite, startService, type Service } from '../support/service.ts'

const stores = [
  { name: 'sqlite', locate: () => sqlite() },
  { name: 'postgres', locate: () => postgres() },
]

const missing = '0198c0de-7a11-7000-8000-00000000a11c'

interface Answer {
  readonly status: number
  readonly text: string
}

describe.each(stores)('two ledgers, over $name', ({ locate }) => {
  let service: Service
  /** Admins of one ledger each, and of all. */
  let a: string
  let b: string
  let all: string
  /** Everything that A has an address for. */
  let accounts: string[]
  let transactions: string[]
  let batchId: string
  let webhookId: string

  beforeAll(async () => {
    service = await startService(await locate(), { access: { asking: 'always' }, worker: false })
    const { store } = service
    const ids = await Promise.all(
      ['a', 'b'].map(async (name) => store.ledgers.open(name, Date.now())),
    )
    ;[a = '', b = ''] = await Promise.all(ids.map(({ id }) => makeKey(store, 'admin', id)))
    all = await makeKey(store, 'admin')
    accounts = [await open(a, 'asset'), await open(a, 'liability')]
    transactions = [
      await pay(a, 'POST /api/v1/transactions'),
      await pay(a, 'POST /api/v1/transactions?mode=async'),
      await pay(a, 'POST /api/v1/transactions?mode=async'),
    ]
    await send(a, `POST /api/v1/transactions/${transactions[2]}/cancel`)
    const batch = { mode: 'atomic', transactions: [payment(accounts[0], accounts[1])] }
    batchId = idIn(await send(a, 'POST /api/v1/transactions/batch?mode=async', batch))
    webhookId = idIn(await send(a, 'POST /api/v1/webhooks', { url: 'https://1.1.1.1/' }))
  })
  afterAll(() => service.close())

  test("each address of A's is to B what an id is that nobody has, in the same bytes", async () => {
    const routes = await addressedRoutes(service.url)
    const ids = [...accounts, ...transactions, batchId, webhookId]
    expect(routes.length).toBeGreaterThanOrEqual(8)
    for (const { route, body } of routes) {
      for (const id of ids) {
        const foreign = await send(b, route.replace(/\{\w+\}/, id), body)
        const none = await send(b, route.replace(/\{\w+\}/, missing), body)

        expect({ route, status: foreign.status }).toEqual({ route, status: 404 })
        expect(foreign.text).toBe(none.text.replaceAll(missing, id))
      }
    }
  })

  test("the same addresses are there for A, and for who may see all and names A's ledger", async () => {
    const reads = [
      ...accounts.map((id) => `GET /api/v1/accounts/${id}`),
      ...transactions.map((id) => `GET /api/v1/transactions/${id}`),
      `GET /api/v1/batches/${batchId}`,
      `GET /api/v1/webhooks/${webhookId}`,
    ]
    for (const route of reads) {
      expect((await send(a, route)).status).toBe(200)
      expect((await send(all, route, undefined, { ledger: 'a' })).status).toBe(200)
      expect((await send(all, route)).status).toBe(404)
    }
  })

  test("B's lists are empty, and A's cursors are none of B's", async () => {
    for (const list of ['accounts', 'transactions', 'queue/parked', 'webhooks']) {
      const { text } = await send(b, `GET /api/v1/${list}`)
      expect(JSON.parse(text)).toEqual({ items: [], next_cursor: null })
    }
    const page = JSON.parse((await send(a, 'GET /api/v1/accounts?limit=1')).text) as {
      next_cursor: string
    }
    const cursor = encodeURIComponent(page.next_cursor)
    expect((await send(b, `GET /api/v1/accounts?limit=1&cursor=${cursor}`)).status).toBe(400)
    expect((await send(a, `GET /api/v1/accounts?limit=1&cursor=${cursor}`)).status).toBe(200)
  })

  test("B's payment to an account of A's is refused like one to an account that nobody has", async () => {
    const own = await open(b, 'asset')
    const payTo = (id = '') => send(b, 'POST /api/v1/transactions', payment(own, id))
    const foreign = await payTo(accounts[0])
    const none = await payTo(missing)

    expect(foreign.status).toBe(422)
    expect(foreign.text).toBe(none.text.replaceAll(missing, accounts[0] ?? ''))
  })

  test('an idempotency key, an account code and a currency of A are free for B', async () => {
    const key = { idempotency_key: 'one', ...payment(missing, missing) }
    const ends = [
      await send(a, 'POST /api/v1/transactions', key),
      await send(b, 'POST /api/v1/transactions', { ...key, description: 'other' }),
    ]
    expect(ends.map(({ text }) => text).join()).not.toContain('idempotency_key_reused')

    const coded = { name: 'x', account_type: 'asset', currency: 'USD', code: 'cash' }
    for (const key of [a, b])
      expect((await send(key, 'POST /api/v1/accounts', coded)).status).toBe(201)
    for (const [key, exponent] of [
      [a, 0],
      [b, 2],
    ] as const) {
      const currency = { code: 'POINTS', exponent }
      expect((await send(key, 'POST /api/v1/currencies', currency)).status).toBe(201)
    }
  })

  test('the header Ledger means a ledger of the credential, and any other is none', async () => {
    const asked = (ledger: string) => send(b, 'GET /api/v1/accounts', undefined, { ledger })

    expect((await asked('b')).status).toBe(200)
    const [foreign, none, bad] = [await asked('a'), await asked('nobodys'), await asked('A B')]
    expect([foreign.status, none.status, bad.status]).toEqual([400, 400, 400])
    expect(new Set([foreign.text, none.text, bad.text]).size).toBe(1)
    expect((await send(all, 'GET /api/v1/accounts', undefined, { ledger: 'c' })).text).toBe(
      none.text,
    )
  })

  test('an admin of all ledgers makes them, and making one again is answered the same', async () => {
    const name = 'marketplace-eu'
    const first = await send(all, 'POST /api/v1/ledgers', { name })
    const again = await send(all, 'POST /api/v1/ledgers', { name })
    const names = async (key: string) =>
      (
        JSON.parse((await send(key, 'GET /api/v1/ledgers')).text) as { items: { name: string }[] }
      ).items.map((item) => item.name)

    expect([first.status, again.status]).toEqual([201, 201])
    expect(again.text).toBe(first.text)
    expect((await send(all, 'GET /api/v1/accounts', undefined, { ledger: name })).status).toBe(200)
    expect(await names(all)).toEqual(expect.arrayContaining(['default', 'a', 'b', name]))
    expect(await names(b)).toEqual(['b'])
    expect((await send(b, 'POST /api/v1/ledgers', { name: 'c' })).status).toBe(403)
    for (const wrong of ['', 'All', 'a b', `${'x'.repeat(64)}`]) {
      expect((await send(all, 'POST /api/v1/ledgers', { name: wrong })).status).toBe(400)
    }
  })

  test('ledgers that are made at the same time all come about', async () => {
    const names = Array.from({ length: 8 }, (_, index) => `at-once-${index}`)
    const ends = await Promise.all(names.map((name) => send(all, 'POST /api/v1/ledgers', { name })))

    expect(ends.map(({ status }) => status)).toEqual(names.map(() => 201))
  })

  async function send(
    key: string,
    route: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer> {
    const [method = '', path = ''] = route.split(' ')
    const response = await fetch(`${service.url}${path}`, {
      method,
      headers: {
        ...showing(key),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    return { status: response.status, text: await response.text() }
  }

  async function open(key: string, type: string): Promise<string> {
    const account = { name: 'an account', account_type: type, currency: 'USD' }
    return idIn(await send(key, 'POST /api/v1/accounts', account))
  }

  async function pay(key: string, route: string): Promise<string> {
    return idIn(await send(key, route, payment(accounts[0], accounts[1])))
  }
})

/** Every route at which something has an address, with the body that its documentation shows. */
async function addressedRoutes(url: string): Promise<{ route: string; body?: unknown }[]> {
  const document = (await (await fetch(`${url}/openapi.json`)).json()) as Api.Document
  return Object.entries(document.paths ?? {})
    .filter(([path]) => path.includes('{'))
    .flatMap(([path, item]) =>
      Object.entries(item ?? {}).map(([method, operation]) => {
        const { requestBody } = operation as { requestBody?: Api.RequestBodyObject }
        const media = requestBody?.content['application/json']
        const example = media?.examples?.['example'] as Api.ExampleObject | undefined
        return { route: `${method.toUpperCase()} ${path}`, body: example?.value as unknown }
      }),
    )
}

function payment(debit = '', credit = ''): object {
  return {
    currency: 'USD',
    entries: [
      { account_id: debit, direction: 'debit', amount: '1.00' },
      { account_id: credit, direction: 'credit', amount: '1.00' },
    ],
  }
}

function idIn({ status, text }: Answer): string {
  expect([201, 202]).toContain(status)
  return (JSON.parse(text) as { id: string }).id
}
