import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { slotOf } from '../../shared/engine/slot.ts'
import type { NewTransactionJson } from '../support/api-client.ts'
import { DrainGate } from '../support/drain-gate.ts'
import { openPeople, payment, type People } from '../support/people.ts'
import { poisonedDatabase, type PoisonedDatabase } from '../support/poison.ts'
import { shapes, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

describe.each(shapes)('parking on $name', (shape) => {
  const gate = new DrainGate()
  let ledger: Service
  let database: PoisonedDatabase
  let people: People
  /** The reference of a transaction that the database refuses to post. */
  let poison: string
  let ordering_key: string
  beforeAll(async () => {
    ledger = await shape.start({ interpose: gate.interpose })
    database = await poisonedDatabase(ledger.location)
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    poison = randomUUID()
    ordering_key = randomUUID()
    await database.poison(poison)
  })
  afterEach(() => gate.open())
  afterAll(() => ledger.close())

  const queue = async (rest: Partial<NewTransactionJson> = {}) =>
    (
      await ledger.api.queueTransaction(
        payment({ debit: people.cash, credit: people.alice, amount: '1.00', ...rest }),
      )
    ).body.id
  const read = async (id: string) => (await ledger.api.transaction(id)).body
  const ended = async (id: string) => (await ledger.api.transaction(id, { wait: 30 })).body
  const whenParked = (id: string) =>
    until(`${id} is parked`, async () => {
      const transaction = await read(id)
      return transaction.queue?.parked === undefined ? undefined : transaction
    })
  const parkOne = async (rest: Partial<NewTransactionJson> = {}) => {
    const id = await queue({ reference: poison, ordering_key, ...rest })
    await whenParked(id)
    return id
  }
  /** Another key of the slot that a key is in. */
  const neighbourOf = (key: string): string => {
    for (let n = 0; ; n += 1) {
      const other = `${key} ${n}`
      if (slotOf(other) === slotOf(key)) return other
    }
  }
  const statuses = (ids: readonly string[]) =>
    Promise.all(ids.map(async (id) => (await read(id)).status))

  it('sets aside what cannot be posted, with the reason, where everybody sees it', async () => {
    const id = await parkOne()
    const transaction = await read(id)
    expect(transaction).toMatchObject({
      status: 'queued',
      queue: {
        attempts: expect.any(Number),
        last_error: expect.any(String),
        parked: { at: expect.any(String), reason: expect.stringMatching(/\w/) },
      },
    })
    expect(transaction.queue?.attempts).toBeGreaterThan(0)
    expect(transaction.status_history.map(({ status }) => status)).toEqual(['queued'])

    const listed = (await ledger.api.parked({ limit: 1 })).body.items
    expect(listed).toEqual([transaction])
    const { parked_transactions } = (await ledger.api.queue()).body
    expect(parked_transactions.map((parked) => parked.id)).toContain(id)
    await until('it is counted', async () => {
      const { parked, groups, backlog, oldest_age_ms } = (await ledger.api.queue()).body
      const group = groups[slotOf(ordering_key) % groups.length]
      return parked > 0 && (group?.parked ?? 0) > 0 && backlog > 0 && oldest_age_ms > 0
    })
    await ledger.api.cancel(id)
  })

  it('spoils nothing else in its batch, and those of its key wait behind it', async () => {
    await gate.shut()
    const before = [await queue({ ordering_key }), await queue({ ordering_key })]
    const bad = await queue({ reference: poison, ordering_key })
    const behind = [await queue({ ordering_key }), await queue({ ordering_key })]
    const others: string[] = []
    for (let n = 0; n < 30; n += 1)
      others.push(await queue({ ordering_key: `${ordering_key} ${n}` }))
    const neighbour = await queue({ ordering_key: neighbourOf(ordering_key) })
    gate.open()

    await whenParked(bad)
    for (const id of [...before, ...others, neighbour]) {
      expect((await ended(id)).status).toBe('posted')
    }
    // A neighbour that comes later has nothing to wait for either.
    const late = await queue({ ordering_key: neighbourOf(ordering_key) })
    expect((await ended(late)).status).toBe('posted')
    expect(await statuses(behind)).toEqual(['queued', 'queued'])
    expect((await read(behind[1] ?? '')).queue).toMatchObject({ ahead: 2 })

    await ledger.api.cancel(bad)
    for (const id of behind) expect((await ended(id)).status).toBe('posted')
  })

  it('ends when it is resumed and the cause is gone: first it, then those behind, in order', async () => {
    const bad = await parkOne()
    const behind = [await queue({ ordering_key }), await queue({ ordering_key })]
    await database.heal(poison)
    const resumed = await ledger.api.resume(bad)
    expect(resumed.status).toBe(200)
    const ends = await Promise.all([bad, ...behind].map((id) => ended(id)))
    expect(ends.map(({ status }) => status)).toEqual(['posted', 'posted', 'posted'])
    expect(ends.map(({ entries }) => entries[0]?.account_version)).toEqual([1, 2, 3])
  })

  it('happens again when it is resumed too early', async () => {
    const bad = await parkOne()
    const behind = await queue({ ordering_key })
    const attempts = (await read(bad)).queue?.attempts ?? 0
    expect((await ledger.api.resume(bad)).status).toBe(200)
    const again = await until('it is parked again', async () => {
      const { queue: place } = await read(bad)
      return place?.parked !== undefined && place.attempts > attempts && place
    })
    expect(again.attempts).toBe(attempts + 1)
    expect(await statuses([behind])).toEqual(['queued'])
    await ledger.api.cancel(bad)
    expect((await ended(behind)).status).toBe('posted')
  })

  it('ends when an operator refuses it, and those behind go on', async () => {
    const idempotency_key = randomUUID()
    const bad = await parkOne({ idempotency_key })
    const behind = await queue({ ordering_key })
    const refused = await ledger.api.refuse(bad, 'Duplicate of another payment.')
    expect(refused.body).toMatchObject({
      id: bad,
      status: 'failed',
      failure: { code: 'refused_by_operator', reason: 'Duplicate of another payment.' },
    })
    expect(refused.body.status_history.map(({ status }) => status)).toEqual(['queued', 'failed'])
    expect((await ended(behind)).entries[0]).toMatchObject({ account_version: 1 })

    const replay = await ledger.api.queueTransaction(
      payment({
        debit: people.cash,
        credit: people.alice,
        amount: '1.00',
        reference: poison,
        ordering_key,
        idempotency_key,
      }),
    )
    expect([replay.status, replay.replayed]).toEqual([422, true])
    expect(replay.problem).toMatchObject({
      code: 'refused_by_operator',
      transaction_id: bad,
      reason: 'Duplicate of another payment.',
    })
  })

  it('ends when it is canceled, and those behind go on', async () => {
    const bad = await parkOne()
    const behind = await queue({ ordering_key })
    expect((await ledger.api.cancel(bad)).body.status).toBe('canceled')
    expect((await ended(behind)).status).toBe('posted')
    expect((await ledger.api.parked()).body.items).toEqual([])
  })

  it('is all that can be resumed or refused', async () => {
    const posted = await queue()
    await ended(posted)
    await gate.shut()
    const [queued, canceled] = [await queue(), await queue()]
    await ledger.api.cancel(canceled)
    for (const [id, status, code] of [
      [queued, 409, 'not_parked'],
      [posted, 409, 'already_posted'],
      [canceled, 409, 'already_canceled'],
      [randomUUID(), 404, 'not_found'],
      ['order-4711', 404, 'not_found'],
    ] as const) {
      const answers = [await ledger.api.resume(id), await ledger.api.refuse(id, 'because')]
      for (const answer of answers) expect([answer.status, answer.code]).toEqual([status, code])
    }
    expect((await read(queued)).status).toBe('queued')
  })

  it('takes a reason of 1 to 500 characters for a refusal', async () => {
    const bad = await parkOne()
    const path = `/api/v1/transactions/${bad}/refuse`
    for (const body of [{}, { reason: '' }, { reason: 'x'.repeat(501) }, { why: 'x' }, undefined]) {
      expect((await ledger.api.post(path, body)).code).toBe('invalid_request')
    }
    const { failure } = (await ledger.api.refuse(bad, 'x'.repeat(500))).body
    expect(failure?.['reason']).toBe('x'.repeat(500))
  })

  it('is listed newest first, in pages', async () => {
    const ids: string[] = []
    for (let n = 0; n < 3; n += 1) {
      ids.unshift(await parkOne({ ordering_key: `${ordering_key} ${n}` }))
    }
    const first = (await ledger.api.parked({ limit: 2 })).body
    expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    const rest = (await ledger.api.parked({ limit: 2, cursor: first.next_cursor ?? '' })).body
    expect(rest.items.map(({ id }) => id)).toEqual(ids.slice(2))
    expect(rest.next_cursor).toBeNull()
    for (const id of ids) await ledger.api.cancel(id)
  })
})
