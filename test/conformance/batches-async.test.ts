import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type {
  AcceptedBatchJson,
  BatchJson,
  NewBatchJson,
  NewTransactionJson,
} from '../support/api-client.ts'
import { DrainGate } from '../support/drain-gate.ts'
import { balanceOf, fund, openPeople, payment, type People } from '../support/people.ts'
import { poisonedDatabase, type PoisonedDatabase } from '../support/poison.ts'
import { shapes, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

describe.each(shapes)('batches for later on $name', (shape) => {
  const gate = new DrainGate()
  let ledger: Service
  let database: PoisonedDatabase
  let people: People
  beforeAll(async () => {
    ledger = await shape.start({ interpose: gate.interpose })
    database = await poisonedDatabase(ledger.location)
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
  })
  afterEach(() => gate.open())
  afterAll(() => ledger.close())

  const queue = (
    mode: NewBatchJson['mode'],
    transactions: NewTransactionJson[],
    headers: Record<string, string> = {},
  ) => ledger.api.queueBatch({ mode, transactions }, headers)
  const top = (amount: string, rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.cash, credit: people.alice, amount, ...rest })
  const spend = (amount: string, rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.alice, credit: people.bob, amount, ...rest })
  const ended = async (id: string) => (await ledger.api.batch(id, { wait: 30 })).body
  const statuses = ({ items }: AcceptedBatchJson | BatchJson) => items.map(({ status }) => status)
  const codes = ({ items }: AcceptedBatchJson) => items.map(({ problem }) => problem?.code)
  const idsOf = ({ items }: AcceptedBatchJson) =>
    items.map(
      ({ transaction, problem }) =>
        transaction?.id ?? (problem?.['transaction_id'] as string) ?? '',
    )
  const balances = async () => [
    await balanceOf(ledger.api, people.alice),
    await balanceOf(ledger.api, people.bob),
  ]

  describe.each(['atomic', 'independent'] as const)('that are %s', (mode) => {
    it('are accepted whole, under an id where they are read, and posted', async () => {
      await gate.shut()
      const accepted = await queue(mode, [top('5.00'), top('3.00')])
      expect(accepted.status).toBe(202)
      const { id, counts } = accepted.body
      expect(accepted.headers.get('location')).toBe(`/api/v1/batches/${id}`)
      expect(counts).toMatchObject({ queued: 2, posted: 0, failed: 0 })
      expect((await ledger.api.batch(id)).body).toEqual(accepted.body)
      for (const one of idsOf(accepted.body)) {
        expect((await ledger.api.transaction(one)).body).toMatchObject({
          status: 'queued',
          queue: { ahead: expect.any(Number), attempts: 0 },
        })
      }
      gate.open()

      const batch = await ended(id)
      expect(batch).toMatchObject({ id, mode, counts: { queued: 0, posted: 2 } })
      expect(idsOf(batch)).toEqual(idsOf(accepted.body))
      expect(await balances()).toEqual(['8.00', '0.00'])
    })

    it('are the same batch when they are repeated under the same keys', async () => {
      await gate.shut()
      const key = randomUUID()
      const own = randomUUID()
      const send = () =>
        queue(mode, [top('5.00'), top('3.00', { idempotency_key: own })], {
          'idempotency-key': key,
        })
      const [first, ...others] = await Promise.all([send(), send(), send(), send()])
      for (const other of others) expect(other.body.id).toBe(first?.body.id)
      const again = await send()
      expect([again.status, again.replayed, again.body]).toEqual([202, true, first?.body])
      gate.open()

      const batch = await ended(again.body.id)
      const late = await send()
      expect([late.status, late.replayed, late.body]).toEqual([200, true, batch])
      expect(await balances()).toEqual(['8.00', '0.00'])
    })

    it('answer when they have ended, if the client prefers to wait', async () => {
      const answer = await queue(mode, [top('5.00'), top('3.00')], { prefer: 'wait=30' })
      expect(answer.status).toBe(200)
      expect(answer.body.counts).toMatchObject({ queued: 0, posted: 2 })
    })

    it('can be canceled whole while nobody has posted them', async () => {
      await gate.shut()
      const { id } = (await queue(mode, [top('5.00'), top('3.00')])).body
      const canceled = await ledger.api.cancelBatch(id)
      expect(canceled.body.counts).toMatchObject({ queued: 0, canceled: 2 })
      expect((await ledger.api.cancelBatch(id)).code).toBe('batch_ended')
      gate.open()
      await fund(ledger.api, people, people.alice, '1.00')
      expect(await balances()).toEqual(['1.00', '0.00'])
    })

    it('of a thousand members are posted', async () => {
      const members = Array.from({ length: 1000 }, (_, n) =>
        top('0.01', { ordering_key: `key ${n % 7}` }),
      )
      const { id } = (await queue(mode, members)).body
      expect((await ended(id)).counts).toMatchObject({ queued: 0, posted: 1000 })
      expect(await balanceOf(ledger.api, people.alice)).toBe('10.00')
    })

    it('hold money too', async () => {
      const hold = { expires_in: 60 }
      const ordering_key = randomUUID()
      const members = [top('5.00', { ordering_key }), spend('2.00', { hold, ordering_key })]
      const { id } = (await queue(mode, members)).body
      expect(statuses(await ended(id))).toEqual(['posted', 'held'])
    })

    it('block the closing of their accounts and are listed by them, each member', async () => {
      await gate.shut()
      const { id, items } = (await queue(mode, [top('5.00'), spend('5.00')])).body
      const closing = await ledger.api.changeAccount(people.bob, { status: 'closed' })
      expect(closing.problem).toMatchObject({ code: 'account_not_empty', blockers: ['queued'] })
      const listed = await ledger.api.transactions({ account_id: people.bob, status: 'queued' })
      expect(listed.body.items.map((item) => item.id)).toEqual([items[1]?.transaction?.id])
      await ledger.api.cancelBatch(id)
    })
  })

  describe('that are atomic', () => {
    it('see in order what they move, whatever their own accounts would be ordered by', async () => {
      const { id } = (await queue('atomic', [top('5.00'), spend('3.00'), spend('2.00')])).body
      expect((await ended(id)).counts).toMatchObject({ posted: 3 })
      expect(await balances()).toEqual(['0.00', '5.00'])
    })

    it('fail whole when one is refused as they are posted: the others for its sake', async () => {
      const keys = [randomUUID(), randomUUID(), randomUUID()]
      const members = [
        top('5.00', { idempotency_key: keys[0] }),
        spend('6.00', { idempotency_key: keys[1] }),
        spend('1.00', { idempotency_key: keys[2] }),
      ]
      const { id } = (await queue('atomic', members)).body
      const batch = await ended(id)
      expect(statuses(batch)).toEqual(['failed', 'failed', 'failed'])
      expect(codes(batch)).toEqual(['batch_aborted', 'insufficient_funds', 'batch_aborted'])
      expect(batch.items[2]?.problem).toMatchObject({ culprit: 1, batch_id: id })
      expect(await balances()).toEqual(['0.00', '0.00'])
      const alone = await ledger.api.postTransaction(members[2] as NewTransactionJson)
      expect(alone.problem).toMatchObject({
        code: 'batch_aborted',
        batch_id: id,
        transaction_id: idsOf(batch)[2],
      })
    })

    it('leave no trace on what is drained with them', async () => {
      await fund(ledger.api, people, people.alice, '10.00')
      await gate.shut()
      const ordering_key = randomUUID()
      const batches = await Promise.all(
        [1, 2, 3, 4].map((n) =>
          queue('atomic', [
            spend('1.00', { ordering_key }),
            spend(n % 2 === 0 ? '1.00' : '100.00', { ordering_key }),
          ]),
        ),
      )
      const single = await ledger.api.queueTransaction(spend('6.00', { ordering_key }))
      gate.open()
      const read = await Promise.all(batches.map(({ body }) => ended(body.id)))
      expect(read.map(({ counts }) => counts.posted)).toEqual([0, 2, 0, 2])
      expect((await ledger.api.transaction(single.body.id, { wait: 30 })).body.status).toBe(
        'posted',
      )
      expect(await balances()).toEqual(['0.00', '10.00'])
    })

    it('are refused at once, and use no key up, when a member is refused by itself', async () => {
      const idempotency_key = randomUUID()
      const members = [top('5.00', { idempotency_key }), top('0.001'), spend('1.00')]
      const answer = await queue('atomic', members)
      expect([answer.status, answer.code]).toEqual([422, 'batch_failed'])
      const batch = answer.problem as unknown as BatchJson
      expect(batch).toMatchObject({ posted: 0, failed: 3 })
      expect(statuses(batch)).toEqual(['aborted', 'failed', 'aborted'])
      const later = await ledger.api.postTransaction(top('5.00', { idempotency_key }))
      expect([later.status, later.replayed]).toEqual([201, false])
    })

    it('count what stands under a key, and refuse at once for what has failed under one', async () => {
      const posted = randomUUID()
      const refused = randomUUID()
      await ledger.api.postTransaction(top('5.00', { idempotency_key: posted }))
      await ledger.api.postTransaction(spend('9.00', { idempotency_key: refused }))
      const good = await queue('atomic', [top('5.00', { idempotency_key: posted }), spend('5.00')])
      const batch = await ended(good.body.id)
      expect(statuses(batch)).toEqual(['posted', 'posted'])
      expect(batch.items.map(({ replayed }) => replayed)).toEqual([true, undefined])
      expect(await balances()).toEqual(['0.00', '5.00'])

      const bad = await queue('atomic', [top('1.00'), spend('9.00', { idempotency_key: refused })])
      expect(statuses(bad.problem as unknown as BatchJson)).toEqual(['aborted', 'failed'])
      expect(await balances()).toEqual(['0.00', '5.00'])
    })

    it('are not ended in part: a member can be neither canceled nor refused by itself', async () => {
      await gate.shut()
      const { id, items } = (await queue('atomic', [top('5.00'), top('3.00')])).body
      for (const { transaction } of items) {
        const answer = await ledger.api.cancel(transaction?.id ?? '')
        expect(answer.problem).toMatchObject({ code: 'in_atomic_batch', batch_id: id })
        const refusal = await ledger.api.refuse(transaction?.id ?? '', 'no')
        expect(refusal.code).toBe('in_atomic_batch')
      }
      gate.open()
      expect((await ended(id)).counts).toMatchObject({ posted: 2 })
    })

    it('are parked whole when the database refuses one of them, and spoil nothing else', async () => {
      const poison = randomUUID()
      await database.poison(poison)
      await gate.shut()
      const [before, bad, behind] = await Promise.all([
        queue('atomic', [top('1.00', { ordering_key: 'a' }), top('1.00')]),
        queue('atomic', [
          top('1.00', { ordering_key: poison }),
          top('1.00', { reference: poison }),
        ]),
        queue('independent', [top('1.00', { ordering_key: 'b' }), top('1.00')]),
      ])
      gate.open()
      expect((await ended(before.body.id)).counts.posted).toBe(2)
      expect((await ended(behind.body.id)).counts.posted).toBe(2)
      for (const id of idsOf(bad.body)) {
        await until('it is parked', async () => {
          const { queue: place } = (await ledger.api.transaction(id)).body
          return place?.parked
        })
      }
      expect(await balanceOf(ledger.api, people.alice)).toBe('4.00')

      await database.heal(poison)
      await ledger.api.resume(idsOf(bad.body)[1] ?? '')
      expect((await ended(bad.body.id)).counts.posted).toBe(2)
    })
  })

  describe('that are independent', () => {
    it('answer at once what is refused by itself, and queue the others', async () => {
      await gate.shut()
      const idempotency_key = randomUUID()
      const other = randomUUID()
      await ledger.api.postTransaction(top('1.00', { idempotency_key: other }))
      const accepted = await queue('independent', [
        top('0.001', { idempotency_key }),
        top('0.001'),
        top('2.00', { idempotency_key: other }),
        top('5.00'),
      ])
      expect(accepted.status).toBe(202)
      expect(statuses(accepted.body)).toEqual(['failed', 'failed', 'failed', 'queued'])
      expect(codes(accepted.body)).toEqual([
        'amount_scale',
        'amount_scale',
        'idempotency_key_reused',
        undefined,
      ])
      gate.open()
      const batch = await ended(accepted.body.id)
      expect(batch.counts).toMatchObject({ failed: 3, posted: 1, queued: 0 })
      expect(codes(batch)).toEqual(codes(accepted.body))
      const alone = await ledger.api.postTransaction(top('0.001', { idempotency_key }))
      expect(alone.problem['transaction_id']).toBe(idsOf(batch)[0])
    })

    it('end each for itself, in the order of their keys', async () => {
      const ordering_key = randomUUID()
      const members = [
        spend('6.00', { ordering_key }),
        top('5.00', { ordering_key }),
        spend('4.00', { ordering_key }),
        spend('2.00', { ordering_key }),
      ]
      const { id } = (await queue('independent', members)).body
      expect(statuses(await ended(id))).toEqual(['failed', 'posted', 'posted', 'failed'])
    })
  })

  it('has nothing under an id that is none, or not its own', async () => {
    expect((await ledger.api.batch(randomUUID())).code).toBe('not_found')
    expect((await ledger.api.batch('none')).code).toBe('not_found')
    expect((await ledger.api.cancelBatch(randomUUID())).code).toBe('not_found')
  })
})
