import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseDecimal } from '../../shared/ledger/money.ts'
import type { AccountEntryJson, Query } from '../support/api-client.ts'
import { fund, openPeople, payment, type People } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'

type Axis = 'posted' | 'effective'

const units = (decimal: string) => parseDecimal(decimal, 2)
/** The instant `ms` milliseconds after another. */
const after = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString()

/** When payments take effect: some share a time, one lies ahead, most take effect when they are posted. */
const effects = [
  '2001-01-01T00:00:00.000Z',
  '2001-01-01T00:00:00.001Z',
  '2010-06-15T12:00:00.000Z',
  '2090-01-01T00:00:00.000Z',
  '9999-12-31T23:59:59.999Z',
] as const

describe.each(shapesOfBothStores)('the axes of an account on $name', (shape) => {
  let ledger: Service
  beforeAll(async () => {
    ledger = await shape.start()
  })
  afterAll(() => ledger.close())

  /** Pays to and fro between alice and cash, each with its own effective time. */
  async function live(steps: readonly (readonly [effect: string | null, credit: boolean])[]) {
    const people = await openPeople(ledger.api)
    await ledger.api.changeAccount(people.alice, { min_available: null })
    for (const [index, [effective_at, credit]] of steps.entries()) {
      const amount = `${index + 1}.01`
      const sides = credit
        ? { debit: people.cash, credit: people.alice }
        : { debit: people.alice, credit: people.cash }
      const transaction = payment({ ...sides, amount, effective_at, reference: `r${index}` })
      const post = index % 3 === 2 ? 'queueTransaction' : 'postTransaction'
      const { body } = await ledger.api[post](transaction)
      await ledger.api.transaction(body.id, { wait: 10 })
    }
    return people
  }

  async function entriesOf(account: string): Promise<AccountEntryJson[]> {
    return (await ledger.api.entries(account, { limit: 200 })).body.items.toReversed()
  }

  const timeOn = (axis: Axis, entry: AccountEntryJson) =>
    axis === 'posted' ? entry.posted_at : entry.effective_at
  const signed = (entry: { direction: string; amount: string }) =>
    entry.direction === 'credit' ? units(entry.amount) : -units(entry.amount)
  const sumOf = (entries: readonly AccountEntryJson[]) =>
    entries.reduce((sum, entry) => sum + signed(entry), 0n)

  /** What a statement must say, from a scan of all entries. */
  function scan(entries: readonly AccountEntryJson[], axis: Axis, from?: string, to?: string) {
    const inOrder = entries.toSorted(
      (a, b) =>
        Date.parse(timeOn(axis, a)) - Date.parse(timeOn(axis, b)) ||
        a.account_version - b.account_version,
    )
    const before = inOrder.filter((entry) => from !== undefined && timeOn(axis, entry) < from)
    const within = inOrder.filter(
      (entry) =>
        (from === undefined || timeOn(axis, entry) >= from) &&
        (to === undefined
          ? axis === 'posted' || timeOn(axis, entry) < '2080'
          : timeOn(axis, entry) < to),
    )
    return { opening: sumOf(before), versions: within.map((entry) => entry.account_version) }
  }

  /** Reads a statement page by page and holds it against the scan. */
  async function check(
    account: string,
    query: Query & { axis: Axis },
    entries: AccountEntryJson[],
  ) {
    const { from, to } = query as { from?: string; to?: string }
    const expected = scan(entries, query.axis, from, to)
    let cursor: string | undefined
    let running = expected.opening
    const versions: number[] = []
    for (;;) {
      const { body } = await ledger.api.statement(account, { ...query, limit: 3, cursor })
      expect(units(body.opening_balance)).toBe(expected.opening)
      for (const line of body.lines) {
        running += signed(line)
        expect(units(line.balance_after)).toBe(running)
        versions.push(line.account_version)
      }
      if (body.next_cursor === null) {
        expect(units(body.closing_balance)).toBe(running)
        break
      }
      expect(body.lines).toHaveLength(3)
      cursor = body.next_cursor
    }
    expect(versions).toEqual(expected.versions)
  }

  it('any history: balances and statements on both axes are those of a scan', async () => {
    const step = fc.tuple(
      fc.oneof(
        { weight: 2, arbitrary: fc.constant(null) },
        { weight: 3, arbitrary: fc.constantFrom(...effects) },
      ),
      fc.boolean(),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 1, maxLength: 14 }),
        fc.array(fc.tuple(fc.nat(), fc.nat()), { minLength: 3, maxLength: 3 }),
        async (steps, spans) => {
          const { alice } = await live(steps)
          const entries = await entriesOf(alice)
          const times = [
            ...new Set(entries.flatMap((entry) => [entry.posted_at, entry.effective_at])),
          ].toSorted()
          for (const axis of ['posted', 'effective'] as const) {
            for (const at of times) {
              const { body } = await ledger.api.balance(alice, { at, axis })
              const there = entries.filter((entry) => timeOn(axis, entry) <= at)
              // What lies ahead by the time of posting is what is there now.
              expect([axis, at, units(body.balance)]).toEqual([axis, at, sumOf(there)])
              expect(units(body.credits) - units(body.debits)).toBe(units(body.balance))
            }
            await check(alice, { axis }, entries)
            for (const [a, b] of spans) {
              const [first, second] = [a % times.length, b % times.length]
              const from = times[Math.min(first, second)]
              const to = times[Math.max(first, second)]
              await check(alice, { axis, from, to }, entries)
              await check(alice, { axis, from }, entries)
              await check(alice, { axis, to }, entries)
            }
          }
        },
      ),
      { numRuns: 6 },
    )
  }, 60_000)

  it('without a time, what takes effect later does not count yet', async () => {
    const { alice } = await live([
      [null, true],
      ['2090-01-01T00:00:00.000Z', true],
      ['2001-01-01T00:00:00.000Z', true],
    ])
    expect((await ledger.api.balance(alice, { axis: 'effective' })).body).toMatchObject({
      balance: '4.02',
      version: 3,
    })
    expect((await ledger.api.balance(alice)).body.balance).toBe('6.03')
  })

  describe('a statement', () => {
    let people: People
    beforeAll(async () => {
      people = await live([
        [null, true],
        ['2010-06-15T12:00:00.000Z', false],
        [null, true],
      ])
    })

    it('says what it is of, and where each line comes from', async () => {
      const [first] = await entriesOf(people.alice)
      const { body } = await ledger.api.statement(people.alice, {
        to: '2099-01-01T00:00:00Z',
        limit: 1,
      })
      expect(body).toMatchObject({
        account_id: people.alice,
        currency: 'USD',
        normal_side: 'credit',
        axis: 'posted',
        from: null,
        to: '2099-01-01T00:00:00.000Z',
        version: 3,
        opening_balance: '0.00',
        closing_balance: '2.01',
        lines: [
          {
            account_version: 1,
            transaction_id: first?.transaction_id,
            reference: 'r0',
            description: null,
            direction: 'credit',
            amount: '1.01',
            balance_after: '1.01',
            posted_at: first?.posted_at,
            effective_at: first?.posted_at,
          },
        ],
      })
    })

    it('follows on the one before: what is closing there is opening here', async () => {
      const [, second] = await entriesOf(people.alice)
      const at = second?.posted_at
      const before = (await ledger.api.statement(people.alice, { to: at })).body
      const behind = (await ledger.api.statement(people.alice, { from: at })).body
      expect(behind.opening_balance).toBe(before.closing_balance)
      expect(before.lines.length + behind.lines.length).toBe(3)
    })

    it('of no time at all has no lines', async () => {
      const at = after((await entriesOf(people.alice))[0]?.posted_at ?? '', 1)
      for (const axis of ['posted', 'effective']) {
        const { body } = await ledger.api.statement(people.alice, { from: at, to: at, axis })
        expect(body.lines).toEqual([])
        expect(body.opening_balance).toBe(body.closing_balance)
      }
    })

    it('of an account without entries is empty', async () => {
      const { bob } = people
      for (const axis of ['posted', 'effective']) {
        expect((await ledger.api.statement(bob, { axis })).body).toMatchObject({
          opening_balance: '0.00',
          closing_balance: '0.00',
          lines: [],
          next_cursor: null,
          version: 0,
        })
      }
    })

    it.each(['posted', 'effective'])(
      'on the axis “%s” stays the same on all its pages although posting goes on',
      async (axis) => {
        const own = await openPeople(ledger.api)
        for (let round = 0; round < 5; round += 1) await fund(ledger.api, own, own.alice, '1.00')
        const first = (await ledger.api.statement(own.alice, { axis, limit: 2 })).body
        await fund(ledger.api, own, own.alice, '1.00')
        await ledger.api.postTransaction(
          payment({
            debit: own.cash,
            credit: own.alice,
            amount: '5.00',
            effective_at: '2001-01-01T00:00:00Z',
          }),
        )
        let lines = first.lines.length
        for (let cursor = first.next_cursor; cursor !== null;) {
          const { body } = await ledger.api.statement(own.alice, { axis, limit: 2, cursor })
          expect([body.opening_balance, body.closing_balance]).toEqual(['0.00', '5.00'])
          lines += body.lines.length
          cursor = body.next_cursor
        }
        expect(lines).toBe(5)
      },
    )

    it.each([
      [
        'an end before its beginning',
        { from: '2026-01-02T00:00:00Z', to: '2026-01-01T00:00:00Z' },
        'query/to',
      ],
      ['an end before all times', { to: '0001-01-01T00:00:00Z' }, 'query/to'],
      ['a limit for CSV', { format: 'csv', limit: 5 }, 'query/limit'],
      ['a cursor for CSV', { format: 'csv', cursor: 'x' }, 'query/cursor'],
      ['another format', { format: 'xml' }, 'query/format'],
      ['another axis', { axis: 'created' }, 'query/axis'],
      ['a limit of 201', { limit: 201 }, 'query/limit'],
    ])('is refused with %s', async (_, query, pointer) => {
      expect((await ledger.api.statement(people.alice, query)).problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer }],
      })
    })

    it('refuses the cursor of another statement', async () => {
      const { next_cursor: cursor } = (await ledger.api.statement(people.alice, { limit: 1 })).body
      const other = await ledger.api.statement(people.alice, {
        limit: 1,
        cursor: cursor ?? '',
        axis: 'effective',
      })
      expect(other.code).toBe('invalid_request')
    })

    it('of an account that is not there is not found', async () => {
      const { problem } = await ledger.api.statement('0198c0de-7a11-7000-8000-00000000a11c')
      expect(problem.code).toBe('not_found')
    })
  })

  describe('a statement as CSV', () => {
    const read = async (account: string, query: Record<string, string> = {}) => {
      const search = new URLSearchParams({ format: 'csv', ...query }).toString()
      return fetch(`${ledger.url}/api/v1/accounts/${account}/statement?${search}`)
    }

    it('has a row for each line between those of the two balances', async () => {
      const { alice } = await live([
        [null, true],
        ['2010-06-15T12:00:00.000Z', false],
        [null, false],
      ])
      const answer = await read(alice, { axis: 'effective' })
      expect(answer.headers.get('content-type')).toBe('text/csv; charset=utf-8')
      expect(answer.headers.get('cache-control')).toBe('no-store')
      expect(answer.headers.get('content-disposition')).toBe(
        `attachment; filename="statement-${alice}.csv"`,
      )
      const { lines } = (await ledger.api.statement(alice, { axis: 'effective' })).body
      expect((await answer.text()).split('\r\n')).toEqual([
        'type,posted_at,effective_at,transaction_id,account_version,reference,description,direction,amount,balance_after',
        'opening_balance,,,,,,,,,0.00',
        ...lines.map((line) =>
          [
            'entry',
            line.posted_at,
            line.effective_at,
            line.transaction_id,
            line.account_version,
            line.reference,
            '',
            line.direction,
            line.amount,
            line.balance_after,
          ].join(','),
        ),
        'closing_balance,,,,,,,,,-4.01',
        '',
      ])
    })

    it('quotes what has commas and quotes, and defuses what a spreadsheet would run', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const texts = ['=1+1', '+1', '-1', '@SUM(A1)', 'plain', 'a "b", c', '=HYPERLINK("x","y")']
      for (const reference of texts) {
        await ledger.api.postTransaction(
          payment({
            debit: cash,
            credit: alice,
            amount: '1.00',
            reference,
            description: reference,
          }),
        )
      }
      const rows = (await (await read(alice)).text()).split('\r\n').slice(2, -2)
      expect(rows.map((row) => row.split(',').slice(5, -3).join(','))).toEqual(
        [
          `'=1+1`,
          `'+1`,
          `'-1`,
          `'@SUM(A1)`,
          'plain',
          `"a ""b"", c"`,
          `"'=HYPERLINK(""x"",""y"")"`,
        ].map((cell) => `${cell},${cell}`),
      )
    })

    it('comes whole, also when it is read in many pieces', async () => {
      const own = await openPeople(ledger.api)
      const many = Array.from({ length: 500 }, () => [
        { account_id: own.cash, direction: 'debit' as const, amount: '0.01' },
        { account_id: own.alice, direction: 'credit' as const, amount: '0.01' },
      ])
      for (let round = 0; round < 5; round += 1) {
        const entries = many.flat()
        expect((await ledger.api.postTransaction({ currency: 'USD', entries })).status).toBe(201)
      }
      const rows = (await (await read(own.alice)).text()).split('\r\n')
      expect(rows).toHaveLength(2500 + 4)
      expect(rows.at(-2)).toBe('closing_balance,,,,,,,,,25.00')
      expect(rows.at(-3)).toContain(',2500,')
    })

    it('is problem+json when it is refused', async () => {
      const answer = await read('0198c0de-7a11-7000-8000-00000000a11c')
      expect([answer.status, answer.headers.get('content-type')]).toEqual([
        404,
        'application/problem+json; charset=utf-8',
      ])
    })
  })
})
