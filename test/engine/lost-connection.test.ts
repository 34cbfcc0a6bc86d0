import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startCuttingProxy, type CuttingProxy } from '../support/cutting-proxy.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { forgetful } from '../support/faulty-stores.ts'
import { balanceOf, openPeople, payment, type People } from '../support/people.ts'
import { startService, type Service } from '../support/service.ts'

describe('a Postgres that takes requests and is silent', () => {
  let proxy: CuttingProxy
  let ledger: Service
  beforeAll(async () => {
    proxy = await startCuttingProxy(await createPostgresDatabase())
    ledger = await startService({ dialect: 'postgres', url: proxy.url })
  })
  afterAll(async () => {
    await ledger.close()
    await proxy.close()
  })

  it('makes every request a 503 in bounded time, readiness soonest, and all work when it speaks again', async () => {
    const { api, url } = ledger
    const { cash, alice } = await openPeople(api)
    const name = 'an account'
    const requests = {
      accounts: () => api.accounts(),
      account: () => api.account(alice),
      open: () => api.openAccount({ name, account_type: 'asset', currency: 'USD' }),
      change: () => api.changeAccount(alice, { name }),
      currencies: () => api.currencies(),
      transactions: () => api.transactions(),
      post: () => api.postTransaction(payment({ debit: cash, credit: alice, amount: '1.00' })),
      queue: () => api.queueTransaction(payment({ debit: cash, credit: alice, amount: '1.00' })),
    }
    const codes = async () =>
      Object.fromEntries(
        await Promise.all(
          Object.entries(requests).map(async ([what, ask]) => [what, (await ask()).code] as const),
        ),
      )
    const begun = performance.now()

    proxy.silence(true)
    const readiness = fetch(`${url}/health/ready`).then(({ status }) => ({
      status,
      ms: performance.now() - begun,
    }))
    const [ready, answers] = await Promise.all([readiness, codes()]).finally(() => {
      proxy.silence(false)
    })

    expect(performance.now() - begun).toBeLessThan(9000)
    expect(ready.status).toBe(503)
    expect(ready.ms).toBeLessThan(4000)
    for (const [what, code] of Object.entries(answers)) {
      expect({ what, code }).toEqual({
        what,
        code: expect.stringMatching(/^(?:store_unavailable|outcome_unknown)$/),
      })
    }
    await expect.poll(async () => (await fetch(`${url}/health/ready`)).status).toBe(200)
    expect(new Set(Object.values(await codes()))).toEqual(new Set(['ok']))
  })
})

describe('a connection to Postgres cut around its COMMIT', () => {
  let proxy: CuttingProxy
  let ledger: Service
  let forgetting: Service
  let people: People
  beforeAll(async () => {
    proxy = await startCuttingProxy(await createPostgresDatabase())
    const location = { dialect: 'postgres', url: proxy.url } as const
    ledger = await startService(location)
    forgetting = await startService(location, { interpose: forgetful })
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
  })
  afterAll(async () => {
    await ledger.close()
    await forgetting.close()
    await proxy.close()
  })

  const cashToAlice = (rest: object = {}) =>
    payment({ debit: people.cash, credit: people.alice, amount: '1.00', ...rest })

  describe.each(['before_commit', 'after_commit'] as const)('(%s)', (cut) => {
    it('moves the money of a payment without a key once', async () => {
      const before = proxy.cuts
      proxy.arm(cut)
      const posted = await ledger.api.postTransaction(cashToAlice())
      expect(proxy.cuts - before).toBe(1)
      expect([posted.status, posted.replayed]).toEqual([201, false])
      expect((await ledger.api.transaction(posted.body.id)).body).toEqual(posted.body)
      expect(await balanceOf(ledger.api, people.alice)).toBe('1.00')
    })

    it('moves it once also when the next connections are cut as well', async () => {
      const before = proxy.cuts
      proxy.arm(cut, 3)
      const posted = await ledger.api.postTransaction(cashToAlice())
      expect(posted.status).toBe(201)
      // What is found standing is not written again, but that too ends with a COMMIT.
      expect(proxy.cuts - before).toBe(3)
      expect(await balanceOf(ledger.api, people.alice)).toBe('1.00')
    })

    it('does not call the answer a replay, and the next one is', async () => {
      const request = cashToAlice({ idempotency_key: randomUUID() })
      proxy.arm(cut)
      const first = await ledger.api.postTransaction(request)
      const second = await ledger.api.postTransaction(request)
      expect([first.replayed, second.replayed]).toEqual([false, true])
      expect(second.body).toEqual(first.body)
      expect(await balanceOf(ledger.api, people.alice)).toBe('1.00')
    })

    it('answers a kept refusal as the refusal it is', async () => {
      const request = payment({
        debit: people.alice,
        credit: people.bob,
        amount: '1.00',
        idempotency_key: randomUUID(),
      })
      proxy.arm(cut)
      const first = await ledger.api.postTransaction(request)
      expect([first.code, first.replayed]).toEqual(['insufficient_funds', false])
      const again = await ledger.api.postTransaction(request)
      expect([again.problem, again.replayed]).toEqual([first.problem, true])
    })

    it('answers all of fifty that shared the batch', async () => {
      proxy.arm(cut)
      const answers = await Promise.all(
        Array.from({ length: 50 }, () => ledger.api.postTransaction(cashToAlice())),
      )
      expect(new Set(answers.map((answer) => answer.status))).toEqual(new Set([201]))
      expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(50)
      expect(await balanceOf(ledger.api, people.alice)).toBe('50.00')
    })
  })

  it('without the look for what was written would leave the client without an answer', async () => {
    proxy.arm('after_commit')
    const blind = await forgetting.api.postTransaction(cashToAlice())
    expect(blind.problem).toMatchObject({ code: 'outcome_unknown', status: 503, retryable: true })
    expect(await balanceOf(ledger.api, people.alice)).toBe('1.00')
  })
})
