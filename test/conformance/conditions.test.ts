import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NewTransactionJson } from '../support/api-client.ts'
import { balanceOf, fund, openPeople, openWallet, payment, type People } from '../support/people.ts'
import { shapesInBothModes, type Service } from '../support/service.ts'

type Condition = NonNullable<NewTransactionJson['require']>[number]

describe.each(shapesInBothModes)('conditions on $name', (shape) => {
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start()
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '10.00')
  })
  afterAll(() => ledger.close())

  /** A payment of 1.00 from cash to bob, which has nothing to do with alice's 10.00 at version 1. */
  const payIf = (...require: Condition[]) =>
    ledger.api.postTransaction(
      payment({ debit: people.cash, credit: people.bob, amount: '1.00', require }),
    )
  const ifAlice = (condition: Omit<Condition, 'account_id'>) =>
    payIf({ account_id: people.alice, ...condition })

  it.each(['10.00', '10', '10.0', '9.999', '0', '-0.01', '10.0000000000000000000'])(
    'let it through when at least %s is available',
    async (gte) => {
      expect((await ifAlice({ available: { gte } })).code).toBe('ok')
    },
  )

  it.each(['10.01', '10.001', '10.0000000000000000001', '9'.repeat(38)])(
    'refuse it when not at least %s is available',
    async (gte) => {
      const { problem } = await ifAlice({ available: { gte } })
      expect(problem).toMatchObject({
        code: 'condition_failed',
        status: 422,
        account_id: people.alice,
        condition: 'available',
        actual: '10.00',
        position: 0,
        errors: [{ pointer: 'require/0' }],
      })
      expect(await balanceOf(ledger.api, people.bob)).toBe('0.00')
    },
  )

  it('let it through at the version asked for, and at no other', async () => {
    expect((await ifAlice({ version: 1 })).code).toBe('ok')
    for (const version of [0, 2]) {
      expect((await ifAlice({ version })).problem).toMatchObject({
        code: 'condition_failed',
        condition: 'version',
        actual: 1,
      })
    }
  })

  it('must all hold; of several that do not the first is told', async () => {
    const { problem } = await payIf(
      { account_id: people.alice, version: 1 },
      { account_id: people.bob, available: { gte: '0' }, version: 7 },
      { account_id: people.alice, available: { gte: '11' } },
    )
    expect(problem).toMatchObject({ position: 1, account_id: people.bob, condition: 'version' })
    const both = await ifAlice({ available: { gte: '10.01' }, version: 2 })
    expect(both.problem).toMatchObject({ condition: 'available' })
  })

  it('count what outgoing holds have set aside', async () => {
    const held = await ledger.api.postTransaction(
      payment({
        debit: people.alice,
        credit: people.bob,
        amount: '4.00',
        hold: { expires_in: 3600 },
      }),
    )
    expect(held.body.status).toBe('held')
    expect((await ifAlice({ available: { gte: '6.00' }, version: 1 })).code).toBe('ok')
    expect((await ifAlice({ available: { gte: '6.01' } })).problem).toMatchObject({
      actual: '6.00',
    })
  })

  it('of an account below nothing compare below nothing', async () => {
    const credit = await openWallet(ledger.api, { min_available: '-5.00' })
    await ledger.api.postTransaction(
      payment({ debit: credit.id, credit: people.bob, amount: '5.00' }),
    )
    const ifCredit = (gte: string) => payIf({ account_id: credit.id, available: { gte } })
    expect((await ifCredit('-5.00')).code).toBe('ok')
    expect((await ifCredit('-4.99')).problem).toMatchObject({ actual: '-5.00' })
  })

  it('may be on a frozen account, and on none that does not exist', async () => {
    await ledger.api.changeAccount(people.alice, { status: 'frozen' })
    expect((await ifAlice({ version: 1 })).code).toBe('ok')
    const ghost = randomUUID()
    expect((await payIf({ account_id: ghost, version: 0 })).problem).toMatchObject({
      code: 'account_not_found',
      account_id: ghost,
    })
  })

  it('hold for a hold as for a payment', async () => {
    const hold = (version: number) =>
      ledger.api.postTransaction(
        payment({
          debit: people.cash,
          credit: people.bob,
          amount: '1.00',
          hold: { expires_in: 60 },
          require: [{ account_id: people.alice, version }],
        }),
      )
    expect((await hold(1)).body.status).toBe('held')
    expect((await hold(2)).code).toBe('condition_failed')
  })

  it('are a part of the wish that a key stands for', async () => {
    const idempotency_key = randomUUID()
    const pay = (gte: string | null) =>
      ledger.api.postTransaction({
        ...payment({ debit: people.cash, credit: people.bob, amount: '1.00', idempotency_key }),
        require: gte === null ? null : [{ account_id: people.alice, available: { gte } }],
      })
    const first = await pay('10.01')
    expect(first.code).toBe('condition_failed')
    await fund(ledger.api, people, people.alice, '1.00')
    const again = await pay('10.010')
    expect([again.replayed, again.problem]).toEqual([true, first.problem])
    expect((await pay('10.02')).problem).toMatchObject({
      code: 'idempotency_key_reused',
      differing_fields: ['require'],
    })
    expect((await pay(null)).problem).toMatchObject({ differing_fields: ['require'] })
  })

  it('let one of twenty through that ask for the same version', async () => {
    const spend = payment({
      debit: people.alice,
      credit: people.bob,
      amount: '1.00',
      require: [{ account_id: people.alice, version: 1 }],
    })
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ledger.api.postTransaction(spend)),
    )
    const codes = answers.map(({ code }) => code).toSorted()
    expect(codes).toEqual([...Array.from({ length: 19 }, () => 'condition_failed'), 'ok'])
    expect(await balanceOf(ledger.api, people.alice)).toBe('9.00')
  })

  describe('an override of limits', () => {
    const override = { limits: true, reason: 'A chargeback, agreed with alice.' } as const
    /** 25.00 of alice's 10.00. */
    const tooMuch = (rest: Partial<NewTransactionJson> = {}) =>
      payment({ debit: people.alice, credit: people.bob, amount: '25.00', ...rest })

    it('posts below the floor, and the transaction says so for good', async () => {
      expect((await ledger.api.postTransaction(tooMuch())).code).toBe('insufficient_funds')
      const { body } = await ledger.api.postTransaction(tooMuch({ override }))

      expect(body).toMatchObject({ status: 'posted', override })
      expect((await ledger.api.transaction(body.id)).body).toMatchObject({ override })
      expect(await balanceOf(ledger.api, people.alice)).toBe('-15.00')
      expect((await ledger.api.postTransaction(tooMuch())).code).toBe('insufficient_funds')
    })

    it('holds below the floor; the capture cannot fail for it', async () => {
      const wish = tooMuch({ override, hold: { expires_in: 60 } })
      const { body } = await ledger.api.postTransaction(wish)

      expect(body).toMatchObject({ status: 'held', override })
      expect((await ledger.api.capture(body.id)).body.status).toBe('posted')
    })

    it('may be tried first, and given to single members of a batch', async () => {
      const dry = await ledger.api.dryRun(tooMuch({ override }))
      const batch = await ledger.api.postBatch({
        mode: 'independent',
        transactions: [tooMuch({ override }), tooMuch()],
      })

      expect(dry.body).toMatchObject({ status: 'posted', override })
      expect(batch.body.items.map(({ status }) => status)).toEqual(['posted', 'failed'])
    })

    it('breaks no other rule', async () => {
      const euros = await openWallet(ledger.api, { currency: 'EUR' })
      const frozen = await openWallet(ledger.api)
      await ledger.api.changeAccount(frozen.id, { status: 'frozen' })
      const to = (credit: string) =>
        ledger.api.postTransaction(
          payment({ debit: people.alice, credit, amount: '25.00', override }),
        )
      const unmet = [{ account_id: people.alice, available: { gte: '25.00' } }]
      const conditional = tooMuch({ override, require: unmet })

      expect((await to(euros.id)).code).toBe('currency_mismatch')
      expect((await to(frozen.id)).code).toBe('account_not_active')
      expect((await to(randomUUID())).code).toBe('account_not_found')
      expect((await ledger.api.postTransaction(conditional)).code).toBe('condition_failed')
    })

    it('is a part of the wish that a key stands for', async () => {
      const key = { idempotency_key: randomUUID() }
      const first = await ledger.api.postTransaction(tooMuch({ ...key, override }))
      const again = await ledger.api.postTransaction(tooMuch({ ...key, override }))
      const other = { ...override, reason: 'Another.' }

      expect([again.replayed, again.body.id]).toEqual([true, first.body.id])
      for (const changed of [null, other]) {
        const answer = await ledger.api.postTransaction(tooMuch({ ...key, override: changed }))
        expect(answer.problem).toMatchObject({
          code: 'idempotency_key_reused',
          differing_fields: ['override'],
        })
      }
    })

    it.each([{}, { limits: true }, { limits: false, reason: 'x' }, { ...override, status: true }])(
      'says that it is one of limits, and why: %j is refused',
      async (bad) => {
        const body = { ...tooMuch(), override: bad }
        expect((await ledger.api.post('/api/v1/transactions', body)).status).toBe(400)
      },
    )
  })
})
