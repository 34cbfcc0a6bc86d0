import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RefusalCode } from '../../shared/ledger/refusal.ts'
import type { NewTransactionJson } from '../support/api-client.ts'
import { merits } from '../support/merits.ts'
import { balanceOf, fund, openPeople, openWallet, payment } from '../support/people.ts'
import { shapesInBothModes, type Service } from '../support/service.ts'

type Entry = NewTransactionJson['entries'][number]

const debit = (account_id: string, amount: string): Entry => ({
  account_id,
  direction: 'debit',
  amount,
})
const credit = (account_id: string, amount: string): Entry => ({
  account_id,
  direction: 'credit',
  amount,
})
/** What a problem says about the answer rather than about the refusal. */
const ofThisAnswer = new Set(
  'type title status instance retryable errors transaction_id'.split(' '),
)
/** What takes effect at this very time is refused. */
const closedUntil = '2020-12-31T23:59:59.999Z'
const nines = (count: number) => '9'.repeat(count)
/** What needs accounts to be judged: an async request that breaks these is queued first. */
const needsAccounts = new Set<RefusalCode>([
  'expiry_out_of_range',
  'account_not_found',
  'account_not_active',
  'currency_mismatch',
  'condition_failed',
  'insufficient_funds',
])

describe.each(shapesInBothModes)('refusals on $name', (shape) => {
  let ledger: Service
  /** A wallet with 5.00, an account without a floor, one of each kind that refuses, and nobody. */
  const account = { alice: '', cash: '', frozen: '', closed: '', euro: '', ghost: randomUUID() }

  beforeAll(async () => {
    ledger = await shape.start()
    const people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '5.00')
    account.alice = people.alice
    account.cash = people.cash
    account.euro = (await openWallet(ledger.api, { name: 'euro', currency: 'EUR' })).id
    account.frozen = (await openWallet(ledger.api, { name: 'frozen' })).id
    account.closed = (await openWallet(ledger.api, { name: 'closed' })).id
    await ledger.api.changeAccount(account.frozen, { status: 'frozen' })
    await ledger.api.changeAccount(account.closed, { status: 'closed' })
    await ledger.api.changeLedger({ books_closed_until: closedUntil })
  })
  afterAll(() => ledger.close())

  const post = (transaction: NewTransactionJson) => ledger.api.postTransaction(transaction)
  const usd = (...entries: Entry[]): NewTransactionJson => ({ currency: 'USD', entries })

  /**
   * For each rule a request that breaks it in a late entry and as many later rules as can be in earlier ones: the
   * rule comes first, not the entry. In the public order.
   */
  const faults: Record<string, () => NewTransactionJson> = {
    currency_unknown: () => ({
      currency: 'NOPE',
      entries: [
        debit(account.ghost, '0.00'),
        credit(account.frozen, '1.0000000000000000000'),
        debit(account.alice, nines(60)),
      ],
    }),
    amount_not_positive: () =>
      usd(
        debit(account.ghost, '1.001'),
        credit(account.frozen, nines(37)),
        debit(account.euro, '0.00'),
      ),
    amount_scale: () =>
      usd(
        debit(account.ghost, nines(37)),
        credit(account.frozen, '1.00'),
        credit(account.euro, '0.001'),
      ),
    amount_too_large: () =>
      usd(
        debit(account.ghost, '1.00'),
        credit(account.frozen, '2.00'),
        credit(account.euro, nines(37)),
      ),
    unbalanced: () => usd(debit(account.ghost, '1.00'), credit(account.ghost, '1.01')),
    single_account: () => usd(debit(account.ghost, '1.00'), credit(account.ghost, '1.00')),
    books_closed: () => ({
      ...usd(debit(account.ghost, '1.00'), credit(account.frozen, '1.00')),
      effective_at: closedUntil,
    }),
    expiry_out_of_range: () => ({
      ...usd(debit(account.frozen, '1.00'), credit(account.ghost, '1.00')),
      hold: { expires_at: '2026-01-31T12:00:00Z' },
    }),
    account_not_found: () =>
      usd(
        debit(account.frozen, '1.00'),
        debit(account.alice, '6.00'),
        credit(account.euro, '6.00'),
        credit(account.ghost, '1.00'),
      ),
    account_not_active: () =>
      usd(
        debit(account.euro, '1.00'),
        debit(account.alice, '6.00'),
        credit(account.cash, '6.00'),
        credit(account.frozen, '1.00'),
      ),
    currency_mismatch: () =>
      usd(debit(account.alice, '6.00'), credit(account.cash, '5.00'), credit(account.euro, '1.00')),
    condition_failed: () => ({
      ...usd(debit(account.alice, '6.00'), credit(account.cash, '6.00')),
      require: [{ account_id: account.alice, version: 7 }],
    }),
    insufficient_funds: () => usd(debit(account.alice, '6.00'), credit(account.cash, '6.00')),
  }

  it('there is one for each code of the public order', () => {
    expect(Object.keys(faults)).toEqual(merits)
  })

  describe.each(merits)('%s', (code) => {
    const faulty = () => faults[code]?.() ?? usd()
    const queuedFirst = shape.mode === 'async' && needsAccounts.has(code)

    it('comes before all later rules, whichever entry breaks it', async () => {
      expect((await post(faulty())).problem).toMatchObject({ code, status: 422 })
    })

    it('without a key leaves no trace, unless it was accepted first', async () => {
      const reference = randomUUID()
      const { problem } = await post({ ...faulty(), reference })
      if (queuedFirst) {
        const [kept] = (await ledger.api.transactions({ reference })).body.items
        expect(kept).toMatchObject({ status: 'failed', failure: { code } })
        expect(problem).toMatchObject({ transaction_id: kept?.id })
        return
      }
      expect(problem).not.toHaveProperty('transaction_id')
      expect((await ledger.api.transactions({ reference })).body.items).toEqual([])
    })

    it('with a key is kept as a failed transaction that says why', async () => {
      const transaction = { ...faulty(), idempotency_key: randomUUID(), reference: randomUUID() }
      const { problem } = await post(transaction)
      expect(problem.code).toBe(code)
      const { transaction_id: id } = problem as unknown as { transaction_id: string }

      const failure = Object.entries(problem).filter(([name]) => !ofThisAnswer.has(name))
      const kept = (await ledger.api.transaction(id)).body
      expect(kept).toMatchObject({
        id,
        status: 'failed',
        posted_at: null,
        currency: transaction.currency,
        idempotency_key: transaction.idempotency_key,
        failure: Object.fromEntries(failure),
      })
      expect(kept.entries.map(({ account_id, direction }) => [account_id, direction])).toEqual(
        transaction.entries.map(({ account_id, direction }) => [account_id, direction]),
      )
      expect(kept.status_history.map((step) => step.status)).toEqual(
        queuedFirst ? ['queued', 'failed'] : ['failed'],
      )
      const { reference } = transaction
      expect((await ledger.api.transactions({ reference })).body.items).toEqual([kept])
    })

    it('moves nothing', async () => {
      await post(faulty())
      await post({ ...faulty(), idempotency_key: randomUUID() })
      expect((await ledger.api.account(account.alice)).body).toMatchObject({
        balance: '5.00',
        version: 1,
      })
      expect(await balanceOf(ledger.api, account.frozen)).toBe('0.00')
    })
  })

  it('the form of a request comes before all of them', async () => {
    const one = { currency: 'NOPE', entries: [debit(account.ghost, '0.00')] }
    expect((await post(one)).problem).toMatchObject({ code: 'invalid_request', status: 400 })
    expect((await post({ currency: 'NOPE', entries: [] })).code).toBe('invalid_request')
  })

  it('a key that is known comes before all of them', async () => {
    const { alice, cash } = account
    const idempotency_key = randomUUID()
    await post(payment({ debit: cash, credit: alice, amount: '1.00', idempotency_key }))
    await post(payment({ debit: alice, credit: cash, amount: '1.00' }))
    for (const code of merits) {
      const faulty = faults[code]?.() ?? usd()
      expect((await post({ ...faulty, idempotency_key })).code).toBe('idempotency_key_reused')
    }
    // Back to 5.00 at version 1 for the others: not possible, so a new alice.
    const people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '5.00')
    account.alice = people.alice
  })

  describe('say precisely what is wrong', () => {
    it.each([
      ['amount_not_positive', '0.00'],
      ['amount_scale', '1.001'],
      ['amount_too_large', nines(37)],
    ])('%s points at the entry', async (code, amount) => {
      const { problem } = await post(
        usd(
          debit(account.cash, '1.00'),
          credit(account.alice, '1.00'),
          debit(account.cash, amount),
        ),
      )
      expect(problem).toMatchObject({
        code,
        position: 2,
        errors: [{ pointer: 'entries/2/amount' }],
      })
    })

    it('unbalanced tells both sums', async () => {
      const { problem } = await post(
        usd(debit(account.cash, '1.00'), debit(account.cash, '2'), credit(account.alice, '2.99')),
      )
      expect(problem).toMatchObject({ code: 'unbalanced', debits: '3.00', credits: '2.99' })
    })

    it('single_account, account_not_found and currency_mismatch name the account', async () => {
      const { alice, cash, euro, ghost } = account
      expect((await post(usd(debit(alice, '1.00'), credit(alice, '1.00')))).problem).toMatchObject({
        code: 'single_account',
        account_id: alice,
      })
      expect((await post(usd(debit(cash, '1.00'), credit(ghost, '1.00')))).problem).toMatchObject({
        code: 'account_not_found',
        account_id: ghost,
      })
      expect((await post(usd(debit(cash, '1.00'), credit(euro, '1.00')))).problem).toMatchObject({
        code: 'currency_mismatch',
        account_id: euro,
        currency: 'EUR',
      })
    })

    it.each(['frozen', 'closed'] as const)('account_not_active says %s', async (status) => {
      const { problem } = await post(
        usd(debit(account.cash, '1.00'), credit(account[status], '1.00')),
      )
      expect(problem).toMatchObject({
        code: 'account_not_active',
        status: 422,
        account_id: account[status],
        account_status: status,
      })
    })

    it('insufficient_funds tells what there is, what was asked and what is missing', async () => {
      const { problem } = await post(
        usd(debit(account.alice, '6.50'), credit(account.cash, '6.50')),
      )
      expect(problem).toMatchObject({
        code: 'insufficient_funds',
        account_id: account.alice,
        available: '5.00',
        required: '6.50',
        shortfall: '1.50',
        version: 1,
      })
    })
  })

  describe('stand at the edge of what is allowed', () => {
    it('amounts: 0.01 is positive, 0.00 is not', async () => {
      const people = await openPeople(ledger.api)
      const pay = (amount: string) =>
        post(payment({ debit: people.cash, credit: people.alice, amount }))
      expect((await pay('0.01')).code).toBe('ok')
      expect((await pay('0.00')).code).toBe('amount_not_positive')
      expect((await pay('0')).code).toBe('amount_not_positive')
    })

    it.each([
      ['USD', '1.99', '1.990'],
      ['JPY', '1', '1.0'],
      ['BHD', '1.999', '1.9990'],
    ])('amounts in %s: %s has the scale, %s has not', async (currency, allowed, refused) => {
      const people = await openPeople(ledger.api, currency)
      const pay = (amount: string) =>
        post(payment({ debit: people.cash, credit: people.alice, amount, currency }))
      expect((await pay(allowed)).code).toBe('ok')
      expect((await pay(refused)).code).toBe('amount_scale')
    })

    it('amounts: 38 digits are taken, 39 are not', async () => {
      const people = await openPeople(ledger.api)
      const pay = (amount: string) =>
        post(payment({ debit: people.cash, credit: people.alice, amount }))
      expect((await pay(`1${'0'.repeat(36)}`)).code).toBe('amount_too_large')
      expect((await pay(nines(36))).code).toBe('ok')
    })

    it('sums: 38 digits are taken, 39 are not, even when each amount fits', async () => {
      const { alice, bob, cash } = await openPeople(ledger.api)
      const half = `4${nines(35)}.99`
      const over = `${nines(36)}.99`
      expect(
        (await post(usd(debit(cash, over), debit(cash, '0.01'), credit(alice, over)))).code,
      ).toBe('amount_too_large')
      const fits = usd(debit(cash, half), debit(cash, half), credit(alice, half), credit(bob, half))
      expect((await post(fits)).code).toBe('ok')
    })

    it('sides: one cent apart is unbalanced, and so is a side that is missing', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      expect((await post(usd(debit(cash, '1.00'), credit(alice, '1.00')))).code).toBe('ok')
      expect((await post(usd(debit(cash, '1.00'), credit(alice, '1.01')))).code).toBe('unbalanced')
      expect((await post(usd(debit(cash, '1.00'), debit(alice, '1.00')))).code).toBe('unbalanced')
    })

    it('accounts: two are enough, one is not', async () => {
      const { alice, cash } = await openPeople(ledger.api)
      const both = usd(debit(cash, '1.00'), credit(cash, '0.50'), credit(alice, '0.50'))
      expect((await post(both)).code).toBe('ok')
      const one = usd(debit(cash, '1.00'), credit(cash, '0.50'), credit(cash, '0.50'))
      expect((await post(one)).code).toBe('single_account')
    })

    it('of two entries that break one rule the first is told', async () => {
      const [one, two] = [randomUUID(), randomUUID()]
      const { problem } = await post(usd(debit(two, '1.00'), credit(one, '1.00')))
      expect(problem).toMatchObject({ code: 'account_not_found', account_id: two })
    })
  })
})
