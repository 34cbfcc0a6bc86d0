import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { NewTransactionJson } from '../support/api-client.ts'
import { balanceOf, fund, open, openPeople, payment } from '../support/people.ts'
import { shapesInBothModes, type Service } from '../support/service.ts'

describe.each(shapesInBothModes)('posting on $name', (shape) => {
  let ledger: Service
  beforeAll(async () => {
    ledger = await shape.start()
  })
  afterAll(() => ledger.close())

  const post = (transaction: NewTransactionJson) => ledger.api.postTransaction(transaction)

  it('a payment moves money at once and reads back as it was answered', async () => {
    const { alice, cash } = await openPeople(ledger.api)
    const posted = await post({
      reference: 'order-4711',
      description: 'Top-up',
      currency: 'USD',
      entries: [
        { account_id: cash, direction: 'debit', amount: '125.00' },
        { account_id: alice, direction: 'credit', amount: '125.00' },
      ],
      metadata: { channel: 'card' },
      ordering_key: 'alice',
    })

    expect(posted.status).toBe(201)
    const { id, created_at, posted_at } = posted.body
    const queued = shape.mode === 'async' ? [{ status: 'queued', at: created_at }] : []
    if (shape.mode === 'sync') expect(created_at).toBe(posted_at)
    expect(posted.body).toEqual({
      id: expect.any(String),
      status: 'posted',
      reference: 'order-4711',
      idempotency_key: null,
      description: 'Top-up',
      currency: 'USD',
      entries: [
        {
          account_id: cash,
          direction: 'debit',
          amount: '125.00',
          currency: 'USD',
          account_version: 1,
          balance_after: '125.00',
        },
        {
          account_id: alice,
          direction: 'credit',
          amount: '125.00',
          currency: 'USD',
          account_version: 1,
          balance_after: '125.00',
        },
      ],
      metadata: { channel: 'card' },
      effective_at: posted_at,
      ordering_key: 'alice',
      created_at,
      posted_at,
      status_history: [...queued, { status: 'posted', at: posted_at }],
    })
    expect(posted.headers.get('location')).toBe(`/api/v1/transactions/${id}`)
    expect(posted.replayed).toBe(false)
    expect((await ledger.api.transaction(id)).body).toEqual(posted.body)
    expect(await balanceOf(ledger.api, alice)).toBe('125.00')
    expect(await balanceOf(ledger.api, cash)).toBe('125.00')
  })

  describe('balances', () => {
    it.each([
      ['asset', 'debit', '7.00'],
      ['asset', 'credit', '-7.00'],
      ['expense', 'debit', '7.00'],
      ['expense', 'credit', '-7.00'],
      ['liability', 'debit', '-7.00'],
      ['liability', 'credit', '7.00'],
      ['equity', 'debit', '-7.00'],
      ['equity', 'credit', '7.00'],
      ['revenue', 'debit', '-7.00'],
      ['revenue', 'credit', '7.00'],
    ] as const)(
      'of type %s after a %s of 7.00 are %s',
      async (account_type, direction, balance) => {
        const account = await open(ledger.api, { account_type })
        const cash = await open(ledger.api)
        const posted = await post({
          currency: 'USD',
          entries: [
            { account_id: account.id, direction, amount: '7.00' },
            {
              account_id: cash.id,
              direction: direction === 'debit' ? 'credit' : 'debit',
              amount: '7.00',
            },
          ],
        })

        expect(posted.body.entries[0]?.balance_after).toBe(balance)
        expect((await ledger.api.balance(account.id)).body).toEqual({
          account_id: account.id,
          currency: 'USD',
          axis: 'posted',
          normal_side: account.normal_side,
          balance,
          debits: direction === 'debit' ? '7.00' : '0.00',
          credits: direction === 'credit' ? '7.00' : '0.00',
          held_debits: '0.00',
          held_credits: '0.00',
          available: balance,
          version: 1,
          as_of: expect.any(String),
        })
        expect((await ledger.api.account(account.id)).body).toMatchObject({
          balance,
          available: balance,
          version: 1,
        })
      },
    )

    it('run along with versions from one entry to the next', async () => {
      const { alice, bob, cash } = await openPeople(ledger.api)
      await post(payment({ debit: cash, credit: alice, amount: '10.00' }))
      await post(payment({ debit: alice, credit: bob, amount: '2.50' }))
      await post(payment({ debit: bob, credit: alice, amount: '0.25' }))

      const { items } = (await ledger.api.entries(alice)).body
      const told = items.map((entry) => [
        entry.account_version,
        entry.direction,
        entry.amount,
        entry.balance_after,
      ])
      expect(told).toEqual([
        [3, 'credit', '0.25', '7.75'],
        [2, 'debit', '2.50', '7.50'],
        [1, 'credit', '10.00', '10.00'],
      ])
    })

    it('count each entry of a transaction that names an account several times, in order', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const { entries } = (
        await post({
          currency: 'USD',
          entries: [
            { account_id: alice, direction: 'credit', amount: '5.00' },
            { account_id: cash, direction: 'debit', amount: '4.00' },
            { account_id: alice, direction: 'debit', amount: '2.00' },
            { account_id: alice, direction: 'credit', amount: '1.00' },
          ],
        })
      ).body
      expect(entries.map((entry) => [entry.account_version, entry.balance_after])).toEqual([
        [1, '5.00'],
        [1, '4.00'],
        [2, '3.00'],
        [3, '4.00'],
      ])
      expect((await ledger.api.account(alice)).body).toMatchObject({ balance: '4.00', version: 3 })
    })

    it('are right after a hundred payments at once over three accounts', async () => {
      const { alice, bob, cash } = await openPeople(ledger.api)
      await fund(ledger.api, { cash }, alice, '100.00')
      const answers = await Promise.all(
        Array.from({ length: 100 }, (_, index) =>
          post(
            index % 2 === 0
              ? payment({ debit: alice, credit: bob, amount: '1.00' })
              : payment({ debit: cash, credit: alice, amount: '0.10' }),
          ),
        ),
      )
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]))
      expect(await balanceOf(ledger.api, alice)).toBe('55.00')
      expect(await balanceOf(ledger.api, bob)).toBe('50.00')
      expect(await balanceOf(ledger.api, cash)).toBe('105.00')
    })
  })

  describe('amounts', () => {
    it.each([
      ['1', '1.00'],
      ['1.5', '1.50'],
      ['0.01', '0.01'],
      ['1000000', '1000000.00'],
    ])('%s is kept as %s', async (amount, shown) => {
      const { alice, cash } = await openPeople(ledger.api)
      const posted = await post(payment({ debit: cash, credit: alice, amount }))
      expect(posted.body.entries.map((entry) => entry.amount)).toEqual([shown, shown])
      expect(await balanceOf(ledger.api, alice)).toBe(shown)
    })

    it('of 38 digits are exact to the last one', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const amount = '123456789012345678901234567890123456.78'
      const posted = await post(payment({ debit: cash, credit: alice, amount }))
      expect(posted.body.entries[0]).toMatchObject({ amount, balance_after: amount })

      const almost = '123456789012345678901234567890123456.77'
      await post(payment({ debit: alice, credit: cash, amount: almost }))
      expect(await balanceOf(ledger.api, alice)).toBe('0.01')
      expect((await ledger.api.balance(alice)).body).toMatchObject({
        credits: amount,
        debits: almost,
      })
    })

    it('fill an account to 38 nines and not one cent more', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const most = `${'9'.repeat(36)}.99`
      await post(payment({ debit: cash, credit: alice, amount: most }))
      expect(await balanceOf(ledger.api, alice)).toBe(most)

      const more = await post(payment({ debit: cash, credit: alice, amount: '0.01' }))
      expect(more.problem).toMatchObject({ code: 'amount_too_large', account_id: cash })
      expect(await balanceOf(ledger.api, alice)).toBe(most)
    })
  })

  describe('entries', () => {
    it('may be a thousand', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const entries = [
        { account_id: cash, direction: 'debit' as const, amount: '9.99' },
        ...Array.from({ length: 999 }, () => ({
          account_id: alice,
          direction: 'credit' as const,
          amount: '0.01',
        })),
      ]
      const posted = await post({ currency: 'USD', entries })
      expect(posted.body.entries).toHaveLength(1000)
      expect(posted.body.entries.at(-1)).toMatchObject({
        account_version: 999,
        balance_after: '9.99',
      })
      expect((await ledger.api.transaction(posted.body.id)).body).toEqual(posted.body)

      const more = [...entries, { account_id: alice, direction: 'credit' as const, amount: '0.01' }]
      const refused = await post({ currency: 'USD', entries: more })
      expect(refused.problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: 'entries' }],
      })
    })

    it('keep the order they were given in', async () => {
      const { alice, bob, cash } = await openPeople(ledger.api)
      const entries = [
        { account_id: bob, direction: 'credit', amount: '1.00' },
        { account_id: cash, direction: 'debit', amount: '3.00' },
        { account_id: alice, direction: 'credit', amount: '2.00' },
      ] as const
      const posted = await post({ currency: 'USD', entries: [...entries] })
      expect(posted.body.entries).toMatchObject(entries)
      expect((await ledger.api.transaction(posted.body.id)).body.entries).toMatchObject(entries)
    })

    it('may name accounts in either case and are shown in lower case', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const posted = await post(
        payment({ debit: cash.toUpperCase(), credit: alice, amount: '1.00' }),
      )
      expect(posted.body.entries[0]?.account_id).toBe(cash)
    })
  })

  describe('effective_at', () => {
    it.each([
      ['2026-01-31T12:00:00Z', '2026-01-31T12:00:00.000Z'],
      ['2026-01-31T12:00:00.123+02:00', '2026-01-31T10:00:00.123Z'],
      ['2026-01-31T23:30:00-01:00', '2026-02-01T00:30:00.000Z'],
      ['2024-02-29T00:00:00Z', '2024-02-29T00:00:00.000Z'],
      ['0001-01-01T00:00:00Z', '0001-01-01T00:00:00.000Z'],
      ['1883-11-18T12:03:57Z', '1883-11-18T12:03:57.000Z'],
      ['9999-12-31T23:59:59.999Z', '9999-12-31T23:59:59.999Z'],
    ])('%s is kept as %s', async (effective_at, shown) => {
      const { alice, cash } = await openPeople(ledger.api)
      const posted = await post(
        payment({ debit: cash, credit: alice, amount: '1.00', effective_at }),
      )
      expect(posted.body.effective_at).toBe(shown)
      expect((await ledger.api.transaction(posted.body.id)).body.effective_at).toBe(shown)
    })

    it.each([
      '2026-01-31',
      '2026-01-31T12:00:00',
      '2026-02-29T12:00:00Z',
      '0000-12-31T23:59:59Z',
      '0001-01-01T00:00:00+00:01',
      'now',
      1_767_225_600_000,
    ])('%s is refused', async (effective_at) => {
      const { alice, cash } = await openPeople(ledger.api)
      const { problem } = await ledger.api.post('/api/v1/transactions', {
        ...payment({ debit: cash, credit: alice, amount: '1.00' }),
        effective_at,
      })
      expect(problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: 'effective_at' }],
      })
    })
  })

  describe('notes', () => {
    it('come back character by character', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const notes = {
        reference: `größe "quoted" \\ {a,b} ' 🟢 ${randomUUID()}`,
        description: 'NULL, null, {} and , are text',
        metadata: {
          'a name with spaces': '',
          constructor: 'not a function',
          '🟢': '\u{10ffff}',
          quoted: '"\\"',
          braces: '{null,"x"}',
        },
        ordering_key: 'shop 7',
      }
      const posted = await post(payment({ debit: cash, credit: alice, amount: '1.00', ...notes }))
      expect(posted.body).toMatchObject(notes)
      expect((await ledger.api.transaction(posted.body.id)).body).toEqual(posted.body)
    })

    it('take 50 names of metadata with up to 500 characters and no more', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const names = (count: number) =>
        Object.fromEntries(Array.from({ length: count }, (_, n) => [`${n}`.padEnd(64, 'n'), 'v']))
      const codeOf = async (metadata: Record<string, string>) =>
        (await post(payment({ debit: cash, credit: alice, amount: '1.00', metadata }))).code

      expect(await codeOf(names(50))).toBe('ok')
      expect(await codeOf(names(51))).toBe('invalid_request')
      expect(await codeOf({ a: 'v'.repeat(500) })).toBe('ok')
      expect(await codeOf({ a: 'v'.repeat(501) })).toBe('invalid_request')
      expect(await codeOf({ ['n'.repeat(64)]: '' })).toBe('ok')
      expect(await codeOf({ ['n'.repeat(65)]: '' })).toBe('invalid_request')
    })

    it.each([
      ['reference', 255],
      ['description', 1000],
      ['ordering_key', 255],
    ])('take a %s of up to %i characters', async (field, lengthMax) => {
      const { alice, cash } = await openPeople(ledger.api)
      const codeOf = async (text: string) =>
        (await post(payment({ debit: cash, credit: alice, amount: '1.00', [field]: text }))).code
      expect(await codeOf('x'.repeat(lengthMax))).toBe('ok')
      expect(await codeOf('x'.repeat(lengthMax + 1))).toBe('invalid_request')
      expect(await codeOf('')).toBe('invalid_request')
    })

    it('left out are null, and null is left out', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const bare = await post(payment({ debit: cash, credit: alice, amount: '1.00' }))
      const nulls = { reference: null, description: null, ordering_key: null }
      expect(bare.body).toMatchObject({ ...nulls, idempotency_key: null, metadata: {} })
      const explicit = await post(
        payment({
          debit: cash,
          credit: alice,
          amount: '1.00',
          ...nulls,
          idempotency_key: null,
          metadata: null,
          effective_at: null,
        }),
      )
      expect(explicit.body).toMatchObject({ ...nulls, idempotency_key: null, metadata: {} })
    })
  })

  it.each([
    ['nothing that is known', { colour: 'red' }, 'colour'],
    ['an amount as a number', { entries: [{ amount: 1 }] }, 'entries/0/amount'],
  ])('refuses %s', async (_, fault, pointer) => {
    const { alice, cash } = await openPeople(ledger.api)
    const good = payment({ debit: cash, credit: alice, amount: '1.00' })
    const entries = good.entries.map((entry, index) => ({
      ...entry,
      ...('entries' in fault ? fault.entries[index] : {}),
    }))
    const { problem } = await ledger.api.post('/api/v1/transactions', {
      ...good,
      ...fault,
      entries,
    })
    expect(problem).toMatchObject({ code: 'invalid_request', errors: [{ pointer }] })
  })

  it('finds no transaction at an id that names none', async () => {
    expect((await ledger.api.transaction(randomUUID())).code).toBe('not_found')
    expect((await ledger.api.transaction('order-4711')).code).toBe('not_found')
  })
})
