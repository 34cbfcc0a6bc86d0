import { randomUUID } from 'node:crypto'
import type { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import type { NewTransactionJson } from '../support/api-client.ts'
import { faultsOf, readBooks } from '../support/books.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { corrupting, poison } from '../support/faulty-stores.ts'
import { balanceOf, fund, open, openPeople, openWallet, payment } from '../support/people.ts'
import { postgres, startService, type Service } from '../support/service.ts'

const times = <Value>(count: number, make: (index: number) => Value) =>
  Array.from({ length: count }, (_, index) => make(index))

/** Two API services, each with connections and caches of its own, over one Postgres. */
describe('two services on one Postgres', () => {
  let one: Service
  let two: Service
  beforeAll(async () => {
    one = await startService(await postgres())
    two = await one.another()
  })
  afterAll(async () => {
    await two.close()
    await one.close()
  })

  const either = (index: number) => (index % 2 === 0 ? one : two).api

  it('let 200 withdraw 1.00 from 37.00 at once: 37 get it and 163 do not', async () => {
    const people = await openPeople(one.api)
    await fund(one.api, people, people.alice, '37.00')
    const withdrawal = payment({ debit: people.alice, credit: people.cash, amount: '1.00' })
    const answers = await Promise.all(
      times(200, (index) => either(index).postTransaction(withdrawal)),
    )
    const count = (code: string) => answers.filter((answer) => answer.code === code).length
    expect([count('ok'), count('insufficient_funds')]).toEqual([37, 163])
    expect(await balanceOf(two.api, people.alice)).toBe('0.00')
    expect((await two.api.account(people.alice)).body.version).toBe(38)
  })

  it('let all 200 withdraw when there is no floor: the test above can fail', async () => {
    const people = await openPeople(one.api)
    await fund(one.api, people, people.alice, '37.00')
    await one.api.changeAccount(people.alice, { min_available: null })
    const withdrawal = payment({ debit: people.alice, credit: people.cash, amount: '1.00' })
    const answers = await Promise.all(
      times(200, (index) => either(index).postTransaction(withdrawal)),
    )
    expect(answers.filter((answer) => answer.code === 'ok')).toHaveLength(200)
    expect(await balanceOf(two.api, people.alice)).toBe('-163.00')
  })

  it('post fifty copies of one keyed request once, with fifty equal answers', async () => {
    const { alice, cash } = await openPeople(one.api)
    const request = payment({
      debit: cash,
      credit: alice,
      amount: '1.00',
      idempotency_key: randomUUID(),
    })
    const answers = await Promise.all(times(50, (index) => either(index).postTransaction(request)))
    for (const answer of answers) {
      expect(answer.status).toBe(201)
      expect(answer.body).toEqual(answers[0]?.body)
    }
    expect(answers.filter((answer) => !answer.replayed)).toHaveLength(1)
    expect((await one.api.entries(alice)).body.items).toHaveLength(1)
  })

  it('post fifty copies without a key fifty times: the test above can fail', async () => {
    const { alice, cash } = await openPeople(one.api)
    const request = payment({ debit: cash, credit: alice, amount: '1.00' })
    await Promise.all(times(50, (index) => either(index).postTransaction(request)))
    expect(await balanceOf(two.api, alice)).toBe('50.00')
  })

  it('keep one refusal of fifty copies that no account lock puts in order', async () => {
    const { alice, cash } = await openPeople(one.api)
    const reference = randomUUID()
    const unbalanced: NewTransactionJson = {
      currency: 'USD',
      reference,
      idempotency_key: randomUUID(),
      entries: [
        { account_id: cash, direction: 'debit', amount: '1.00' },
        { account_id: alice, direction: 'credit', amount: '2.00' },
      ],
    }
    const answers = await Promise.all(
      times(50, (index) => either(index).postTransaction(unbalanced)),
    )
    for (const answer of answers) {
      expect(answer.code).toBe('unbalanced')
      expect(answer.problem).toEqual(answers[0]?.problem)
    }
    expect((await two.api.transactions({ reference })).body.items).toHaveLength(1)
  })

  it('give one key two bodies: one is posted and the other told so', async () => {
    const { alice, cash } = await openPeople(one.api)
    const idempotency_key = randomUUID()
    const pay = (amount: string) => payment({ debit: cash, credit: alice, amount, idempotency_key })
    const answers = await Promise.all(
      times(40, (index) => either(index).postTransaction(pay(index % 4 < 2 ? '1.00' : '2.00'))),
    )
    const codes = answers.map((answer) => answer.code)
    expect(codes.filter((code) => code === 'ok')).toHaveLength(20)
    expect(codes.filter((code) => code === 'idempotency_key_reused')).toHaveLength(20)
    expect((await two.api.entries(alice)).body.items).toHaveLength(1)
  })
})

it('a hundred at once with one that is refused: its 99 mates are posted', async () => {
  const ledger = await startService(await postgres())
  const { alice, bob, cash } = await openPeople(ledger.api)
  const answers = await Promise.all(
    times(100, (index) =>
      ledger.api.postTransaction(
        index === 37
          ? payment({ debit: bob, credit: cash, amount: '1.00' })
          : payment({ debit: cash, credit: alice, amount: '1.00' }),
      ),
    ),
  )
  expect(answers[37]?.code).toBe('insufficient_funds')
  expect(answers.filter((answer) => answer.status === 201)).toHaveLength(99)
  expect(await balanceOf(ledger.api, alice)).toBe('99.00')
  await ledger.close()
})

it('a hundred at once with one that the database refuses: its 99 mates are posted', async () => {
  const ledger = await startService(await postgres(), { interpose: corrupting })
  const { alice, cash } = await openPeople(ledger.api)
  const request = payment({ debit: cash, credit: alice, amount: '1.00' })
  const answers = await Promise.all(
    times(100, (index) =>
      ledger.api.postTransaction(index === 37 ? { ...request, reference: poison } : request),
    ),
  )
  expect(answers[37]?.problem).toMatchObject({ code: 'internal_error', status: 500 })
  expect(answers.filter((answer) => answer.status === 201)).toHaveLength(99)
  expect((await ledger.api.transactions({ reference: poison })).body.items).toEqual([])
  expect(await balanceOf(ledger.api, alice)).toBe('99.00')
  expect((await ledger.api.postTransaction(request)).status).toBe(201)
  await ledger.close()
})

/** Numbers that look random and are the same in every run. */
function* scattered(): Generator<number, never> {
  let state = 37
  for (;;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state
  }
}

/** How often Postgres has ended a deadlock in a database. Told by a connection when it ends, and a little later. */
async function deadlocksIn(url: string): Promise<number> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<{ deadlocks: string }>(
      'select deadlocks from pg_stat_database where datname = current_database()',
    )
    return Number(rows[0]?.deadlocks)
  })
}

describe('many entries over few accounts', () => {
  it('posted by 16 clients in every order never deadlock', async () => {
    const location = await postgres()
    const one = await startService(location)
    const two = await one.another()
    const ids = await Promise.all(times(20, async () => (await open(one.api)).id))
    const numbers = scattered()
    const shuffled = () =>
      ids
        .map((id) => [numbers.next().value, id] as const)
        .toSorted(([a], [b]) => a - b)
        .map(([, id]) => id)

    const requests = times(16, () =>
      times(12, () => {
        const entries = shuffled().map((account_id, position) => ({
          account_id,
          direction: position % 2 === 0 ? ('debit' as const) : ('credit' as const),
          amount: '0.01',
        }))
        return { currency: 'USD', entries }
      }),
    )
    const statuses = await Promise.all(
      requests.map(async (own, client) => {
        const { api } = client % 2 === 0 ? one : two
        const answered: number[] = []
        for (const request of own) answered.push((await api.postTransaction(request)).status)
        return answered
      }),
    )
    expect(new Set(statuses.flat())).toEqual(new Set([201]))
    for (const { metrics } of [one, two]) {
      expect(await metrics.registry.metrics()).not.toMatch(/ledgerflow_posting_retries_total\{/)
    }
    await two.close()
    await one.close()

    const { entries } = await readBooks(location)
    expect(entries).toHaveLength(16 * 12 * 20)
    expect(faultsOf(await readBooks(location))).toEqual([])
    if (location.dialect === 'postgres') expect(await deadlocksIn(location.url)).toBe(0)
  })

  it('locked by two clients in opposite orders do deadlock: the test above can fail', async () => {
    const url = await createPostgresDatabase()
    const ledger = await startService({ dialect: 'postgres', url })
    const [alice, bob] = [await openWallet(ledger.api), await openWallet(ledger.api)]
    const lock = (client: Client, id: string) =>
      client.query('select from accounts where ledger_id = 1 and id = $1 for no key update', [id])

    const failures = await withClient(url, (first) =>
      withClient(url, async (second) => {
        await Promise.all([first.query('begin'), second.query('begin')])
        await Promise.all([lock(first, alice.id), lock(second, bob.id)])
        const crossed = await Promise.allSettled([lock(first, bob.id), lock(second, alice.id)])
        return crossed.flatMap((outcome) =>
          outcome.status === 'rejected' ? [(outcome.reason as { code: string }).code] : [],
        )
      }),
    )
    expect(failures).toEqual(['40P01'])
    await expect.poll(() => deadlocksIn(url), { timeout: 10_000 }).toBe(1)
    await ledger.close()
  })
})
