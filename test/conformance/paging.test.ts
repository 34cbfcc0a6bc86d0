import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { Answer, PageJson, Query } from '../support/api-client.ts'
import { open, openPeople, payment, type People } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

/** How a list is read, how a row is told from another, and how one more row of it comes about. */
interface List {
  readonly read: (query: Query) => Promise<Answer<PageJson<unknown>>>
  readonly keyOf: (row: unknown) => string
  readonly add: () => Promise<unknown>
}

const idOf = (row: unknown) => (row as { id: string }).id

describe.each(shapes)('paging on $name', (shape) => {
  let ledger: Service
  let people: People
  let reference: string
  let currency: string
  beforeAll(async () => {
    ledger = await shape.start()
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    reference = randomUUID()
    currency = `C${randomUUID().slice(0, 8).toUpperCase()}`
    await ledger.api.registerCurrency({ code: currency, exponent: 0 })
  })
  afterAll(() => ledger.close())

  const pay = () =>
    ledger.api.postTransaction(
      payment({ debit: people.cash, credit: people.alice, amount: '1.00', reference }),
    )
  /** Refused for funds, and kept because it has a key. */
  const fail = () =>
    ledger.api.postTransaction(
      payment({
        debit: people.bob,
        credit: people.cash,
        amount: '1.00',
        reference,
        idempotency_key: randomUUID(),
      }),
    )
  const either = (() => {
    let turn = 0
    return () => ((turn += 1) % 2 === 0 ? pay() : fail())
  })()

  const accounts = (query: Query): List => ({
    read: (page) => ledger.api.accounts({ ...query, currency, ...page }),
    keyOf: idOf,
    add: () => open(ledger.api, { currency }),
  })
  const transactions = (query: () => Query, add: () => Promise<unknown>): List => ({
    read: (page) => ledger.api.transactions({ ...query(), ...page }),
    keyOf: idOf,
    add,
  })
  const lists: Record<string, List> = {
    // Those without a filter come first, while the ledger is small.
    'all transactions': transactions(() => ({}), either),
    'posted transactions': transactions(() => ({ status: 'posted' }), pay),
    'failed transactions': transactions(() => ({ status: 'failed' }), fail),
    'accounts of a currency': accounts({}),
    'accounts of a currency and a type': accounts({ account_type: 'asset' }),
    'accounts of a currency and a status': accounts({ status: 'active' }),
    'transactions of a reference': transactions(() => ({ reference }), either),
    'transactions of an account': transactions(() => ({ account_id: people.cash }), either),
    'posted transactions of an account': transactions(
      () => ({ account_id: people.alice, status: 'posted' }),
      pay,
    ),
    'failed transactions of an account': transactions(
      () => ({ account_id: people.bob, status: 'failed' }),
      fail,
    ),
    'failed transactions of a reference': transactions(
      () => ({ reference, status: 'failed' }),
      fail,
    ),
    'posted transactions of a reference and an account': transactions(
      () => ({ reference, status: 'posted', account_id: people.cash }),
      pay,
    ),
    'entries of an account': {
      read: (page) => ledger.api.entries(people.alice, page),
      keyOf: (row) => String((row as { account_version: number }).account_version),
      add: pay,
    },
  }

  describe.each(Object.keys(lists))('the list of %s', (name) => {
    const list = () => lists[name] as List

    it('shows every row exactly once while others commit', async () => {
      const { read, keyOf, add } = list()
      for (let row = 0; row < 7; row += 1) await add()
      const before = (await read({ limit: 200 })).body.items.map(keyOf)
      expect(before.length).toBeGreaterThanOrEqual(7)

      const seen: string[] = []
      let cursor: string | undefined
      do {
        const { items, next_cursor } = (await read({ limit: 2, cursor })).body
        seen.push(...items.map(keyOf))
        cursor = next_cursor ?? undefined
        // What comes meanwhile is newer than where the list is, and neither shifts nor repeats a row.
        await add()
      } while (cursor !== undefined && seen.length <= before.length)
      expect(seen).toEqual(before)
    })

    it('ends with a page that says so, also when it is full', async () => {
      const { read, keyOf, add } = list()
      for (let row = 0; row < 3; row += 1) await add()
      const count = (await read({ limit: 200 })).body.items.length
      expect(count).toBeLessThan(200)
      const full = (await read({ limit: count })).body
      expect([full.items.length, full.next_cursor]).toEqual([count, null])

      const short = (await read({ limit: count - 1 })).body
      expect(short.next_cursor).not.toBeNull()
      const last = (await read({ limit: count - 1, cursor: short.next_cursor ?? '' })).body
      expect(last.items.map(keyOf)).toEqual(full.items.slice(-1).map(keyOf))
      expect(last.next_cursor).toBeNull()
    })

    it('shows 1 to 200 rows a page', async () => {
      const { read } = list()
      for (const limit of [1, 200]) expect((await read({ limit })).status).toBe(200)
      for (const limit of [0, 201]) {
        expect((await read({ limit })).problem).toMatchObject({
          code: 'invalid_request',
          errors: [{ pointer: 'query/limit' }],
        })
      }
    })
  })

  it.each(['-1', '1.5', '1e2', ' 5', '05', 'all', ''])(
    'refuses "%s" rows a page',
    async (limit) => {
      expect((await ledger.api.accounts({ limit })).code).toBe('invalid_request')
    },
  )

  it('shows 50 rows a page when nobody says how many', async () => {
    await Promise.all(Array.from({ length: 51 }, () => pay()))
    const { items, next_cursor } = (await ledger.api.entries(people.alice)).body
    expect(items).toHaveLength(50)
    expect(next_cursor).not.toBeNull()
  })

  it('with pages by offset instead would show a row twice: the test above can fail', async () => {
    for (let row = 0; row < 4; row += 1) await pay()
    const rows = async () => (await ledger.api.entries(people.alice)).body.items
    const first = (await rows()).slice(0, 2)
    await pay()
    const second = (await rows()).slice(2, 4)
    const versions = [...first, ...second].map((entry) => entry.account_version)
    expect(versions).toEqual([4, 3, 3, 2])
  })

  describe('a cursor', () => {
    const cursorOf = async (answer: Promise<Answer<PageJson<unknown>>>) =>
      (await answer).body.next_cursor ?? ''
    beforeEach(async () => {
      await Promise.all([pay(), pay(), fail(), fail()])
    })

    it('is good for its own list and filters only', async () => {
      const { api } = ledger
      const { alice, cash } = people
      const mine = await cursorOf(api.transactions({ reference, limit: 1 }))
      expect((await api.transactions({ reference, limit: 3, cursor: mine })).status).toBe(200)

      for (const answer of [
        api.transactions({ cursor: mine }),
        api.transactions({ reference: randomUUID(), cursor: mine }),
        api.transactions({ reference, status: 'posted', cursor: mine }),
        api.transactions({ reference, account_id: alice, cursor: mine }),
        api.accounts({ cursor: mine }),
        api.entries(alice, { cursor: mine }),
      ]) {
        expect((await answer).problem).toMatchObject({
          code: 'invalid_request',
          errors: [{ pointer: 'query/cursor' }],
        })
      }
      const entries = await cursorOf(api.entries(alice, { limit: 1 }))
      expect((await api.entries(alice, { cursor: entries })).status).toBe(200)
      expect((await api.entries(cash, { cursor: entries })).code).toBe('invalid_request')
    })

    it('that was changed in any character is refused', async () => {
      const cursor = await cursorOf(ledger.api.transactions({ reference, limit: 1 }))
      const changed = Array.from(cursor, (character, at) => {
        const other = character === 'A' ? 'B' : 'A'
        return cursor.slice(0, at) + other + cursor.slice(at + 1)
      })
      for (const wrong of [...changed.slice(0, 12), ...changed.slice(-12), `${cursor}A`, '', 'x']) {
        expect((await ledger.api.transactions({ reference, cursor: wrong })).code).toBe(
          'invalid_request',
        )
      }
    })

    it('is good at every process of the service', async () => {
      const other = await ledger.another()
      try {
        const query = { reference, limit: 2 }
        const cursor = await cursorOf(ledger.api.transactions(query))
        const here = (await ledger.api.transactions({ ...query, cursor })).body
        expect((await other.api.transactions({ ...query, cursor })).body).toEqual(here)
      } finally {
        await other.close()
      }
    })
  })

  describe('transactions are found', () => {
    it('by status, account and reference, newest first', async () => {
      const [first, second, third] = [(await pay()).body.id, (await fail()).problem, await pay()]
      const refused = (second as unknown as { transaction_id: string }).transaction_id
      const found = async (query: Query) =>
        (await ledger.api.transactions({ reference, ...query })).body.items.map(idOf)
      const { alice, bob, cash } = people
      const all = [third.body.id, refused, first]

      expect(await found({})).toEqual(all)
      expect(await found({ status: 'posted' })).toEqual([third.body.id, first])
      expect(await found({ status: 'failed' })).toEqual([refused])
      expect(await found({ status: 'queued' })).toEqual([])
      expect(await found({ status: 'canceled' })).toEqual([])
      expect(await found({ account_id: cash })).toEqual(all)
      expect(await found({ account_id: cash.toUpperCase() })).toEqual(all)
      expect(await found({ account_id: alice })).toEqual([third.body.id, first])
      expect(await found({ account_id: bob })).toEqual([refused])
      expect(await found({ account_id: bob, status: 'posted' })).toEqual([])
      expect(await found({ account_id: randomUUID() })).toEqual([])
      expect(await found({ reference: randomUUID() })).toEqual([])
    })

    it('with the same content as each has by itself', async () => {
      await ledger.api.postTransaction({
        currency: 'USD',
        reference,
        metadata: { a: 'b' },
        entries: [
          { account_id: people.cash, direction: 'debit', amount: '3.00' },
          { account_id: people.alice, direction: 'credit', amount: '1.00' },
          { account_id: people.bob, direction: 'credit', amount: '2.00' },
        ],
      })
      await pay()
      const { items } = (await ledger.api.transactions({ reference })).body
      for (const item of items) {
        expect((await ledger.api.transaction(item.id)).body).toEqual(item)
      }
    })

    it('once when an account has several of their entries', async () => {
      const { alice, cash } = people
      await ledger.api.postTransaction({
        currency: 'USD',
        entries: [
          { account_id: cash, direction: 'debit', amount: '2.00' },
          { account_id: alice, direction: 'credit', amount: '1.00' },
          { account_id: alice, direction: 'credit', amount: '1.00' },
        ],
      })
      expect((await ledger.api.transactions({ account_id: alice })).body.items).toHaveLength(1)
    })

    it.each([
      ['status', 'done'],
      ['account_id', 'alice'],
      ['reference', ''],
      ['currency', 'US D'],
      ['created_by', 'alice'],
    ])('never by %s=%s', async (name, value) => {
      expect((await ledger.api.transactions({ [name]: value })).problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: `query/${name}` }],
      })
    })
  })
})
