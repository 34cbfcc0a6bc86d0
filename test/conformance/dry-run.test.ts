import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { NewTransactionJson } from '../support/api-client.ts'
import { readBooks } from '../support/books.ts'
import { fund, openPeople, payment, type People } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'

describe.each(shapesOfBothStores)('a dry run on $name', (shape) => {
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start()
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '5.00')
  })
  afterAll(() => ledger.close())

  const spend = (amount: string, rest: Partial<NewTransactionJson> = {}) =>
    payment({ debit: people.alice, credit: people.bob, amount, ...rest })
  const unnamed = (transaction: object) => ({
    ...transaction,
    id: null,
    created_at: null,
    posted_at: null,
    effective_at: null,
    status_history: null,
  })

  it('says what the transaction would be and what it would leave, and then it is just that', async () => {
    const before = await readBooks(ledger.location)
    const dry = (await ledger.api.dryRun(spend('3.00', { reference: 'r' }))).body
    expect(await readBooks(ledger.location)).toEqual(before)
    expect((await ledger.api.transaction(dry.id)).code).toBe('not_found')

    const posted = (await ledger.api.postTransaction(spend('3.00', { reference: 'r' }))).body
    const { balances, dry_run, ...transaction } = dry
    expect(dry_run).toBe(true)
    expect(unnamed(transaction)).toEqual(unnamed(posted))
    expect(balances.map((balance) => ({ ...balance, as_of: null }))).toEqual(
      await Promise.all(
        [people.alice, people.bob].map(async (id) => ({
          ...(await ledger.api.balance(id)).body,
          as_of: null,
        })),
      ),
    )
  })

  it('of a hold says what would be set aside', async () => {
    const dry = (await ledger.api.dryRun(spend('3.00', { hold: { expires_in: 60 } }))).body
    expect(dry).toMatchObject({ status: 'held', hold: { remaining_amount: '3.00' } })
    expect(dry.balances[0]).toMatchObject({
      account_id: people.alice,
      balance: '5.00',
      held_debits: '3.00',
      available: '2.00',
    })
    expect((await ledger.api.balance(people.alice)).body.available).toBe('5.00')
  })

  it('is refused as the transaction would be, with or without a key, and uses none up', async () => {
    const idempotency_key = randomUUID()
    for (const member of [spend('5.01'), spend('5.01', { idempotency_key })]) {
      const { problem } = await ledger.api.dryRun(member)
      expect(problem).toMatchObject({ code: 'insufficient_funds', shortfall: '0.01' })
      expect(problem).not.toHaveProperty('transaction_id')
    }
    expect((await ledger.api.dryRun(spend('0.001', { idempotency_key }))).code).toBe('amount_scale')
    expect((await ledger.api.dryRun(spend('5.00', { idempotency_key }))).status).toBe(200)
    const posted = await ledger.api.postTransaction(spend('4.00', { idempotency_key }))
    expect([posted.status, posted.replayed]).toEqual([201, false])
  })

  it('under a key that is known is answered as its replay would be', async () => {
    const idempotency_key = randomUUID()
    const posted = await ledger.api.postTransaction(spend('5.00', { idempotency_key }))
    const again = await ledger.api.dryRun(spend('5.00', { idempotency_key }))
    expect([again.status, again.replayed, again.body]).toEqual([201, true, posted.body])
    const other = await ledger.api.dryRun(spend('1.00', { idempotency_key }))
    expect(other.problem).toMatchObject({ code: 'idempotency_key_reused' })
  })

  it('judges each as if it were alone, however many arrive at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => ledger.api.dryRun(spend('5.00'))),
    )
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]))
    expect((await ledger.api.balance(people.alice)).body.balance).toBe('5.00')
  })

  it('is a matter of the sync mode', async () => {
    const ask = (query: string) => ledger.api.post(`/api/v1/transactions?${query}`, spend('1.00'))
    expect((await ask('dry_run=true&mode=async')).problem).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer: 'query/dry_run' }],
    })
    expect((await ask('dry_run=yes')).problem.errors?.[0]?.pointer).toBe('query/dry_run')
    expect((await ask('dry_run=true&mode=sync')).status).toBe(200)
    expect((await ask('dry_run=false')).status).toBe(201)
  })
})
