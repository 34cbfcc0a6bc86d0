import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Answer, BatchJson, NewBatchJson } from '../support/api-client.ts'
import { startCuttingProxy, type CuttingProxy } from '../support/cutting-proxy.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { fund, openPeople, payment, type People } from '../support/people.ts'
import { startService, type Service } from '../support/service.ts'

/** More than the service tries: it has to give up without knowing, and the client asks again under its key. */
const cutsWithoutEnd = 1000

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

/** Something that may be asked for any number of times under its key, and alice's balance and what is held of it afterwards. */
interface Wish {
  readonly ask: () => Promise<Answer<unknown>>
  readonly figures: readonly [balance: string, held: string]
  /** What of the answers must be the same; of a queued batch nothing but its id, for it goes on. */
  readonly same?: (answer: Answer<unknown>) => unknown
}

const hold = ({ alice, bob }: People) =>
  payment({
    debit: alice,
    credit: bob,
    amount: '30.00',
    hold: { expires_in: 3600 },
    idempotency_key: randomUUID(),
  })

const batch = ({ alice, bob }: People, mode: NewBatchJson['mode']): NewBatchJson => ({
  mode,
  transactions: ['1.00', '2.00', '3.00', '4.00', '5.00'].map((amount) =>
    payment({ debit: alice, credit: bob, amount, idempotency_key: randomUUID() }),
  ),
})

const transactionsIn = (answer: Answer<unknown>) =>
  (answer.body as BatchJson).items.map(({ transaction }) => transaction)
const idOf = (answer: Answer<unknown>) => (answer.body as { id: string }).id

const modes = ['atomic', 'independent'] as const

const wishes: readonly (readonly [title: string, of: (people: People) => Promise<Wish> | Wish])[] =
  [
    [
      'placing a hold',
      (people) => {
        const request = hold(people)
        return { ask: () => ledger.api.postTransaction(request), figures: ['100.00', '30.00'] }
      },
    ],
    [
      'capturing a part of a hold, of which there is enough to capture it again',
      async (people) => {
        const { id } = (await ledger.api.postTransaction(hold(people))).body
        const body = { amount: '10.00', final: false, idempotency_key: randomUUID() }
        return { ask: () => ledger.api.capture(id, body), figures: ['90.00', '20.00'] }
      },
    ],
    [
      'voiding a hold',
      async (people) => {
        const { id } = (await ledger.api.postTransaction(hold(people))).body
        const body = { idempotency_key: randomUUID() }
        return { ask: () => ledger.api.void(id, body), figures: ['100.00', '0.00'] }
      },
    ],
    ...modes.map(
      (mode) =>
        [
          `posting a batch (${mode})`,
          (people: People): Wish => {
            const request = batch(people, mode)
            const ask = () => ledger.api.postBatch(request)
            return { ask, figures: ['85.00', '0.00'], same: transactionsIn }
          },
        ] as const,
    ),
    ...modes.map(
      (mode) =>
        [
          `queueing a batch (${mode})`,
          (people: People): Wish => {
            const request = batch(people, mode)
            const ask = async () => {
              const answer = await ledger.api.queueBatch(request)
              if (answer.status < 400) await ledger.api.batch(idOf(answer), { wait: 20 })
              return answer
            }
            return { ask, figures: ['85.00', '0.00'], same: idOf }
          },
        ] as const,
    ),
  ]

/** Makes a wish in accounts of its own. */
async function wishOf(of: (people: People) => Promise<Wish> | Wish) {
  const people = await openPeople(ledger.api)
  await fund(ledger.api, people, people.alice, '100.00')
  const wish = await of(people)
  const figures = async () => {
    const { balance, held_debits } = (await ledger.api.balance(people.alice)).body
    return [balance, held_debits]
  }
  const { ask, same = ({ body }) => body, figures: expected } = wish
  return { ask, same, expected, figures }
}

describe('the answer to a COMMIT is lost', () => {
  it.each(wishes)('once: the service looks what has become of %s', async (_, of) => {
    const { ask, same, expected, figures } = await wishOf(of)
    const before = proxy.cuts
    proxy.arm('after_commit')
    const first = await ask()
    expect(proxy.cuts - before).toBe(1)
    expect(first.replayed).toBe(false)
    const again = await ask()
    expect(same(again)).toEqual(same(first))
    expect(await figures()).toEqual(expected)
  })

  it('again and again: the service cannot tell, and the same key converges on one effect', async () => {
    const all = await Promise.all(wishes.map(([, of]) => wishOf(of)))
    proxy.arm('after_commit', cutsWithoutEnd)
    const blind = await Promise.all(all.map(({ ask }) => ask()))
    proxy.arm('after_commit', 0)
    for (const { problem } of blind) {
      expect(problem).toMatchObject({ status: 503, retryable: true })
    }
    // Some may have been turned away while the connections were being cut.
    expect(blind.map(({ code }) => code)).toContain('outcome_unknown')
    for (const { ask, same, expected, figures } of all) {
      const [one, other] = await Promise.all([ask(), ask()])
      expect(same(other)).toEqual(same(one))
      expect(await figures()).toEqual(expected)
    }
  })
})
