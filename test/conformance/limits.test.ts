import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountTypes, normalSides } from '../../shared/ledger/account.ts'
import type { NewTransactionJson } from '../support/api-client.ts'
import { balanceOf, fund, open, openPeople, openWallet, payment } from '../support/people.ts'
import { shapesInBothModes, type Service } from '../support/service.ts'

describe.each(shapesInBothModes)('limits on $name', (shape) => {
  let ledger: Service
  beforeAll(async () => {
    ledger = await shape.start()
  })
  afterAll(() => ledger.close())

  const post = (transaction: NewTransactionJson) => ledger.api.postTransaction(transaction)

  /** Money into `account` (or out of it), from a new account without a floor. */
  async function move(account: { id: string }, way: 'in' | 'out', amount: string) {
    const { normal_side } = (await ledger.api.account(account.id)).body
    const other = await open(ledger.api, { name: 'other' })
    const grows = (normal_side === 'debit') === (way === 'in')
    return post(
      payment(
        grows
          ? { debit: account.id, credit: other.id, amount }
          : { debit: other.id, credit: account.id, amount },
      ),
    )
  }

  describe.each(accountTypes)('of an account of type %s', (account_type) => {
    it('let it go down to its floor and not one cent below', async () => {
      const limited = await open(ledger.api, { account_type, min_available: '0.00' })
      await move(limited, 'in', '10.00')
      expect((await move(limited, 'out', '10.01')).problem).toMatchObject({
        code: 'insufficient_funds',
        account_id: limited.id,
        available: '10.00',
        required: '10.01',
        shortfall: '0.01',
      })
      expect((await move(limited, 'out', '10.00')).code).toBe('ok')
      expect((await move(limited, 'out', '0.01')).problem).toMatchObject({
        code: 'insufficient_funds',
        available: '0.00',
        shortfall: '0.01',
      })
    })

    it('let it use its credit line and not one cent more', async () => {
      const limited = await open(ledger.api, { account_type, min_available: '-500.00' })
      expect((await move(limited, 'out', '500.01')).code).toBe('insufficient_funds')
      expect((await move(limited, 'out', '500.00')).code).toBe('ok')
      expect(await balanceOf(ledger.api, limited.id)).toBe('-500.00')
      expect((await move(limited, 'out', '0.01')).problem).toMatchObject({
        code: 'insufficient_funds',
        available: '-500.00',
        shortfall: '0.01',
      })
    })

    it('without a floor let it go as deep as it likes', async () => {
      const free = await open(ledger.api, { account_type })
      expect((await move(free, 'out', '1000000.00')).code).toBe('ok')
      expect(await balanceOf(ledger.api, free.id)).toBe('-1000000.00')
    })

    it(`never refuse money on its ${normalSides[account_type]} side`, async () => {
      const limited = await open(ledger.api, { account_type, min_available: '100.00' })
      expect((await move(limited, 'in', '0.01')).code).toBe('ok')
      expect(await balanceOf(ledger.api, limited.id)).toBe('0.01')
    })
  })

  it('keep a reserve when the floor is above zero', async () => {
    const reserve = await openWallet(ledger.api, { min_available: '25.00' })
    await move(reserve, 'in', '30.00')
    expect((await move(reserve, 'out', '5.01')).problem).toMatchObject({ shortfall: '0.01' })
    expect((await move(reserve, 'out', '5.00')).code).toBe('ok')
  })

  it('judge a transaction by what it leaves, not by its steps', async () => {
    const { alice, bob, cash } = await openPeople(ledger.api)
    // Alice has nothing; midway she is at -100.00, at the end at 0.00.
    const through = await post({
      currency: 'USD',
      entries: [
        { account_id: alice, direction: 'debit', amount: '100.00' },
        { account_id: bob, direction: 'credit', amount: '100.00' },
        { account_id: alice, direction: 'credit', amount: '100.00' },
        { account_id: cash, direction: 'debit', amount: '100.00' },
      ],
    })
    expect(through.body.entries.map((entry) => entry.balance_after)).toEqual([
      '-100.00',
      '100.00',
      '0.00',
      '100.00',
    ])

    const oneCentMore = await post({
      currency: 'USD',
      entries: [
        { account_id: alice, direction: 'credit', amount: '100.00' },
        { account_id: cash, direction: 'debit', amount: '100.00' },
        { account_id: alice, direction: 'debit', amount: '100.01' },
        { account_id: bob, direction: 'credit', amount: '100.01' },
      ],
    })
    expect(oneCentMore.problem).toMatchObject({
      code: 'insufficient_funds',
      account_id: alice,
      available: '0.00',
      required: '0.01',
      shortfall: '0.01',
    })
  })

  it('take effect when the floor is changed', async () => {
    const people = await openPeople(ledger.api)
    const out = payment({ debit: people.alice, credit: people.bob, amount: '1.00' })
    expect((await post(out)).code).toBe('insufficient_funds')
    await ledger.api.changeAccount(people.alice, { min_available: '-1.00' })
    expect((await post(out)).code).toBe('ok')
    expect((await post(out)).code).toBe('insufficient_funds')
    await ledger.api.changeAccount(people.alice, { min_available: null })
    expect((await post(out)).code).toBe('ok')
  })

  describe('of an account that is below its floor already', () => {
    it('let money in, also when it stays below, and none out', async () => {
      const people = await openPeople(ledger.api)
      await fund(ledger.api, people, people.alice, '10.00')
      await ledger.api.changeAccount(people.alice, { min_available: '50.00' })

      const pay = (debit: string, credit: string, amount: string) =>
        post(payment({ debit, credit, amount }))
      expect((await pay(people.alice, people.bob, '0.01')).problem).toMatchObject({
        code: 'insufficient_funds',
        available: '10.00',
        required: '0.01',
        shortfall: '40.01',
      })
      expect((await pay(people.cash, people.alice, '5.00')).code).toBe('ok')
      expect(await balanceOf(ledger.api, people.alice)).toBe('15.00')
    })

    it('let a transaction through that leaves it no worse', async () => {
      const { alice, bob, cash } = await openPeople(ledger.api)
      await fund(ledger.api, { cash }, alice, '10.00')
      await ledger.api.changeAccount(alice, { min_available: '50.00' })
      const swap = (received: string) =>
        post({
          currency: 'USD',
          entries: [
            { account_id: alice, direction: 'debit', amount: '3.00' },
            { account_id: bob, direction: 'credit', amount: '3.00' },
            { account_id: cash, direction: 'debit', amount: received },
            { account_id: alice, direction: 'credit', amount: received },
          ],
        })
      expect((await swap('3.00')).code).toBe('ok')
      expect((await swap('2.99')).code).toBe('insufficient_funds')
    })
  })

  it('name the first account that is short, in the order of the entries', async () => {
    const { alice, bob, cash } = await openPeople(ledger.api)
    const both = await post({
      currency: 'USD',
      entries: [
        { account_id: cash, direction: 'credit', amount: '3.00' },
        { account_id: bob, direction: 'debit', amount: '1.00' },
        { account_id: alice, direction: 'debit', amount: '2.00' },
      ],
    })
    expect(both.problem).toMatchObject({ code: 'insufficient_funds', account_id: bob })
  })

  it('of one wallet hold against twenty who spend it at once', async () => {
    const people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '7.00')
    const out = payment({ debit: people.alice, credit: people.bob, amount: '1.00' })
    const answers = await Promise.all(Array.from({ length: 20 }, () => post(out)))
    const count = (code: string) => answers.filter((answer) => answer.code === code).length
    expect([count('ok'), count('insufficient_funds')]).toEqual([7, 13])
    expect(await balanceOf(ledger.api, people.alice)).toBe('0.00')
  })
})
