import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { slotOf } from '../../shared/engine/slot.ts'
import type { NewTransactionJson } from '../support/api-client.ts'
import { DrainGate } from '../support/drain-gate.ts'
import { openPeople, payment, type People } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

describe.each(shapes)('the order of what is queued on $name', (shape) => {
  const gate = new DrainGate()
  let reversing = false
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start({
      interpose: (store) => {
        const gated = { ...store, ...gate.interpose(store) }
        return {
          drain: (order, decider) =>
            gated.drain(order, {
              ...decider,
              decide: (state) =>
                decider.decide({
                  ...state,
                  taken: reversing ? state.taken.toReversed() : state.taken,
                }),
            }),
        }
      },
    })
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
  })
  afterEach(() => {
    gate.open()
    reversing = false
  })
  afterAll(() => ledger.close())

  const cashToAlice = (rest: Partial<NewTransactionJson> = {}, amount = '1.00') =>
    payment({ debit: people.cash, credit: people.alice, amount, ...rest })
  const queue = async (transaction: NewTransactionJson) =>
    (await ledger.api.queueTransaction(transaction)).body
  const ended = async (id: string) => (await ledger.api.transaction(id, { wait: 30 })).body
  /** Queues so many under a key, each after the 202 of the one before. */
  const queueInTurn = async (ordering_key: string, count: number) => {
    const ids: string[] = []
    for (let n = 0; n < count; n += 1) ids.push((await queue(cashToAlice({ ordering_key }))).id)
    return ids
  }
  const versionsOf = (ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await ended(id)).entries[0]?.account_version ?? 0))
  const sorted = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)

  it('is that of the 202s, for each ordering key, while many keys are at work', async () => {
    const keys = Array.from({ length: 8 }, () => randomUUID())
    const ids = await Promise.all(keys.map((key) => queueInTurn(key, 12)))
    const versions = await Promise.all(ids.map((own) => versionsOf(own)))
    for (const own of versions) expect(own).toEqual(sorted(own))
    // All are on one account, where they stand once each.
    expect(sorted(versions.flat())).toEqual(Array.from({ length: 96 }, (_, n) => n + 1))
  })

  it('holds for what is drained in one batch as well', async () => {
    await gate.shut()
    const ids = await queueInTurn(randomUUID(), 20)
    gate.open()
    const versions = await versionsOf(ids)
    expect(versions).toEqual(sorted(versions))
  })

  it('would not hold for a drain that turns its batch around: the tests above can fail', async () => {
    await gate.shut()
    reversing = true
    const ids = await queueInTurn(randomUUID(), 20)
    gate.open()
    const versions = await versionsOf(ids)
    expect(versions).not.toEqual(sorted(versions))
  })

  it('goes by the account of the first entry when nothing else is said', async () => {
    await gate.shut()
    const first = await queue(cashToAlice())
    const second = await queue(cashToAlice({ ordering_key: 'shop 7' }))
    expect(first.queue?.slot).toBe(slotOf(people.cash))
    expect(second.queue?.slot).toBe(slotOf('shop 7'))
    const upper = await queue(
      payment({ debit: people.cash.toUpperCase(), credit: people.alice, amount: '1.00' }),
    )
    expect(upper.queue?.slot).toBe(slotOf(people.cash))
    expect(upper.queue?.sequence).toBeGreaterThan(first.queue?.sequence ?? Infinity)
  })

  it('is not held up by what is refused: the next one is judged as if nothing had been', async () => {
    await gate.shut()
    const out = payment({ debit: people.alice, credit: people.bob, amount: '5.00' })
    const ordering_key = randomUUID()
    const steps = [out, cashToAlice({}, '5.00'), out, out]
    const ids: string[] = []
    for (const step of steps) ids.push((await queue({ ...step, ordering_key })).id)
    gate.open()
    const ends = await Promise.all(ids.map((id) => ended(id)))
    expect(ends.map(({ status }) => status)).toEqual(['failed', 'posted', 'posted', 'failed'])
    expect(ends.map(({ failure }) => failure?.code)).toEqual([
      'insufficient_funds',
      undefined,
      undefined,
      'insufficient_funds',
    ])
  })

  it('lets nobody end before the one queued before it under the same key', async () => {
    const ids = await queueInTurn(randomUUID(), 25)
    await ended(ids.at(-1) ?? '')
    const states = await Promise.all(ids.map((id) => ledger.api.transaction(id)))
    expect(new Set(states.map(({ body }) => body.status))).toEqual(new Set(['posted']))
  })
})
