import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { BatchJson, NewBatchJson, NewTransactionJson } from '../support/api-client.ts'
import { balanceOf, fund, openPeople, openWallet, payment, type People } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'

describe.each(shapesOfBothStores)('batches on $name', (shape) => {
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start({ worker: false })
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
  })
  afterAll(() => ledger.close())

  const post = (
    mode: NewBatchJson['mode'],
    transactions: NewTransactionJson[],
    headers: Record<string, string> = {},
  ) => ledger.api.postBatch({ mode, transactions }, headers)
  const top = (amount: string, rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.cash, credit: people.alice, amount, ...rest })
  const spend = (amount: string, rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.alice, credit: people.bob, amount, ...rest })
  const balances = async () => [
    await balanceOf(ledger.api, people.alice),
    await balanceOf(ledger.api, people.bob),
  ]
  const statuses = ({ items }: BatchJson) => items.map(({ status }) => status)
  const codes = ({ items }: BatchJson) => items.map(({ problem }) => problem?.code)
  /** The batch that a refusal carries. */
  const carried = (answer: { problem: object }) => answer.problem as unknown as BatchJson

  describe.each(['atomic', 'independent'] as const)('that are %s', (mode) => {
    it('post all their members in order, each seeing what those before it have moved', async () => {
      const answer = await post(mode, [top('5.00'), spend('3.00'), spend('2.00')])
      expect(answer.status).toBe(201)
      expect(answer.body).toMatchObject({ mode, posted: 3, failed: 0 })
      expect(answer.body.items.map(({ index }) => index)).toEqual([0, 1, 2])
      expect(await balances()).toEqual(['0.00', '5.00'])
      expect(answer.body.items.map((item) => item.transaction?.entries[1]?.balance_after)).toEqual([
        '5.00',
        '3.00',
        '5.00',
      ])
      for (const { transaction } of answer.body.items) {
        expect((await ledger.api.transaction(transaction?.id ?? '')).body).toEqual(transaction)
      }
    })

    it('hold money, and count what is held for those behind', async () => {
      const hold = { expires_in: 60 }
      const answer = await post(mode, [top('5.00'), spend('5.00', { hold }), spend('0.01')])
      const batch = answer.status < 400 ? answer.body : carried(answer)
      expect(batch.items[2]?.problem).toMatchObject({ code: 'insufficient_funds' })
      const held = await post(mode, [top('5.00'), spend('5.00', { hold })])
      expect(statuses(held.body)).toEqual(['posted', 'held'])
    })

    it('replay a key that they have twice, and refuse its second use for something else', async () => {
      const idempotency_key = randomUUID()
      const twice = await post(mode, [
        top('5.00', { idempotency_key }),
        top('5.00', { idempotency_key }),
      ])
      expect([twice.status, twice.replayed]).toEqual([201, false])
      expect(twice.body.items.map(({ replayed }) => replayed)).toEqual([undefined, true])
      expect(twice.body.items[1]?.transaction).toEqual(twice.body.items[0]?.transaction)
      expect(await balances()).toEqual(['5.00', '0.00'])

      const key = randomUUID()
      const other = await post(mode, [
        top('1.00', { idempotency_key: key }),
        top('2.00', { idempotency_key: key }),
      ])
      const batch = other.status < 400 ? other.body : carried(other)
      expect(batch.items[1]?.problem).toMatchObject({
        code: 'idempotency_key_reused',
        differing_fields: ['entries'],
      })
    })

    it('repeat as a whole under one key in the header', async () => {
      const key = randomUUID()
      const own = randomUUID()
      const send = () =>
        post(mode, [top('5.00'), spend('3.00', { idempotency_key: own })], {
          'idempotency-key': `"${key}"`,
        })
      const first = await send()
      const again = await send()
      expect([first.status, first.replayed]).toEqual([201, false])
      expect([again.status, again.replayed]).toEqual([201, true])
      expect(again.body.items.map(({ transaction }) => transaction)).toEqual(
        first.body.items.map(({ transaction }) => transaction),
      )
      expect(first.body.items.map((item) => item.transaction?.idempotency_key)).toEqual([
        `${key}/0`,
        own,
      ])
      expect(await balances()).toEqual(['2.00', '3.00'])
    })

    it('have a thousand members and 10,000 entries, and not one more', async () => {
      const members = (count: number) => Array.from({ length: count }, () => top('0.01'))
      const answer = await post(mode, members(1000))
      expect([answer.status, answer.body.posted]).toEqual([201, 1000])
      const tooMany = await post(mode, members(1001))
      expect(tooMany.problem.errors?.[0]?.pointer).toBe('transactions')

      const wide = (pairs: number) => ({
        ...top('0.01'),
        entries: Array.from({ length: pairs }, () => top('0.01').entries).flat(),
      })
      const widest = Array.from({ length: 10 }, () => wide(500))
      expect((await post(mode, widest)).status).toBe(201)
      const tooWide = await post(mode, [...widest, top('0.01')])
      expect(tooWide.problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: 'transactions' }],
      })
    })

    it('are refused as a whole when one member is malformed, and say which', async () => {
      const answer = await post(mode, [top('5.00'), { ...top('1.00'), entries: [] }])
      expect(answer.problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: 'transactions/1/entries' }],
      })
      expect(await balances()).toEqual(['0.00', '0.00'])
    })

    it('end the same however many arrive at once over the same accounts, in opposite order', async () => {
      await fund(ledger.api, people, people.alice, '50.00')
      await fund(ledger.api, people, people.bob, '50.00')
      const back = payment({ debit: people.bob, credit: people.alice, amount: '1.00' })
      const forth = spend('1.00')
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          post(mode, n % 2 === 0 ? [forth, back, forth] : [back, forth, back]),
        ),
      )
      expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([201]))
      expect(await balances()).toEqual(['50.00', '50.00'])
    })
  })

  describe('that are atomic', () => {
    it('do nothing when one member is refused, and use no key up', async () => {
      const keys = [randomUUID(), randomUUID(), randomUUID()]
      const members = [
        top('5.00', { idempotency_key: keys[0] }),
        spend('6.00', { idempotency_key: keys[1] }),
        spend('1.00', { idempotency_key: keys[2] }),
      ]
      const answer = await post('atomic', members)
      expect([answer.status, answer.problem.code]).toEqual([422, 'batch_failed'])
      const batch = carried(answer)
      expect(batch).toMatchObject({ mode: 'atomic', posted: 0, failed: 3 })
      expect(statuses(batch)).toEqual(['aborted', 'failed', 'aborted'])
      expect(codes(batch)).toEqual(['batch_aborted', 'insufficient_funds', 'batch_aborted'])
      expect(batch.items[1]?.problem).toMatchObject({ available: '5.00', shortfall: '1.00' })
      expect(batch.items[1]?.problem).not.toHaveProperty('transaction_id')
      expect(batch.items[2]?.problem).toMatchObject({ culprit: 1 })
      expect(await balances()).toEqual(['0.00', '0.00'])

      const again = await post(
        'atomic',
        members.map((member, n) => (n === 1 ? { ...member, ...spend('4.00') } : member)),
      )
      expect([again.status, again.replayed]).toEqual([201, false])
      expect(await balances()).toEqual(['0.00', '5.00'])
    })

    it('name the first that is refused, and do not look at those behind it', async () => {
      const answer = await post('atomic', [top('1.00'), spend('2.00'), top('0.00')])
      expect(codes(carried(answer))).toEqual([
        'batch_aborted',
        'insufficient_funds',
        'batch_aborted',
      ])
      const unsound = await post('atomic', [top('0.001'), spend('2.00')])
      expect(carried(unsound).items[0]?.problem).toMatchObject({
        code: 'amount_scale',
        errors: [{ pointer: 'transactions/0/entries/0/amount' }],
      })
    })

    it('count a member whose key is known as it ended then', async () => {
      const posted = randomUUID()
      const refused = randomUUID()
      const before = await ledger.api.postTransaction(top('5.00', { idempotency_key: posted }))
      const failed = await ledger.api.postTransaction(spend('9.00', { idempotency_key: refused }))

      const good = await post('atomic', [top('5.00', { idempotency_key: posted }), spend('5.00')])
      expect([good.status, good.body.posted]).toEqual([201, 2])
      expect(good.body.items[0]).toEqual({
        index: 0,
        status: 'posted',
        replayed: true,
        transaction: before.body,
      })

      await fund(ledger.api, people, people.alice, '20.00')
      const bad = carried(
        await post('atomic', [
          top('5.00', { idempotency_key: posted }),
          spend('1.00'),
          spend('9.00', { idempotency_key: refused }),
        ]),
      )
      expect(statuses(bad)).toEqual(['posted', 'aborted', 'failed'])
      expect(bad.items[2]).toMatchObject({
        replayed: true,
        problem: {
          code: 'insufficient_funds',
          transaction_id: failed.problem['transaction_id'],
        },
      })
      expect(await balances()).toEqual(['20.00', '5.00'])
    })

    it('leave no trace on others that are written with them', async () => {
      await fund(ledger.api, people, people.alice, '10.00')
      const answers = await Promise.all(
        Array.from({ length: 20 }, (_, n) =>
          post('atomic', n % 2 === 0 ? [spend('1.00')] : [spend('1.00'), spend('100.00')]),
        ),
      )
      expect(answers.map(({ status }) => status)).toEqual(
        Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? 201 : 422)),
      )
      expect(await balances()).toEqual(['0.00', '10.00'])
    })
  })

  describe('that are independent', () => {
    it('post what can be posted, and store the refusal of what has a key', async () => {
      const idempotency_key = randomUUID()
      const members = [
        spend('6.00', { idempotency_key }),
        top('5.00'),
        spend('4.00'),
        spend('2.00'),
      ]
      const answer = await post('independent', members)
      expect(answer.status).toBe(200)
      expect(answer.body).toMatchObject({ mode: 'independent', posted: 2, failed: 2 })
      expect(statuses(answer.body)).toEqual(['failed', 'posted', 'posted', 'failed'])
      const [first, , , last] = answer.body.items
      expect(first?.problem).toMatchObject({
        code: 'insufficient_funds',
        transaction_id: expect.any(String),
      })
      expect(last?.problem).not.toHaveProperty('transaction_id')

      await fund(ledger.api, people, people.alice, '20.00')
      const alone = await ledger.api.postTransaction(spend('6.00', { idempotency_key }))
      expect(alone.problem).toMatchObject({
        code: 'insufficient_funds',
        transaction_id: first?.problem?.['transaction_id'],
      })
    })

    it('answer each member as it would be answered by itself', async () => {
      const stranger = randomUUID()
      const members = [
        payment({ debit: stranger, credit: people.alice, amount: '1.00' }),
        top('1.00', { currency: 'NOPE' }),
        top('0.001'),
      ]
      const { items } = (await post('independent', members)).body
      for (const [n, member] of members.entries()) {
        const { problem } = await ledger.api.postTransaction(member)
        const { code, detail, retryable } = problem
        expect(items[n]?.problem).toMatchObject({ code, detail, retryable })
      }
    })
  })

  it('takes a body that a thousand members with keys and metadata need', async () => {
    const metadata = Object.fromEntries(
      Array.from({ length: 5 }, (_, n) => [`name-${n}`, 'v'.repeat(300)]),
    )
    const transactions = Array.from({ length: 1000 }, () =>
      top('0.01', { idempotency_key: randomUUID(), reference: 'r'.repeat(100), metadata }),
    )
    expect(JSON.stringify(transactions).length).toBeGreaterThan(1.5 * 1024 * 1024)
    expect((await post('atomic', transactions)).status).toBe(201)

    const larger = transactions.map((one) => ({ ...one, description: 'd'.repeat(1000) }))
    expect((await post('atomic', [...larger, ...larger.slice(0, 500)])).problem.code).toBe(
      'body_too_large',
    )
  })

  it('refuses a key in the header that leaves no room for an index', async () => {
    const send = (length: number) =>
      post('atomic', [top('1.00')], { 'idempotency-key': 'k'.repeat(length) })
    expect((await send(251)).status).toBe(201)
    expect((await send(252)).problem).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: 'headers/idempotency-key' }],
    })
  })

  it('reads the books of another currency as it would a single payment', async () => {
    const yen = await openPeople(ledger.api, 'JPY')
    const shop = await openWallet(ledger.api, { name: 'shop', currency: 'JPY' })
    const answer = await post('atomic', [
      payment({ debit: yen.cash, credit: yen.alice, amount: '500', currency: 'JPY' }),
      top('5.00'),
      payment({ debit: yen.alice, credit: shop.id, amount: '500', currency: 'JPY' }),
    ])
    expect(answer.body.posted).toBe(3)
    expect(await balanceOf(ledger.api, shop.id)).toBe('500')
  })
})
