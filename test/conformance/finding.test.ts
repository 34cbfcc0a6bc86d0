import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TransactionJson } from '../support/api-client.ts'
import { open, openPeople, payment } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'

/** What a list may be asked for, besides its pages. */
interface Asked {
  readonly status?: string | undefined
  readonly account_id?: string | undefined
  readonly reference?: string | undefined
  readonly currency?: string | undefined
  readonly amount_gte?: string | undefined
  readonly amount_lte?: string | undefined
  readonly posted_from?: string | undefined
  readonly posted_to?: string | undefined
  readonly effective_from?: string | undefined
  readonly effective_to?: string | undefined
  readonly metadata?: Readonly<Record<string, string>> | undefined
}

const orders = ['4711', '4712', "a'b", 'ü ✓', '']
const colours = ['red', 'blue']
const effects = ['2001-01-01T00:00:00.000Z', '2001-01-02T00:00:00.000Z', '2090-01-01T00:00:00.000Z']

describe.each(shapesOfBothStores)('finding on $name', (shape) => {
  let ledger: Service
  let all: TransactionJson[]
  let accounts: string[]
  const references = ['r1', 'r2'].map((name) => `${name} ${randomUUID()}`)

  beforeAll(async () => {
    ledger = await shape.start()
    const { alice, bob, cash } = await openPeople(ledger.api)
    const yen = await Promise.all([
      open(ledger.api, { currency: 'JPY' }),
      open(ledger.api, { currency: 'JPY' }),
    ])
    accounts = [alice, bob, cash, ...yen.map(({ id }) => id)]
    await ledger.stopWorker()
    const queuedIds: string[] = []
    for (const [index] of Array.from({ length: 60 }).entries()) {
      const pick = <Item>(items: readonly Item[], every: number) =>
        index % every === 0 ? undefined : items[(index * 7 + every) % items.length]
      const isYen = index % 5 === 4
      const [debit = '', credit = ''] = isYen
        ? yen.map(({ id }) => id)
        : index % 4 === 3
          ? [alice, cash] // Refused: alice has nothing to begin with.
          : [cash, [bob, alice][index % 2] ?? bob]
      const order = pick(orders, 2)
      const colour = pick(colours, 3)
      const amount = isYen ? String(100 + index) : `${index % 7}.${index % 2 === 0 ? '50' : '05'}`
      const request = payment({
        debit,
        credit,
        amount: amount === '0.50' ? '0.55' : amount,
        currency: isYen ? 'JPY' : 'USD',
        reference: pick(references, 4) ?? null,
        effective_at: pick([...effects, undefined], 5) ?? null,
        idempotency_key: randomUUID(),
        metadata: {
          ...(order === undefined ? {} : { order }),
          ...(colour === undefined ? {} : { 'colour.of[it]': colour }),
        },
      })
      // A few entries more on one account: still one transaction.
      const request2 =
        index % 6 === 5
          ? { ...request, entries: [...request.entries, ...request.entries] }
          : request
      if (index % 10 === 9) {
        const { body } = await ledger.api.queueTransaction(request2)
        queuedIds.push(body.id)
      } else await ledger.api.postTransaction(request2)
    }
    for (const id of queuedIds.slice(0, 2)) await ledger.api.cancel(id)
    // Dollars for yen: posted, refused, queued.
    const [yenFrom = '', yenTo = ''] = yen.map(({ id }) => id)
    for (const [turn, dollars] of [cash, alice, cash].entries()) {
      const exchange = {
        idempotency_key: randomUUID(),
        entries: [
          { account_id: dollars, direction: 'debit' as const, amount: '3.60', currency: 'USD' },
          { account_id: bob, direction: 'credit' as const, amount: '3.60', currency: 'USD' },
          { account_id: yenFrom, direction: 'debit' as const, amount: '540', currency: 'JPY' },
          { account_id: yenTo, direction: 'credit' as const, amount: '540', currency: 'JPY' },
        ],
      }
      if (turn === 2) await ledger.api.queueTransaction(exchange)
      else await ledger.api.postTransaction(exchange)
    }
    const hold = { expires_in: 3600 }
    await ledger.api.postTransaction(payment({ debit: cash, credit: bob, amount: '4.20', hold }))
    all = await everyPage({})
  })
  afterAll(() => ledger.close())

  function queryOf({ metadata = {}, ...rest }: Asked): Record<string, string | undefined> {
    const pairs = Object.entries(metadata).map(([name, value]) => [`metadata[${name}]`, value])
    return { ...rest, ...Object.fromEntries(pairs) } as Record<string, string | undefined>
  }

  async function everyPage(asked: Asked, limit = 7): Promise<TransactionJson[]> {
    const found: TransactionJson[] = []
    let cursor: string | undefined
    do {
      const { body } = await ledger.api.transactions({ ...queryOf(asked), limit, cursor })
      expect(body.items.length).toBeLessThanOrEqual(limit)
      found.push(...body.items)
      cursor = body.next_cursor ?? undefined
    } while (cursor !== undefined)
    return found
  }

  /** In thousandths, whatever the currency: all amounts here have three decimals at the most. */
  const thousandths = (decimal: string) => Math.round(Number(decimal) * 1000)

  function fits(asked: Asked, transaction: TransactionJson): boolean {
    const debits = transaction.entries
      .filter(({ direction, currency }) => direction === 'debit' && currency === asked.currency)
      .reduce((sum, { amount }) => sum + thousandths(amount), 0)
    const isPosted = transaction.status === 'posted'
    const { posted_at: postedAt, effective_at: effectiveAt, metadata } = transaction
    const checks: Record<keyof Asked, (value: never) => boolean> = {
      status: (value: string) => transaction.status === value,
      account_id: (value: string) =>
        transaction.entries.some(({ account_id }) => account_id === value),
      reference: (value: string) => transaction.reference === value,
      currency: (value: string) => transaction.entries.some(({ currency }) => currency === value),
      amount_gte: (value: string) => debits >= thousandths(value),
      amount_lte: (value: string) => debits <= thousandths(value),
      posted_from: (value: string) => isPosted && (postedAt ?? '') >= value,
      posted_to: (value: string) => isPosted && (postedAt ?? '') < value,
      effective_from: (value: string) => isPosted && (effectiveAt ?? '') >= value,
      effective_to: (value: string) => isPosted && (effectiveAt ?? '') < value,
      metadata: (value: Record<string, string>) =>
        Object.entries(value).every(([name, wanted]) => metadata[name] === wanted),
    }
    return Object.entries(asked).every(
      ([name, value]) => value === undefined || checks[name as keyof Asked](value as never),
    )
  }

  it('there are transactions in every state to be found', () => {
    expect(new Set(all.map(({ status }) => status))).toEqual(
      new Set(['posted', 'failed', 'queued', 'canceled', 'held']),
    )
    expect(all).toHaveLength(64)
  })

  it('any filter: the pages are what a scan of all transactions chooses, each once, newest first', async () => {
    const times = [...new Set(all.flatMap(({ posted_at: at }) => at ?? []))].toSorted()
    const some = <Item>(...items: Item[]) =>
      fc.oneof(
        { weight: 3, arbitrary: fc.constant(undefined) },
        { weight: 1, arbitrary: fc.constantFrom(...items) },
      )
    const aTime = some(...times.slice(0, 30), ...effects, '1999-01-01T00:00:00.000Z')
    const amounts = fc.record({
      currency: fc.constantFrom('USD', 'JPY'),
      amount_gte: some('0', '2.05', '3.501', '110', '540'),
      amount_lte: some('4.50', '6', '12.10', '150.5', '540'),
    })
    const asked = fc
      .tuple(
        fc.record({
          status: some('posted', 'failed', 'queued', 'canceled', 'held'),
          account_id: some(...accounts, randomUUID()),
          reference: some(...references, 'none'),
          metadata: some<Record<string, string>>(
            { order: '4711' },
            { order: "a'b" },
            { order: 'ü ✓' },
            { order: '' },
            { 'colour.of[it]': 'red' },
            { 'colour.of[it]': 'blue', order: '4712' },
            { none: 'x' },
          ),
          posted_from: aTime,
          posted_to: aTime,
          effective_from: aTime,
          effective_to: aTime,
        }),
        fc.oneof(
          { weight: 3, arbitrary: fc.record({ currency: some('USD', 'JPY', 'EUR') }) },
          { weight: 2, arbitrary: amounts },
        ),
      )
      .map(([rest, money]): Asked => ({ ...rest, ...money }))
      .filter(
        ({
          posted_from: pf = '',
          posted_to: pt = '~',
          effective_from: ef = '',
          effective_to: et = '~',
        }) => pf <= pt && ef <= et,
      )
    let hits = 0
    await fc.assert(
      fc.asyncProperty(asked, fc.integer({ min: 1, max: 9 }), async (filter, limit) => {
        const found = await everyPage(filter, limit)
        const expected = all.filter((transaction) => fits(filter, transaction))
        expect(found.map(({ id }) => id).toSorted()).toEqual(
          expected.map(({ id }) => id).toSorted(),
        )
        for (const item of found) expect(all).toContainEqual(item)
        hits += found.length > 0 ? 1 : 0

        const { reference, metadata, posted_from, posted_to, effective_from, effective_to } = filter
        const timed = reference === undefined && metadata === undefined
        const orderedBy = ({ id, posted_at, effective_at }: TransactionJson) => {
          if (timed && (posted_from ?? posted_to) !== undefined) return posted_at
          if (timed && (effective_from ?? effective_to) !== undefined) return effective_at
          return id
        }
        const keys = found.map((item) => orderedBy(item) ?? '')
        expect(keys).toEqual(keys.toSorted().toReversed())
      }),
      { numRuns: 150 },
    )
    expect(hits).toBeGreaterThan(30)
  }, 60_000)

  it('with several pairs of metadata in either order of the request is one list', async () => {
    const { cash, bob } = await openPeople(ledger.api)
    const metadata = { a: randomUUID(), b: randomUUID() }
    for (const amount of ['1.00', '2.00', '3.00']) {
      await ledger.api.postTransaction(payment({ debit: cash, credit: bob, amount, metadata }))
    }
    const first = { 'metadata[a]': metadata.a, 'metadata[b]': metadata.b }
    const turned = { 'metadata[b]': metadata.b, 'metadata[a]': metadata.a }
    const { body } = await ledger.api.transactions({ ...first, limit: 2 })
    const cursor = body.next_cursor ?? ''
    expect((await ledger.api.transactions({ ...turned, cursor })).body.items).toHaveLength(1)
  })

  it('with the cursor of another filter is refused', async () => {
    const { body } = await ledger.api.transactions({ currency: 'USD', limit: 1 })
    for (const other of [
      { currency: 'JPY' },
      { currency: 'USD', amount_gte: '1' },
      { 'metadata[order]': '4711' },
    ]) {
      const answer = await ledger.api.transactions({
        ...other,
        limit: 1,
        cursor: body.next_cursor ?? '',
      })
      expect(answer.code).toBe('invalid_request')
    }
  })

  it('an amount needs its currency, and a span a beginning before its end', async () => {
    const pointerOf = async (query: Record<string, string>) => {
      const { errors = [] } = (await ledger.api.transactions(query)).problem
      return errors[0]?.pointer
    }
    const [later, earlier] = ['2026-01-02T00:00:00Z', '2026-01-01T00:00:00Z']
    expect(await pointerOf({ amount_gte: '1.00' })).toBe('query/currency')
    expect(await pointerOf({ posted_from: later, posted_to: earlier })).toBe('query/posted_to')
    expect(await pointerOf({ effective_from: later, effective_to: earlier })).toBe(
      'query/effective_to',
    )
    expect(
      (await ledger.api.transactions({ posted_from: later, posted_to: later })).body.items,
    ).toEqual([])
  })

  it('a search that finds little looks at so many, and its pages still lead to the end', async () => {
    const { cash, bob } = await openPeople(ledger.api)
    const lone = await ledger.api.postTransaction(
      payment({ debit: cash, credit: bob, amount: '7777.77' }),
    )
    await Promise.all(
      Array.from({ length: 300 }, () =>
        ledger.api.postTransaction(payment({ debit: cash, credit: bob, amount: '1.00' })),
      ),
    )
    const found = await everyPage({ currency: 'USD', amount_gte: '7777.77' }, 5)
    expect(found.map(({ id }) => id)).toEqual([lone.body.id])
  })

  describe('accounts', () => {
    it('are found by their metadata as it is now, newest first', async () => {
      const region = randomUUID()
      const ids: string[] = []
      for (const tier of ['gold', 'gold', 'basic', 'gold']) {
        ids.push((await open(ledger.api, { metadata: { region, tier } })).id)
      }
      const [first = '', second = '', third = '', fourth = ''] = ids
      const found = async (query: Record<string, string | number>) =>
        (await ledger.api.accounts({ 'metadata[region]': region, ...query })).body.items.map(
          ({ id }) => id,
        )
      expect(await found({})).toEqual(ids.toReversed())
      expect(await found({ 'metadata[tier]': 'gold' })).toEqual([fourth, second, first])
      expect(await found({ 'metadata[tier]': 'gold', currency: 'EUR' })).toEqual([])

      await ledger.api.changeAccount(second, { metadata: { region, tier: 'basic' } })
      await ledger.api.changeAccount(fourth, { metadata: null })
      expect(await found({ 'metadata[tier]': 'gold' })).toEqual([first])
      expect(await found({ 'metadata[tier]': 'basic' })).toEqual([third, second])
      await ledger.api.changeAccount(first, { name: 'renamed' })
      expect(await found({ 'metadata[tier]': 'gold' })).toEqual([first])
    })

    it('with metadata are listed in pages, each once', async () => {
      const batch = randomUUID()
      for (let turn = 0; turn < 5; turn += 1) await open(ledger.api, { metadata: { batch } })
      const query = { 'metadata[batch]': batch, limit: 2 }
      const ids: string[] = []
      for (let cursor: string | null | undefined; cursor !== null;) {
        const { body } = await ledger.api.accounts({ ...query, cursor })
        ids.push(...body.items.map(({ id }) => id))
        cursor = body.next_cursor
      }
      expect(new Set(ids).size).toBe(5)
    })
  })
})
