import fc from 'fast-check'
import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type {
  AcceptedBatchJson,
  ApiClient,
  BatchJson,
  NewTransactionJson,
} from '../support/api-client.ts'
import { openPeople, payment } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'

/** A member, naming accounts and keys by number so that it means the same in every ledger. */
interface Wish {
  readonly debit: number
  readonly credit: number
  readonly amount: string
  readonly held: boolean
  readonly key: number | null
}

const wishes = fc.array(
  fc.record({
    debit: fc.nat({ max: 2 }),
    credit: fc.nat({ max: 2 }),
    amount: fc.constantFrom('1.00', '2.5', '3', '0.01', '0.001'),
    held: fc.integer({ min: 0, max: 7 }).map((n) => n === 0),
    key: fc.option(fc.nat({ max: 3 })),
  }),
  { minLength: 1, maxLength: 8 },
)

/** The accounts that a story is about, each time new ones, and keys that nobody else has. */
class Stage {
  readonly #api: ApiClient
  readonly #accounts: readonly string[]
  readonly #story = randomUUID()

  private constructor(api: ApiClient, accounts: readonly string[]) {
    this.#api = api
    this.#accounts = accounts
  }

  static async of(api: ApiClient): Promise<Stage> {
    const { cash, alice, bob } = await openPeople(api)
    return new Stage(api, [cash, alice, bob])
  }

  /** A member in the words of the API; all of one ordering key, so that the queue has one order. */
  request({ debit, credit, amount, held, key }: Wish): NewTransactionJson {
    return payment({
      debit: this.#accounts[debit] ?? '',
      credit: this.#accounts[credit] ?? '',
      amount,
      ordering_key: this.#story,
      idempotency_key: key === null ? null : `${this.#story} ${key}`,
      hold: held ? { expires_in: 3600 } : null,
    })
  }

  /** What the accounts have by the end. */
  async balances(): Promise<unknown> {
    return Promise.all(
      this.#accounts.map(async (id) => {
        const { body } = await this.#api.balance(id)
        return { ...body, account_id: null, as_of: null }
      }),
    )
  }
}

describe.each(shapesOfBothStores)('any batch on $name', (shape) => {
  let ledger: Service
  beforeAll(async () => {
    ledger = await shape.start()
  })
  afterAll(() => ledger.close())

  const holding = { numRuns: 25 } as const
  const endings = ({ items }: BatchJson | AcceptedBatchJson) =>
    items.map(({ status, problem }) => [status, problem?.code ?? 'ok'])
  const queued = async (
    mode: 'atomic' | 'independent',
    transactions: NewTransactionJson[],
  ): Promise<BatchJson | AcceptedBatchJson> => {
    const answer = await ledger.api.queueBatch({ mode, transactions }, { prefer: 'wait=30' })
    return answer.status < 400 ? answer.body : (answer.problem as unknown as BatchJson)
  }
  const posted = async (
    mode: 'atomic' | 'independent',
    transactions: NewTransactionJson[],
  ): Promise<BatchJson> => {
    const answer = await ledger.api.postBatch({ mode, transactions })
    return answer.status < 400 ? answer.body : (answer.problem as unknown as BatchJson)
  }

  it('that is independent comes to what its members come to one by one, at once or queued', async () => {
    await fc.assert(
      fc.asyncProperty(wishes, async (members) => {
        const [alone, together, later] = await Promise.all(
          [1, 2, 3].map(() => Stage.of(ledger.api)),
        )
        if (alone === undefined || together === undefined || later === undefined) return
        const told: [string, string][] = []
        for (const member of members) {
          const answer = await ledger.api.postTransaction(alone.request(member))
          const status = answer.status < 400 ? answer.body.status : 'failed'
          told.push([status, answer.code])
        }
        const batch = await posted(
          'independent',
          members.map((one) => together.request(one)),
        )
        const accepted = await queued(
          'independent',
          members.map((one) => later.request(one)),
        )
        expect(endings(batch)).toEqual(told)
        expect(endings(accepted)).toEqual(told)
        expect(await together.balances()).toEqual(await alone.balances())
        expect(await later.balances()).toEqual(await alone.balances())
      }),
      holding,
    )
  })

  it('that is atomic does all of that or nothing, and queued the same as at once', async () => {
    await fc.assert(
      fc.asyncProperty(wishes, async (members) => {
        const [alone, together, later] = await Promise.all(
          [1, 2, 3].map(() => Stage.of(ledger.api)),
        )
        if (alone === undefined || together === undefined || later === undefined) return
        const untouched = await together.balances()
        const batch = await posted(
          'atomic',
          members.map((one) => together.request(one)),
        )
        const independent = await posted(
          'independent',
          members.map((one) => alone.request(one)),
        )
        const culprit = independent.items.findIndex(({ problem }) => problem !== undefined)
        if (culprit === -1) {
          expect(endings(batch)).toEqual(endings(independent))
          expect(await together.balances()).toEqual(await alone.balances())
        } else {
          expect(endings(batch)).toEqual(
            members.map((_, at) =>
              at === culprit
                ? ['failed', independent.items[culprit]?.problem?.code]
                : ['aborted', 'batch_aborted'],
            ),
          )
          expect(await together.balances()).toEqual(untouched)
        }

        const accepted = await queued(
          'atomic',
          members.map((one) => later.request(one)),
        )
        const codes = (one: BatchJson | AcceptedBatchJson) => endings(one).map(([, code]) => code)
        expect(await later.balances()).toEqual(await together.balances())
        if (culprit === -1) expect(codes(accepted)).toEqual(codes(batch))
        else expect(codes(accepted)).not.toContain('ok')
      }),
      holding,
    )
  })
})
