import Database from 'better-sqlite3'
import type { OpenAPIV3_1 as Api } from 'openapi-types'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { windowMs } from '../../services/api/access/counts.ts'
import { RefusalLog } from '../../services/api/audit/refusal-log.ts'
import type { AuditRecord } from '../../shared/engine/audit-record.ts'
import { createLog } from '../../shared/log.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { makeKey, showing } from '../support/keys.ts'
import { postgres, sqlite, startService, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

const stores = [
  { name: 'sqlite', locate: () => sqlite() },
  { name: 'postgres', locate: () => postgres() },
]

interface AuditJson {
  readonly id: string
  readonly at: string
  readonly credential: string
  readonly ledger: string | null
  readonly action: string
  readonly outcome: string
  readonly status: number | null
  readonly code: string | null
  readonly object: { readonly kind: string; readonly id: string } | null
  readonly request_id: string | null
  readonly count: number
}

interface Page {
  readonly items: readonly AuditJson[]
  readonly next_cursor: string | null
}

describe.each(stores)('the audit log, over $name', ({ locate }) => {
  let service: Service
  /** An admin of all ledgers, callers of one, and those who read the log. */
  let admin: string
  let operator: string
  let poster: string
  let auditor: string
  let auditorOfAll: string
  let cash: string
  let alice: string

  beforeAll(async () => {
    service = await startService(await locate(), { access: { asking: 'always' } })
    const { store } = service
    admin = await makeKey(store, 'admin')
    operator = await makeKey(store, 'operator', 1)
    poster = await makeKey(store, 'poster', 1)
    auditor = await makeKey(store, 'auditor', 1)
    auditorOfAll = await makeKey(store, 'auditor')
    cash = idIn(await send(poster, 'POST /api/v1/accounts', account('asset')))
    alice = idIn(await send(poster, 'POST /api/v1/accounts', account('liability')))
  })
  afterAll(() => service.close())

  test('has exactly one record of each action that changes something', async () => {
    const pay = (rest = {}) => ({ ...payment(cash, alice), ...rest })
    const paid = await act(poster, 'POST /api/v1/transactions', pay())
    const hold = await act(poster, 'POST /api/v1/transactions', pay({ hold: { expires_in: 60 } }))
    const other = await act(poster, 'POST /api/v1/transactions', pay({ hold: { expires_in: 60 } }))
    const kept = pay({ idempotency_key: 'kept', currency: 'NONE' })
    const about = (id: string, what: string) => `POST /api/v1/transactions/${id}/${what}`
    const batch = { mode: 'independent', transactions: [pay(), pay(), pay({ currency: 'NONE' })] }
    const atomic = { mode: 'atomic', transactions: [pay(), pay()] }
    const past = { books_closed_until: '2020-01-01T00:00:00Z' }
    const reason = { reason: 'Goods returned.' }
    const done = [
      paid,
      hold,
      other,
      await act(poster, about(hold.object, 'capture')),
      await act(poster, about(other.object, 'extend'), { expires_in: 90 }),
      await act(poster, about(other.object, 'void')),
      await act(poster, about(paid.object, 'reversals'), reason),
      await act(poster, 'POST /api/v1/transactions?mode=async', pay()),
      await act(poster, 'POST /api/v1/transactions', kept),
      await act(poster, 'POST /api/v1/transactions/batch', batch),
      await act(poster, 'POST /api/v1/transactions/batch?mode=async', atomic),
      await act(poster, 'POST /api/v1/accounts', account('asset')),
      await act(operator, `PATCH /api/v1/accounts/${alice}`, { name: 'Alice Liddell' }),
      await act(operator, 'POST /api/v1/currencies', { code: 'PTS', exponent: 0 }),
      await act(admin, 'PATCH /api/v1/ledger', past),
      await act(admin, 'POST /api/v1/ledgers', { name: 'other' }),
    ]

    const seen = done.map(({ record }) => [
      record.action,
      record.outcome,
      record.status,
      record.code,
      record.object?.kind,
      record.count,
    ])
    expect(seen).toEqual([
      ['postTransaction', 'done', 201, null, 'transaction', 1],
      ['postTransaction', 'done', 201, null, 'transaction', 1],
      ['postTransaction', 'done', 201, null, 'transaction', 1],
      ['captureHold', 'done', 201, null, 'transaction', 1],
      ['extendHold', 'done', 200, null, 'transaction', 1],
      ['voidHold', 'done', 200, null, 'transaction', 1],
      ['reverseTransaction', 'done', 201, null, 'transaction', 1],
      ['postTransaction', 'accepted', 202, null, 'transaction', 1],
      ['postTransaction', 'refused', 422, 'currency_unknown', 'transaction', 1],
      ['postBatch', 'done', 200, null, 'transaction', 2],
      ['postBatch', 'accepted', 202, null, 'batch', 2],
      ['createAccount', 'done', 201, null, 'account', 1],
      ['changeAccount', 'done', 200, null, 'account', 1],
      ['registerCurrency', 'done', 201, null, 'currency', 1],
      ['closeBooks', 'done', 200, null, 'ledger', 1],
      ['createLedger', 'done', 201, null, 'ledger', 1],
    ])
    for (const { status, record } of done) expect(record.status).toBe(status)
    for (const { object, record } of [paid, hold, done[3]].flatMap((one) => one ?? [])) {
      expect(record.object?.id).toBe(object)
    }
    expect(done.map(({ record }) => record.ledger)).toEqual([
      ...Array.from({ length: 15 }, () => 'default'),
      null,
    ])
    expect(new Set(done.map(({ record }) => record.id)).size).toBe(done.length)
  })

  test('has a record of what is done to what waits', async () => {
    await service.stopWorker()
    const queue = async () => {
      const route = 'POST /api/v1/transactions?mode=async'
      return (await act(poster, route, payment(cash, alice))).object
    }
    const batch = async (mode: string) => {
      const body = { mode, transactions: [payment(cash, alice), payment(cash, alice)] }
      return (await act(poster, 'POST /api/v1/transactions/batch?mode=async', body)).object
    }
    const canceled = [
      await act(poster, `POST /api/v1/transactions/${await queue()}/cancel`),
      await act(poster, `POST /api/v1/batches/${await batch('atomic')}/cancel`),
      await act(poster, `POST /api/v1/batches/${await batch('independent')}/cancel`),
    ]
    const { store } = service
    const parked = [await queue(), await queue()]
    for (const id of parked) {
      const found = await store.findTransaction(1, id)
      if (found?.place != null) await store.park(1, found.place, 'a test')
    }
    const [one, two] = parked
    const resumed = await act(operator, `POST /api/v1/transactions/${one}/resume`)
    const body = { reason: 'because' }
    const refused = await act(operator, `POST /api/v1/transactions/${two}/refuse`, body)
    await service.startWorker()

    expect([...canceled, resumed, refused].map(({ record }) => record.action)).toEqual([
      'cancelTransaction',
      'cancelBatch',
      'cancelBatch',
      'resumeTransaction',
      'refuseTransaction',
    ])
    expect([resumed, refused].map(({ record }) => record.object?.id)).toEqual(parked)
  })

  test('has a record of what is done to webhooks, of each route that changes anything in the end', async () => {
    await service.stopWorker()
    const route = '/api/v1/webhooks'
    const made = await act(operator, `POST ${route}`, { url: 'http://1.1.1.1/' })
    const own = `${route}/${made.object}`
    await runOn(service.location, deliveryTo(made.object, service.location))
    const done = [
      made,
      await act(operator, `PATCH ${own}`, { description: 'of the shop' }),
      await act(operator, `POST ${own}/rotate-secret`, {}),
      await act(operator, `POST ${own}/deliveries/evt_1/redeliver`),
      await act(operator, `POST ${own}/redeliver`, {
        since: '2020-01-01T00:00:00Z',
        status: 'delivered',
      }),
      await act(operator, `DELETE ${own}`),
    ]
    await service.startWorker()
    for (const { record } of done) {
      expect(record).toMatchObject({
        outcome: 'done',
        object: { kind: 'webhook', id: made.object },
      })
    }

    const { paths = {} } = (await (
      await fetch(`${service.url}/openapi.json`)
    ).json()) as Api.Document
    const changing = Object.values(paths).flatMap((item) =>
      (['post', 'patch', 'put', 'delete'] as const).flatMap(
        (method) => item?.[method]?.operationId ?? [],
      ),
    )
    const { records } = await service.store.findRecords(null, {}, { size: 200 })
    const seen = new Set(records.map(({ action }) => action))
    expect(changing.length).toBeGreaterThan(20)
    // It looks at the books and changes nothing.
    seen.add('verifyAccounts')
    expect(changing.filter((operation) => !seen.has(operation))).toEqual([])
  })

  test('has no record of what changes nothing', async () => {
    const key = { idempotency_key: 'once' }
    await act(poster, 'POST /api/v1/transactions', { ...payment(cash, alice), ...key })
    const before = await newest()
    const again = [
      await send(poster, 'POST /api/v1/transactions', { ...payment(cash, alice), ...key }),
      await send(poster, 'POST /api/v1/transactions?dry_run=true', payment(cash, alice)),
      await send(poster, 'POST /api/v1/transactions?dry_run=true', payment(cash, 'NONE')),
      await send(poster, 'POST /api/v1/transactions', { entries: [] }),
      await send(poster, 'GET /api/v1/accounts'),
      await send(admin, 'POST /api/v1/ledgers', { name: 'default' }),
      await send(operator, `PATCH /api/v1/accounts/${alice}`, {}),
    ]

    expect(again.map(({ status }) => status)).toEqual([201, 200, 400, 400, 200, 201, 200])
    expect(await newest()).toBe(before)
  })

  test('is written with what it speaks of, or that is not done either', async () => {
    const change = { name: 'Bob' }
    const refuse = refusingRecords(service.location)
    await refuse.begin()
    const ends = [
      await send(poster, 'POST /api/v1/transactions', payment(cash, alice, 'lost')),
      await send(poster, 'POST /api/v1/transactions?mode=async', payment(cash, alice, 'lost')),
      await send(poster, 'POST /api/v1/accounts', { ...account('asset'), code: 'lost' }),
      await send(operator, `PATCH /api/v1/accounts/${alice}`, change),
    ]
    await refuse.end()

    expect(ends.map(({ status }) => status)).toEqual([500, 500, 500, 500])
    const transactions = await send(poster, 'GET /api/v1/transactions?reference=lost')
    const accounts = await send(poster, 'GET /api/v1/accounts?code=lost')
    const unchanged = await send(poster, `GET /api/v1/accounts/${alice}`)
    expect([transactions, accounts].map(({ body }) => (body as Page).items)).toEqual([[], []])
    expect(unchanged.body).not.toMatchObject(change)
  })

  test('has what was denied or refused: the first at once, those alike counted', async () => {
    await withinOneMinute(async () => {
      // Of its own, which has counted nothing yet in this minute, and writes what it counts when it is closed.
      const other = await service.another()
      try {
        const viewer = await makeKey(service.store, 'viewer', 1)
        const before = await newest()
        const missing = '0198c0de-7a11-7000-8000-00000000a11c'
        const wrong = viewer.slice(0, -1) + (viewer.endsWith('A') ? 'B' : 'A')
        for (let times = 0; times < 20; times += 1) {
          await send(viewer, 'POST /api/v1/accounts', account('asset'), {}, other.url)
          await send(wrong, 'POST /api/v1/accounts', account('asset'), {}, other.url)
          await send(poster, 'POST /api/v1/transactions', payment(cash, missing), {}, other.url)
        }
        const three = await until('they are recorded', async () => {
          const items = await recordsAfter(before)
          return items.length >= 3 ? items : undefined
        })
        // Those of several ledgers that are written together stand in any order.
        const sorted = three.toSorted((one, other) => (one.status ?? 0) - (other.status ?? 0))

        expect(sorted.map((r) => [r.action, r.outcome, r.status, r.code, r.ledger])).toEqual([
          ['createAccount', 'denied', 401, 'unauthenticated', null],
          ['createAccount', 'denied', 403, 'forbidden', 'default'],
          ['postTransaction', 'refused', 422, 'account_not_found', 'default'],
        ])
        const stranger = { credential: 'stranger', role: null, address: '127.0.0.1' }
        expect(sorted[0]).toMatchObject(stranger)
        expect(sorted[1]).toMatchObject({
          credential: `key:${viewer.slice(0, 15)}`,
          role: 'viewer',
        })
      } finally {
        await other.close()
      }
    })
  })

  test('is seen of the own ledger, or of all; B sees none of A, and A no strangers', async () => {
    const { id } = await service.store.ledgers.open('b', Date.now())
    const adminOfB = await makeKey(service.store, 'admin', id)
    const of = async (key: string, headers = {}) => {
      const page = await send(key, 'GET /api/v1/audit?limit=200', undefined, headers)
      return new Set((page.body as Page).items.map(({ ledger }) => ledger))
    }
    expect(await of(adminOfB)).toEqual(new Set())
    await send(adminOfB, 'POST /api/v1/accounts', account('asset'))

    expect(await of(adminOfB)).toEqual(new Set(['b']))
    expect(await of(auditor)).toEqual(new Set(['default']))
    expect(await of(auditorOfAll)).toEqual(new Set(['default', 'b', null]))
    expect(await of(auditorOfAll, { ledger: 'b' })).toEqual(new Set(['b']))
    const { next_cursor: cursor } = (await send(auditor, 'GET /api/v1/audit?limit=1')).body as Page
    const route = `GET /api/v1/audit?limit=1&cursor=${encodeURIComponent(cursor ?? '')}`
    expect((await send(auditor, route)).status).toBe(200)
    expect((await send(adminOfB, route)).status).toBe(400)
    expect((await send(auditorOfAll, route)).status).toBe(400)
  })

  test.each(['one ledger', 'all'])('gives each record once, page by page, of %s', async (of) => {
    const key = of === 'all' ? auditorOfAll : auditor
    await withinOneMinute(async () => {
      const whole = (await send(key, 'GET /api/v1/audit?limit=200')).body as Page
      const paged: AuditJson[] = []
      let cursor: string | null = null
      do {
        const more: string = cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`
        const page = (await send(key, `GET /api/v1/audit?limit=3${more}`)).body as Page
        paged.push(...page.items)
        cursor = page.next_cursor
      } while (cursor !== null)

      expect(whole.next_cursor).toBeNull()
      expect(paged).toEqual(whole.items)
      expect(paged.length).toBeGreaterThan(15)
    })
  })

  test('shows who posted beyond limits; only operators may, and in every mode by their word at acceptance', async () => {
    const floor = { ...account('liability'), min_available: '0' }
    const poor = idIn(await send(poster, 'POST /api/v1/accounts', floor))
    const override = { limits: true, reason: 'agreed' }
    const beyond = { ...payment(poor, alice), override }
    const batch = { mode: 'atomic', transactions: [payment(cash, alice), beyond] }
    const routes: [string, object][] = [
      ['POST /api/v1/transactions', beyond],
      ['POST /api/v1/transactions?mode=async', beyond],
      ['POST /api/v1/transactions/batch', batch],
    ]
    for (const [route, body] of routes) {
      const denied = await send(poster, route, body)
      expect(denied.status).toBe(403)
      expect(denied.body).toMatchObject({ role: 'poster', needed: 'operator' })
    }
    expect((await send(poster, 'POST /api/v1/transactions?dry_run=true', beyond)).status).toBe(403)
    const done: Awaited<ReturnType<typeof act>>[] = []
    for (const [route, body] of routes) done.push(await act(operator, route, body))
    const queued = done[1]?.object ?? ''
    const ended = await send(poster, `GET /api/v1/transactions/${queued}?wait=10`)

    expect(done.map(({ record }) => record.action)).toEqual(routes.map(() => 'overrideLimits'))
    expect(ended.body).toMatchObject({ status: 'posted', override })
  })

  test('is searched by who, what, how it ended, about what, by which request and when', async () => {
    await withinOneMinute(async () => {
      const { record } = await act(poster, 'POST /api/v1/transactions', payment(cash, alice))
      const { request_id: id, object, at } = record
      const find = async (query: string) => {
        const { items } = (await send(auditor, `GET /api/v1/audit?${query}`)).body as Page
        return items
      }
      const all = await find('limit=200')

      for (const query of [`object=${object?.id}`, `request_id=${id}`, `since=${at}&limit=1`]) {
        expect(await find(query)).toEqual([record])
      }
      expect(await find(`until=${at}&limit=200`)).toEqual(all.filter((one) => one.at < at))
      const by: [string, (one: AuditJson) => boolean][] = [
        [`credential=${record.credential}`, (one) => one.credential === record.credential],
        ['action=changeAccount', (one) => one.action === 'changeAccount'],
        ['outcome=denied', (one) => one.outcome === 'denied'],
        ['code=currency_unknown', (one) => one.code === 'currency_unknown'],
      ]
      for (const [query, fits] of by) {
        expect(await find(`limit=200&${query}`)).toEqual(all.filter(fits))
        expect(all.filter(fits).length).toBeGreaterThan(0)
      }
      expect((await send(auditor, 'GET /api/v1/audit?outcome=lost')).status).toBe(400)
    })
  })

  test('has no word, name, amount or key of a customer', async () => {
    const canary = 'canary-4711'
    const words = { reference: canary, description: canary, idempotency_key: canary }
    const entries = payment(cash, alice, canary, '4711.47')
    const { record } = await act(poster, 'POST /api/v1/transactions', { ...entries, ...words })
    await act(poster, 'POST /api/v1/accounts', { ...account('asset'), name: canary, code: canary })
    const wrong = `${poster.slice(0, -9)}canary-47`
    await send(wrong, `GET /api/v1/accounts?code=${canary}`)
    const rows = JSON.stringify((await send(auditorOfAll, 'GET /api/v1/audit?limit=200')).body)

    expect(rows).toContain(record.id)
    for (const secret of ['canary', '4711.47', poster.slice(16, 40)])
      expect(rows).not.toContain(secret)
  })

  test('refuses a change of a record, whoever asks', async () => {
    const { location } = service
    const before = await rowsOf(location)
    const changes = [`update audit_log set records = '[]'`, 'delete from audit_log']
    for (const sql of location.dialect === 'postgres'
      ? [...changes, 'truncate audit_log']
      : changes) {
      await expect(runOn(location, sql)).rejects.toThrow(/refuses|append/)
    }
    if (location.dialect === 'sqlite') {
      const again = 'insert or replace into audit_log select * from audit_log'
      await expect(runOn(location, again)).rejects.toThrow('a second row')
    }
    expect(before.length).toBeGreaterThan(20)
    // At the end of a minute the service itself writes what it has counted.
    expect(await rowsOf(location)).toEqual(expect.arrayContaining([...before]))
  })

  async function newest(): Promise<string> {
    const page = (await send(auditorOfAll, 'GET /api/v1/audit?limit=1')).body as Page
    return page.items[0]?.id ?? ''
  }

  async function recordsAfter(id: string): Promise<readonly AuditJson[]> {
    const page = (await send(auditorOfAll, 'GET /api/v1/audit?limit=50')).body as Page
    return page.items.filter((record) => record.id > id)
  }

  /** Does something, and finds the one record of it. */
  async function act(key: string, route: string, body?: unknown) {
    const answer = await send(key, route, body)
    const found = (await send(auditorOfAll, `GET /api/v1/audit?request_id=${answer.requestId}`))
      .body as Page
    expect({ route, records: found.items.length, status: answer.status }).toMatchObject({
      route,
      records: 1,
    })
    const [record] = found.items
    if (record === undefined) throw new Error('there is no record')
    const object = (answer.body as { id?: string }).id ?? ''
    return { status: answer.status, record, object }
  }

  async function send(
    key: string,
    route: string,
    body?: unknown,
    headers: Readonly<Record<string, string>> = {},
    url = service.url,
  ) {
    const [method = '', path = ''] = route.split(' ')
    const response = await fetch(`${url}${path}`, {
      method,
      headers: {
        ...showing(key),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const json: unknown = await response.json()
    return {
      status: response.status,
      body: json,
      requestId: response.headers.get('x-request-id') ?? '',
    }
  }
})

describe('what is refused again and again', () => {
  test('is written once at once, and once with how many there were', async () => {
    const { store } = await openStore(sqlite())
    const refusals = new RefusalLog(store, createLog('silent'))
    for (let times = 0; times < 5000; times += 1) refusals.note(denial('10.0.0.1'))
    await refusals.close()
    const records = await allIn(store)

    expect(new Set(records.map(({ count }) => count))).toEqual(new Set([1, 4999]))
    expect(records.map(({ address }) => address)).toEqual(['10.0.0.1', '10.0.0.1'])
    await store.close()
  })

  test('does not fill the disk, however many addresses it comes from; those who are known are told apart', async () => {
    const { store } = await openStore(sqlite())
    const refusals = new RefusalLog(store, createLog('silent'))
    for (let from = 0; from < 5000; from += 1) {
      refusals.note(denial(`10.0.${from >> 8}.${from & 255}`))
    }
    refusals.note({ ...denial('10.9.9.9'), credential: 'key:lf_known', role: 'viewer' })
    await refusals.close()
    const records = await allIn(store)

    expect(records).toHaveLength(102)
    expect(records.reduce((sum, { count }) => sum + count, 0)).toBe(5001)
    expect(records.filter(({ credential }) => credential === 'key:lf_known')).toHaveLength(1)
    expect(records.find(({ count }) => count > 1)).toMatchObject({
      credential: 'several',
      address: null,
      count: 4900,
    })
    await store.close()
  })

  test('waits for a database that is away', async () => {
    const { store } = await openStore(sqlite())
    let isAway = true
    const refusals = new RefusalLog(
      {
        record: (records) =>
          isAway ? Promise.reject(new Error('it is away')) : store.record(records),
      },
      createLog('silent'),
    )
    refusals.note(denial('10.0.0.1'))
    refusals.note(denial('10.0.0.2'))
    isAway = false
    const both = await until('both are written', async () => {
      const records = await allIn(store)
      return records.length === 2 ? records : undefined
    })
    await refusals.close()
    expect(new Set(both.map(({ address }) => address))).toEqual(new Set(['10.0.0.1', '10.0.0.2']))
    await store.close()
  })
})

/**
 * Runs what assumes that no minute ends meanwhile, since then the service writes what was refused and only counted; once more
 * when one did. A run that takes a second would else fail once in sixty.
 */
async function withinOneMinute(run: () => Promise<void>): Promise<void> {
  const minute = () => Math.floor(Date.now() / windowMs)
  const begun = minute()
  try {
    await run()
  } catch (error) {
    if (minute() === begun) throw error
    await run()
  }
}

function denial(address: string): AuditRecord {
  return {
    ledgerId: 0,
    credential: 'stranger',
    role: null,
    address,
    action: 'listAccounts',
    outcome: 'denied',
    status: 401,
    code: 'unauthenticated',
    object: null,
    requestId: null,
    count: 1,
  }
}

async function allIn(store: Pick<LedgerStore, 'findRecords'>): Promise<readonly AuditRecord[]> {
  return (await store.findRecords(null, {}, { size: 200 })).records
}

/** Makes a database refuse every record of the audit log for a while. */
function refusingRecords(location: StoreLocation): {
  begin(): Promise<unknown>
  end(): Promise<unknown>
} {
  if (location.dialect === 'sqlite') {
    const refuse = `create trigger refuse_records before insert on audit_log
      begin select raise(abort, 'no record today'); end`
    return {
      begin: () => runOn(location, refuse),
      end: () => runOn(location, 'drop trigger refuse_records'),
    }
  }
  const refuse = 'alter table audit_log add constraint none_today check (ledger_id < 0) not valid'
  return {
    begin: () => runOn(location, refuse),
    end: () => runOn(location, 'alter table audit_log drop constraint none_today'),
  }
}

/** A delivery that was made, as the sender writes it down. */
function deliveryTo(endpoint: string, { dialect }: StoreLocation): string {
  const at = dialect === 'postgres' ? 'now()' : String(Date.now())
  return `insert into webhook_deliveries
            (ledger_id, endpoint_id, position, event_type, event_at, account_ids, status, attempts, delivered_at)
          select 1, '${endpoint}', position, 'transaction.posted', ${at}, '[]', 'delivered', 1, ${at}
            from (select 1 as position union all select 2 as position) positions`
}

async function runOn(location: StoreLocation, sql: string): Promise<readonly unknown[]> {
  if (location.dialect === 'postgres') {
    const { rows } = await withClient(location.url, (client) => client.query<object>(sql))
    return rows
  }
  const database = new Database(location.path)
  try {
    if (sql.startsWith('select')) return database.prepare(sql).all()
    database.exec(sql)
    return []
  } finally {
    database.close()
  }
}

function rowsOf(location: StoreLocation): Promise<readonly unknown[]> {
  return runOn(location, 'select * from audit_log order by id')
}

function account(type: string): object {
  return { name: 'an account', account_type: type, currency: 'USD' }
}

function payment(debit: string, credit: string, reference?: string, amount = '1.00'): object {
  return {
    currency: 'USD',
    ...(reference === undefined ? {} : { reference }),
    entries: [
      { account_id: debit, direction: 'debit', amount },
      { account_id: credit, direction: 'credit', amount },
    ],
  }
}

function idIn({ body }: { readonly body: unknown }): string {
  return (body as { id: string }).id
}
