import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fund, open, openPeople, payment } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

describe.each(shapes)('changing accounts on $name', (shape) => {
  let ledger: Service
  beforeAll(async () => {
    ledger = await shape.start()
  })
  afterAll(() => ledger.close())

  describe('changing', () => {
    it('changes what is named and leaves the rest', async () => {
      const before = await open(ledger.api, {
        name: 'alice',
        code: randomUUID(),
        min_available: '0.00',
        metadata: { tier: 'gold', since: '2020' },
      })
      const renamed = await ledger.api.changeAccount(before.id, { name: 'alice the second' })
      expect(renamed.body).toEqual({ ...before, name: 'alice the second' })
      const lowered = await ledger.api.changeAccount(before.id, { min_available: '-12.34' })
      expect(lowered.body).toEqual({ ...renamed.body, min_available: '-12.34' })
      expect((await ledger.api.account(before.id)).body).toEqual(lowered.body)
    })

    it('replaces metadata as a whole, and null empties it', async () => {
      const { id } = await open(ledger.api, { metadata: { tier: 'gold', since: '2020' } })
      const changed = await ledger.api.changeAccount(id, { metadata: { tier: 'silver' } })
      expect(changed.body.metadata).toEqual({ tier: 'silver' })
      expect((await ledger.api.changeAccount(id, { metadata: null })).body.metadata).toEqual({})
    })

    it('takes a floor away with null', async () => {
      const { id } = await open(ledger.api, { min_available: '0.00' })
      const changed = await ledger.api.changeAccount(id, { min_available: null })
      expect(changed.body.min_available).toBeNull()
    })

    it('with nothing named changes nothing', async () => {
      const before = await open(ledger.api)
      expect((await ledger.api.changeAccount(before.id, {})).body).toEqual(before)
    })

    it.each(['currency', 'account_type', 'code', 'balance', 'id'])(
      'does not take %s',
      async (field) => {
        const { id } = await open(ledger.api)
        const { problem } = await ledger.api.patch(`/api/v1/accounts/${id}`, { [field]: 'EUR' })
        expect(problem).toMatchObject({ code: 'invalid_request', errors: [{ pointer: field }] })
      },
    )

    it('leaves the balance alone', async () => {
      const people = await openPeople(ledger.api)
      await fund(ledger.api, people, people.alice, '37.00')
      const changed = await ledger.api.changeAccount(people.alice, { name: 'alice', metadata: {} })
      expect(changed.body).toMatchObject({ balance: '37.00', available: '37.00', version: 1 })
    })
  })

  describe('freezing', () => {
    it('stops entries on either side until the account is active again', async () => {
      const people = await openPeople(ledger.api)
      await fund(ledger.api, people, people.alice, '10.00')
      const frozen = await ledger.api.changeAccount(people.alice, { status: 'frozen' })
      expect(frozen.body.status).toBe('frozen')

      const out = payment({ debit: people.alice, credit: people.bob, amount: '1.00' })
      const into = payment({ debit: people.cash, credit: people.alice, amount: '1.00' })
      expect((await ledger.api.postTransaction(out)).code).toBe('account_not_active')
      expect((await ledger.api.postTransaction(into)).code).toBe('account_not_active')

      await ledger.api.changeAccount(people.alice, { status: 'active' })
      expect((await ledger.api.postTransaction(out)).status).toBe(201)
      expect((await ledger.api.postTransaction(into)).status).toBe(201)
    })

    it('takes changes and a second freezing', async () => {
      const { id } = await open(ledger.api)
      await ledger.api.changeAccount(id, { status: 'frozen' })
      const again = await ledger.api.changeAccount(id, { status: 'frozen', name: 'still cold' })
      expect(again.body).toMatchObject({ status: 'frozen', name: 'still cold' })
    })
  })

  describe('closing', () => {
    it('is refused for the smallest balance and done for none', async () => {
      const people = await openPeople(ledger.api)
      await fund(ledger.api, people, people.alice, '0.01')
      const refused = await ledger.api.changeAccount(people.alice, { status: 'closed' })
      expect(refused.problem).toMatchObject({
        code: 'account_not_empty',
        balance: '0.01',
        available: '0.01',
      })
      expect((await ledger.api.account(people.alice)).body.status).toBe('active')

      const out = payment({ debit: people.alice, credit: people.bob, amount: '0.01' })
      await ledger.api.postTransaction(out)
      const closed = await ledger.api.changeAccount(people.alice, { status: 'closed' })
      expect(closed.body).toMatchObject({ status: 'closed', balance: '0.00', version: 2 })
    })

    it('is refused for a debt too', async () => {
      const { cash, alice } = await openPeople(ledger.api)
      const overdrawn = await open(ledger.api, { account_type: 'liability' })
      await ledger.api.postTransaction(
        payment({ debit: overdrawn.id, credit: alice, amount: '5.00' }),
      )
      const refused = await ledger.api.changeAccount(overdrawn.id, { status: 'closed' })
      expect(refused.problem).toMatchObject({ code: 'account_not_empty', balance: '-5.00' })
      expect((await ledger.api.changeAccount(cash, { status: 'closed' })).status).toBe(200)
    })

    it('is for good', async () => {
      const { id } = await open(ledger.api, { name: 'alice' })
      await ledger.api.changeAccount(id, { status: 'closed' })
      for (const change of [
        { status: 'active' },
        { status: 'frozen' },
        { status: 'closed' },
        { name: 'bob' },
        { min_available: '0.00' },
        { metadata: {} },
      ] as const) {
        expect((await ledger.api.changeAccount(id, change)).code).toBe('account_closed')
      }
      expect((await ledger.api.account(id)).body).toMatchObject({ status: 'closed', name: 'alice' })
    })

    it('stops entries and keeps the account readable', async () => {
      const people = await openPeople(ledger.api)
      await ledger.api.changeAccount(people.bob, { status: 'closed' })
      const into = payment({ debit: people.cash, credit: people.bob, amount: '1.00' })
      expect((await ledger.api.postTransaction(into)).problem).toMatchObject({
        code: 'account_not_active',
        account_id: people.bob,
        account_status: 'closed',
      })
      expect((await ledger.api.balance(people.bob)).body.balance).toBe('0.00')
      expect((await ledger.api.entries(people.bob)).body.items).toEqual([])
    })

    it('is possible from frozen', async () => {
      const { id } = await open(ledger.api)
      await ledger.api.changeAccount(id, { status: 'frozen' })
      expect((await ledger.api.changeAccount(id, { status: 'closed' })).body.status).toBe('closed')
    })

    it('and paying at once never leave money on a closed account', async () => {
      for (let round = 0; round < 10; round += 1) {
        const { alice, cash } = await openPeople(ledger.api)
        const into = payment({ debit: cash, credit: alice, amount: '1.00' })
        const [closed, paid] = await Promise.all([
          ledger.api.changeAccount(alice, { status: 'closed' }),
          ledger.api.postTransaction(into),
        ])
        const codes = [closed.code, paid.code]
        expect([
          ['ok', 'account_not_active'],
          ['account_not_empty', 'ok'],
        ]).toContainEqual(codes)
      }
    })
  })
})
