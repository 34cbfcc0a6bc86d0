import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AccountEntryJson, Query } from '../support/api-client.ts'
import { fund, openPeople, payment } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

describe.each(shapes)('the history of an account on $name', (shape) => {
  let ledger: Service
  beforeAll(async () => {
    ledger = await shape.start()
  })
  afterAll(() => ledger.close())

  /** The instant `ms` milliseconds after another. */
  const after = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString()

  describe('entries', () => {
    it('say which transaction and which place in it they come from', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const { body } = await ledger.api.postTransaction(
        payment({ debit: cash, credit: alice, amount: '12.50' }),
      )
      expect((await ledger.api.entries(alice)).body).toEqual({
        items: [
          {
            account_id: alice,
            account_version: 1,
            transaction_id: body.id,
            position: 1,
            direction: 'credit',
            amount: '12.50',
            balance_after: '12.50',
            posted_at: body.posted_at,
            effective_at: body.posted_at,
          },
        ],
        next_cursor: null,
      })
    })

    it('are none before the first payment', async () => {
      const { alice } = await openPeople(ledger.api)
      expect((await ledger.api.entries(alice)).body).toEqual({ items: [], next_cursor: null })
    })

    it('have no gaps and never go back in time', async () => {
      const people = await openPeople(ledger.api)
      await Promise.all(
        Array.from({ length: 60 }, () => fund(ledger.api, people, people.alice, '0.01')),
      )
      const { items } = (await ledger.api.entries(people.alice, { limit: 200 })).body
      const oldestFirst = items.toReversed()
      expect(oldestFirst.map((entry) => entry.account_version)).toEqual(
        Array.from({ length: 60 }, (_, index) => index + 1),
      )
      const times = oldestFirst.map((entry) => entry.posted_at)
      expect(times).toEqual(times.toSorted())
    })
  })

  describe('the balance at a time', () => {
    it('is nothing before the first entry and the present one from the last on', async () => {
      const people = await openPeople(ledger.api)
      await fund(ledger.api, people, people.alice, '37.00')
      const [entry] = (await ledger.api.entries(people.alice)).body.items as [AccountEntryJson]

      const before = after(entry.posted_at, -1)
      expect((await ledger.api.balance(people.alice, { at: before })).body).toMatchObject({
        balance: '0.00',
        debits: '0.00',
        credits: '0.00',
        available: '0.00',
        version: 0,
        as_of: before,
      })
      for (const at of [entry.posted_at, after(entry.posted_at, 1)]) {
        expect((await ledger.api.balance(people.alice, { at })).body).toMatchObject({
          balance: '37.00',
          credits: '37.00',
          version: 1,
        })
      }
    })

    it('is the one after the last entry at or before it, at every moment', async () => {
      const people = await openPeople(ledger.api)
      const { alice, bob, cash } = people
      for (let round = 1; round <= 12; round += 1) {
        await fund(ledger.api, people, alice, `${round}.00`)
        await ledger.api.postTransaction(payment({ debit: alice, credit: bob, amount: '0.50' }))
      }
      for (const account of [alice, cash]) {
        const { items } = (await ledger.api.entries(account, { limit: 200 })).body
        const times = new Set(items.flatMap(({ posted_at: at }) => [after(at, -1), at]))
        for (const at of times) {
          const last = items.find((entry) => entry.posted_at <= at)
          const { body } = await ledger.api.balance(account, { at })
          expect([at, body.version, body.balance]).toEqual([
            at,
            last?.account_version ?? 0,
            last?.balance_after ?? '0.00',
          ])
          const [grown, shrunk] =
            account === alice ? [body.credits, body.debits] : [body.debits, body.credits]
          expect(Number(body.balance)).toBeCloseTo(Number(grown) - Number(shrunk), 2)
        }
      }
    })

    it('is the present one for now and for the future', async () => {
      const people = await openPeople(ledger.api)
      await fund(ledger.api, people, people.alice, '1.00')
      const { body } = await ledger.api.balance(people.alice, { at: '9999-12-31T23:59:59.999Z' })
      expect(body).toMatchObject({ balance: '1.00', version: 1 })
      expect(Date.parse(body.as_of)).toBeLessThanOrEqual(Date.now())
    })

    it('goes by the time of posting, not by effective_at', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const effective_at = '2001-01-01T00:00:00Z'
      await ledger.api.postTransaction(
        payment({ debit: cash, credit: alice, amount: '1.00', effective_at }),
      )
      const then = await ledger.api.balance(alice, { at: '2002-01-01T00:00:00Z' })
      expect(then.body).toMatchObject({ balance: '0.00', version: 0 })
    })

    it('says which axis it is on', async () => {
      const { alice } = await openPeople(ledger.api)
      const at = '2026-01-01T00:00:00Z'
      const axisOf = async (query: Query) => (await ledger.api.balance(alice, query)).body.axis
      expect(await axisOf({})).toBe('posted')
      expect(await axisOf({ at })).toBe('posted')
      expect(await axisOf({ at, axis: 'effective' })).toBe('effective')
    })

    it('takes any zone', async () => {
      const { alice } = await openPeople(ledger.api)
      const { body } = await ledger.api.balance(alice, { at: '2026-01-31T12:00:00+02:00' })
      expect(body.as_of).toBe('2026-01-31T10:00:00.000Z')
    })

    it.each(['2026-01-31', 'yesterday', '', '2026-01-31T12:00:00', '2026-13-01T00:00:00Z'])(
      'is refused for "%s"',
      async (at) => {
        const { alice } = await openPeople(ledger.api)
        expect((await ledger.api.balance(alice, { at })).problem).toMatchObject({
          code: 'invalid_request',
          errors: [{ pointer: 'query/at' }],
        })
      },
    )
  })
})
