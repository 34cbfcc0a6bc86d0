import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { EventJson, EventPageJson } from '../../shared/wire/event-json.ts'
import type { Query, TransactionJson } from '../support/api-client.ts'
import { open, openPeople, payment, type People } from '../support/people.ts'
import { poisonedDatabase } from '../support/poison.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'
import { writtenAndSeen } from '../support/written-and-seen.ts'

describe.each(shapesOfBothStores)('events on $name', (shape) => {
  let ledger: Service
  let people: People
  let start: string
  beforeAll(async () => {
    ledger = await shape.start()
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    await ledger.api.postTransaction(pay('cash', 'alice', '100.00'))
    start = (await page({ after: 'now' })).next_cursor
  })
  afterAll(() => ledger.close())

  const pay = (debit: keyof People, credit: keyof People, amount: string, rest: object = {}) =>
    payment({ debit: people[debit], credit: people[credit], amount, ...rest })
  const page = async (query: Query): Promise<EventPageJson> => {
    await writtenAndSeen(ledger.location)
    return (await ledger.api.events(query)).body
  }
  /** All that happened since the test began. */
  const told = async (): Promise<EventJson[]> => (await page({ after: start, limit: 200 })).items
  const summary = (events: readonly EventJson[]) => events.map(({ type, data }) => [type, data.id])
  const post = async (request: ReturnType<typeof pay>) =>
    (await ledger.api.postTransaction(request)).body
  const ended = async (id: string) => (await ledger.api.transaction(id, { wait: 10 })).body

  describe('of transactions', () => {
    it('tell a payment as it was answered, whatever is reversed of it later', async () => {
      const paid = await post(pay('alice', 'bob', '5.00', { metadata: { order: '1' } }))
      const reversal = (await ledger.api.reverse(paid.id)).body
      const events = await told()
      expect(summary(events)).toEqual([
        ['transaction.posted', paid.id],
        ['transaction.posted', reversal.id],
      ])
      expect(events[0]?.data).toEqual(paid)
      expect(events[0]?.created_at).toBe(paid.posted_at)
    })

    it('tell refusals that are stored, and not those that left nothing', async () => {
      const broke = pay('bob', 'alice', '7.00')
      expect((await ledger.api.postTransaction(broke)).code).toBe('insufficient_funds')
      const keyed = { ...broke, idempotency_key: randomUUID() }
      const { transaction_id: id } = (await ledger.api.postTransaction(keyed)).problem
      await ledger.api.postTransaction(keyed)
      const events = await told()
      expect(summary(events)).toEqual([['transaction.failed', id]])
      expect(events[0]?.data).toMatchObject({ failure: { code: 'insufficient_funds' } })
    })

    it('tell all of a batch, in its order', async () => {
      const { items } = (
        await ledger.api.postBatch({
          mode: 'independent',
          transactions: [
            pay('alice', 'bob', '1.00', { idempotency_key: `z${randomUUID()}` }),
            pay('bob', 'alice', '999.00', { idempotency_key: `m${randomUUID()}` }),
            pay('alice', 'bob', '2.00', { idempotency_key: `a${randomUUID()}` }),
          ],
        })
      ).body
      const ids = items.map((item) => item.transaction?.id ?? item.problem?.['transaction_id'])
      expect(summary(await told())).toEqual([
        ['transaction.posted', ids[0]],
        ['transaction.failed', ids[1]],
        ['transaction.posted', ids[2]],
      ])
    })

    it('tell of queued ones how they ended, in their order', async () => {
      const ordering_key = randomUUID()
      const wishes = [
        pay('alice', 'bob', '1.00', { ordering_key }),
        pay('bob', 'alice', '999.00', { ordering_key }),
        pay('alice', 'bob', '2.00', { ordering_key }),
      ]
      const ids: string[] = []
      for (const wish of wishes) ids.push((await ledger.api.queueTransaction(wish)).body.id)
      for (const id of ids) await ended(id)
      expect(summary(await told())).toEqual([
        ['transaction.posted', ids[0]],
        ['transaction.failed', ids[1]],
        ['transaction.posted', ids[2]],
      ])
    })

    it('tell of queued ones that are canceled, alone or with their batch', async () => {
      await ledger.stopWorker()
      const id = (await ledger.api.queueTransaction(pay('alice', 'bob', '1.00'))).body.id
      const canceled = (await ledger.api.cancel(id)).body
      const transactions = [pay('alice', 'bob', '1.00'), pay('alice', 'bob', '2.00')]
      const queued = (await ledger.api.queueBatch({ mode: 'atomic', transactions })).body
      const own = queued.items.map((item) => item.transaction?.id)
      await ledger.api.cancelBatch(queued.id)
      await ledger.startWorker()
      const events = await told()
      expect(summary(events)).toEqual([
        ['transaction.canceled', id],
        ['transaction.canceled', own[0]],
        ['transaction.canceled', own[1]],
      ])
      expect(events[0]?.data).toEqual(canceled)
    })

    it('tell of those that are refused as they are queued in a batch', async () => {
      const unknown = pay('alice', 'bob', '1.00', {
        currency: 'XQX',
        idempotency_key: randomUUID(),
      })
      const { items } = (
        await ledger.api.queueBatch({ mode: 'independent', transactions: [unknown] })
      ).body
      expect(summary(await told())).toEqual([
        ['transaction.failed', items[0]?.problem?.['transaction_id']],
      ])
    })

    it('tell of a parked one that an operator refuses', async () => {
      const reference = randomUUID()
      const database = await poisonedDatabase(ledger.location)
      await database.poison(reference)
      const wish = pay('alice', 'bob', '1.00', { reference })
      const { id } = (await ledger.api.queueTransaction(wish)).body
      await until('it is parked', async () => {
        return (await ledger.api.transaction(id)).body.queue?.parked
      })
      await ledger.api.refuse(id, 'no')
      expect(summary(await told())).toEqual([['transaction.failed', id]])
    })
  })

  describe('of holds', () => {
    const place = (rest: object = {}) =>
      post(pay('alice', 'bob', '10.00', { hold: { expires_in: 3600 }, ...rest }))

    it('tell each step as it was then', async () => {
      const hold = await place()
      const extended = (await ledger.api.extend(hold.id, { expires_in: 7200 })).body
      const partly = { amount: '4.00', final: false }
      const first = (await ledger.api.capture(hold.id, partly)).body
      const again = (await ledger.api.extend(hold.id, { expires_in: 9000 })).body
      const last = (await ledger.api.capture(hold.id, {})).body
      const events = await told()
      expect(summary(events)).toEqual([
        ['transaction.held', hold.id],
        ['hold.extended', hold.id],
        ['transaction.posted', first.id],
        ['hold.extended', hold.id],
        ['transaction.posted', last.id],
        ['hold.captured', hold.id],
      ])
      const datas = events.map(({ data }) => data)
      expect(datas[0]).toEqual(hold)
      expect(datas[1]).toEqual(extended)
      expect(datas[3]).toEqual(again)
      expect(datas[5]).toEqual((await ledger.api.transaction(hold.id)).body)
    })

    it('tell how they end otherwise', async () => {
      const voided = await place()
      await ledger.api.void(voided.id)
      const expired = await place({ hold: { expires_at: new Date(Date.now() + 50).toISOString() } })
      await until('it has expired', async () => {
        return (await ledger.api.transaction(expired.id)).body.status === 'expired'
      })
      expect(summary(await told())).toEqual([
        ['transaction.held', voided.id],
        ['hold.voided', voided.id],
        ['transaction.held', expired.id],
        ['hold.expired', expired.id],
      ])
    })

    it('tell of one that is placed and captured by one drain both', async () => {
      await ledger.stopWorker()
      const ordering_key = randomUUID()
      const wish = pay('alice', 'bob', '3.00', { hold: { expires_in: 3600 }, ordering_key })
      const hold = (await ledger.api.queueTransaction(wish)).body
      const path = `/api/v1/transactions/${hold.id}/capture?mode=async`
      const capture = (await ledger.api.post<TransactionJson>(path, {})).body
      await ledger.startWorker()
      await ended(capture.id)
      const events = await told()
      expect(events.filter(({ data }) => data.id === hold.id).map(({ type }) => type)).toEqual([
        'transaction.held',
        'hold.captured',
      ])
      expect(events.find(({ type }) => type === 'transaction.held')?.data).toMatchObject({
        status: 'held',
        hold: { captured_amount: '0.00', remaining_amount: '3.00' },
      })
    })
  })

  describe('of accounts', () => {
    it('tell each change as it was then, and nothing that changes nothing', async () => {
      const account = await open(ledger.api, { name: 'carol', metadata: { tier: 'gold' } })
      const { balance: _b, available: _a, version: _v, ...described } = account
      await ledger.api.changeAccount(account.id, { name: 'Carol', min_available: '-1.00' })
      await ledger.api.changeAccount(account.id, { name: 'Carol' })
      await ledger.api.changeAccount(account.id, { status: 'closed' })
      const events = await told()
      expect(events.map(({ type, data }) => [type, data])).toEqual([
        ['account.created', described],
        ['account.updated', { ...described, name: 'Carol', min_available: '-1.00' }],
        [
          'account.updated',
          { ...described, name: 'Carol', min_available: '-1.00', status: 'closed' },
        ],
      ])
    })
  })

  describe('are read', () => {
    it('in pages that follow each other, each once, until there are no more', async () => {
      for (let n = 0; n < 5; n += 1) await post(pay('alice', 'bob', '0.01'))
      const all = await told()
      const paged: EventJson[] = []
      let cursor = start
      for (let more = true; more;) {
        const { items, next_cursor, has_more } = await page({ after: cursor, limit: 2 })
        paged.push(...items)
        cursor = next_cursor
        more = has_more
      }
      expect(all).toHaveLength(5)
      expect(paged).toEqual(all)
      expect(new Set(all.map(({ id }) => id)).size).toBe(5)
      expect((await page({ after: cursor })).items).toEqual([])
      const later = await post(pay('alice', 'bob', '0.01'))
      expect(summary((await page({ after: cursor })).items)).toEqual([
        ['transaction.posted', later.id],
      ])
    })

    it('from the oldest that is kept without a cursor', async () => {
      const [first] = (await page({ limit: 1 })).items
      expect(first?.type).toBe('account.created')
    })

    it('filtered by type and account', async () => {
      await post(pay('alice', 'bob', '1.00'))
      const own = await post(pay('cash', 'bob', '2.00'))
      const accounts = await page({ type: 'account.created', account_id: people.bob })
      expect(summary(accounts.items)).toEqual([['account.created', people.bob]])
      const filter = { account_id: people.bob, type: 'transaction.posted' }
      const first = await page({ ...filter, limit: 1 })
      expect(first.has_more).toBe(true)
      const second = await page({ ...filter, after: first.next_cursor })
      expect(summary(second.items)).toEqual([['transaction.posted', own.id]])
    })

    it('with a cursor of these events only', async () => {
      const other = (await page({ type: 'transaction.posted' })).next_cursor
      const list = (await ledger.api.transactions({ limit: 1 })).body.next_cursor ?? ''
      for (const after of [other, list, `${start.slice(0, -1)}A`, 'then']) {
        const { problem } = await ledger.api.events({ after })
        expect(problem).toMatchObject({ errors: [{ pointer: 'query/after' }] })
      }
    })
  })
})
