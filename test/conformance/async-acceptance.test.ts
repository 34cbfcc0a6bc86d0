import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { slotOf } from '../../shared/engine/slot.ts'
import type { NewTransactionJson } from '../support/api-client.ts'
import { DrainGate } from '../support/drain-gate.ts'
import { balanceOf, fund, openPeople, payment, type People } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

describe.each(shapes)('acceptance on $name', (shape) => {
  const gate = new DrainGate()
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start({ interpose: gate.interpose })
  })
  beforeEach(async () => {
    people = await openPeople(ledger.api)
    await fund(ledger.api, people, people.alice, '10.00')
  })
  afterEach(() => gate.open())
  afterAll(() => ledger.close())

  const aliceToBob = (rest: Partial<NewTransactionJson> = {}, amount = '1.00') =>
    payment({ debit: people.alice, credit: people.bob, amount, ...rest })
  const queue = (transaction: NewTransactionJson, headers: Record<string, string> = {}) =>
    ledger.api.queueTransaction(transaction, headers)
  const ended = async (id: string) => (await ledger.api.transaction(id, { wait: 30 })).body

  describe('a queued transaction', () => {
    it('is answered with where it is to be found and its place in the queue', async () => {
      await gate.shut()
      const answer = await queue(aliceToBob({ reference: 'order-1', metadata: { a: 'b' } }))
      const { id, created_at } = answer.body
      expect(answer.status).toBe(202)
      expect(answer.headers.get('location')).toBe(`/api/v1/transactions/${id}`)
      expect(answer.body).toEqual({
        id,
        status: 'queued',
        reference: 'order-1',
        idempotency_key: null,
        description: null,
        currency: 'USD',
        entries: [
          { account_id: people.alice, direction: 'debit', amount: '1.00', currency: 'USD' },
          { account_id: people.bob, direction: 'credit', amount: '1.00', currency: 'USD' },
        ],
        metadata: { a: 'b' },
        effective_at: null,
        ordering_key: null,
        created_at,
        posted_at: null,
        queue: {
          slot: slotOf(people.alice),
          sequence: expect.any(Number),
          ahead: expect.any(Number),
          enqueued_at: created_at,
          attempts: 0,
        },
        status_history: [{ status: 'queued', at: created_at }],
      })
    })

    it('is there for everybody as soon as it is answered', async () => {
      await gate.shut()
      const other = await ledger.another({ worker: false })
      try {
        const { body } = await queue(aliceToBob({ reference: randomUUID() }))
        for (const { api } of [ledger, other]) {
          const read = (await api.transaction(body.id)).body
          expect(read).toEqual({ ...body, queue: { ...body.queue, ahead: 0 } })
          const { reference } = body
          const list = (await api.transactions({ reference: reference ?? '' })).body.items
          expect(list.map(({ id, status }) => [id, status])).toEqual([[body.id, 'queued']])
        }
      } finally {
        await other.close()
      }
    })

    it('knows how many are before it in its slot', async () => {
      await gate.shut()
      const ordering_key = randomUUID()
      const ids: string[] = []
      const requests = [1, 2, 3].map((n) =>
        aliceToBob({ ordering_key, idempotency_key: `${ordering_key} ${n}` }),
      )
      for (const request of requests) ids.push((await queue(request)).body.id)
      const read = await Promise.all(
        ids.map(async (id) => (await ledger.api.transaction(id)).body.queue?.ahead),
      )
      const replayed = await Promise.all(
        requests.map(async (request) => (await queue(request)).body.queue?.ahead),
      )
      expect({ read, replayed }).toEqual({ read: [0, 1, 2], replayed: [0, 1, 2] })
    })

    it('is posted by and by under the id it had', async () => {
      const { body } = await queue(aliceToBob({ description: 'later' }))
      const posted = await ended(body.id)
      expect(posted).toMatchObject({ id: body.id, status: 'posted', description: 'later' })
      expect(posted).not.toHaveProperty('queue')
      expect(posted.status_history).toEqual([
        { status: 'queued', at: body.created_at },
        { status: 'posted', at: posted.posted_at },
      ])
      expect(posted.entries[0]).toMatchObject({ account_version: 2, balance_after: '9.00' })
      expect(await balanceOf(ledger.api, people.bob)).toBe('1.00')
    })

    it('reserves no funds, and fails when they are gone', async () => {
      await gate.shut()
      const { body } = await queue(aliceToBob({}, '10.00'))
      expect((await ledger.api.balance(people.alice)).body.available).toBe('10.00')
      expect((await ledger.api.postTransaction(aliceToBob({}, '10.00'))).status).toBe(201)
      gate.open()
      const failed = await ended(body.id)
      expect(failed).toMatchObject({
        status: 'failed',
        failure: {
          code: 'insufficient_funds',
          account_id: people.alice,
          available: '0.00',
          required: '10.00',
          shortfall: '10.00',
          version: 2,
        },
      })
      expect(failed.status_history.map(({ status }) => status)).toEqual(['queued', 'failed'])
      expect(failed.entries).toEqual(body.entries)
    })
  })

  describe('a wish that is wrong by itself', () => {
    const unbalanced = (rest: Partial<NewTransactionJson>) => {
      const { entries, ...others } = aliceToBob(rest)
      const [debit, credit] = entries as [(typeof entries)[0], (typeof entries)[0]]
      return { ...others, entries: [debit, { ...credit, amount: '1.01' }] }
    }

    it('is refused at once and leaves no trace without a key', async () => {
      const reference = randomUUID()
      const refused = await queue(unbalanced({ reference }))
      expect([refused.status, refused.code]).toEqual([422, 'unbalanced'])
      expect((await ledger.api.transactions({ reference })).body.items).toEqual([])
    })

    it('is refused at once and kept under its key, and was never queued', async () => {
      const [reference, idempotency_key] = [randomUUID(), randomUUID()]
      const refused = await queue(unbalanced({ reference, idempotency_key }))
      const [kept] = (await ledger.api.transactions({ reference })).body.items
      expect(refused.problem).toMatchObject({ code: 'unbalanced', transaction_id: kept?.id })
      expect(kept?.status_history.map(({ status }) => status)).toEqual(['failed'])
    })
  })

  describe('a replay is answered with the state as it is', () => {
    const modes = ['async', 'sync'] as const
    const replay = async (request: NewTransactionJson, mode: (typeof modes)[number]) => {
      const answer = await ledger.api.post<{ id: string; status: string }>(
        `/api/v1/transactions?mode=${mode}`,
        request,
      )
      expect(answer.replayed).toBe(true)
      return answer
    }

    it.each(modes)('queued: 202, asked for %s', async (mode) => {
      await gate.shut()
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const { body, replayed } = await queue(request)
      expect(replayed).toBe(false)
      const again = await replay(request, mode)
      expect([again.status, again.body.id]).toEqual([202, body.id])
      expect(again.body.status).toBe('queued')
      expect(again.headers.get('location')).toBe(`/api/v1/transactions/${body.id}`)
    })

    it.each(modes)('posted: 201, asked for %s', async (mode) => {
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const { body } = await queue(request)
      const posted = await ended(body.id)
      const again = await replay(request, mode)
      expect([again.status, again.body]).toEqual([201, posted])
      expect(await balanceOf(ledger.api, people.bob)).toBe('1.00')
    })

    it.each(modes)('failed: the same 422, asked for %s', async (mode) => {
      const request = aliceToBob({ idempotency_key: randomUUID() }, '10.01')
      const { body } = await queue(request)
      const { failure } = await ended(body.id)
      await fund(ledger.api, people, people.alice, '100.00')
      const again = await replay(request, mode)
      expect(again.status).toBe(422)
      expect(again.problem).toMatchObject({
        ...failure,
        code: 'insufficient_funds',
        transaction_id: body.id,
        shortfall: '0.01',
      })
    })

    it.each(modes)('canceled: 409 already_canceled, asked for %s', async (mode) => {
      await gate.shut()
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const { body } = await queue(request)
      expect((await ledger.api.cancel(body.id)).status).toBe(200)
      const again = await replay(request, mode)
      expect([again.status, again.code]).toEqual([409, 'already_canceled'])
      expect(again.problem).toMatchObject({ transaction_id: body.id })
    })

    it('posted at once: 201, asked for async', async () => {
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const posted = await ledger.api.postTransaction(request)
      const again = await replay(request, 'async')
      expect([again.status, again.body]).toEqual([201, posted.body])
    })

    it('and never for another body, also while it is queued', async () => {
      await gate.shut()
      const idempotency_key = randomUUID()
      const { body } = await queue(aliceToBob({ idempotency_key }))
      const other = await queue(aliceToBob({ idempotency_key, reference: 'other' }, '2.00'))
      expect([other.status, other.code]).toEqual([422, 'idempotency_key_reused'])
      expect(other.problem).toMatchObject({
        differing_fields: ['reference', 'entries'],
        transaction_id: body.id,
      })
    })
  })

  it('of fifty copies over two processes is one transaction', async () => {
    const other = await ledger.another()
    try {
      const request = aliceToBob({ idempotency_key: randomUUID(), reference: randomUUID() })
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) =>
          (n % 2 === 0 ? ledger : other).api.queueTransaction(request),
        ),
      )
      expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1)
      expect(answers.filter(({ replayed }) => !replayed)).toHaveLength(1)
      expect((await ended(answers[0]?.body.id ?? '')).status).toBe('posted')
      expect(await balanceOf(ledger.api, people.bob)).toBe('1.00')
      const { reference } = request
      const list = (await ledger.api.transactions({ reference: reference ?? '' })).body.items
      expect(list).toHaveLength(1)
    } finally {
      await other.close()
    }
  })

  describe('Prefer', () => {
    const applied = (answer: { headers: Headers }) => answer.headers.get('preference-applied')
    const post = (prefer: string, query = '', transaction = aliceToBob()) =>
      ledger.api.post<{ id: string; status: string }>(`/api/v1/transactions${query}`, transaction, {
        prefer,
      })

    it('respond-async queues', async () => {
      await gate.shut()
      const answer = await post('respond-async')
      expect([answer.status, applied(answer)]).toEqual([202, 'respond-async'])
    })

    it('wait=N answers with the end when it comes in time', async () => {
      const posted = await post('respond-async, wait=20')
      expect([posted.status, applied(posted)]).toEqual([201, 'respond-async, wait=20'])
      const refused = await post('wait=20', '?mode=async', aliceToBob({}, '99.00'))
      expect([refused.status, applied(refused)]).toEqual([422, 'wait=20'])
      const { transaction_id } = refused.problem as unknown as { transaction_id: string }
      expect((await ledger.api.transaction(transaction_id)).body.status).toBe('failed')
    })

    it('wait=N answers 202 when it does not', async () => {
      await gate.shut()
      const begun = performance.now()
      const answer = await post('respond-async, wait=1')
      expect(performance.now() - begun).toBeGreaterThan(950)
      expect([answer.status, answer.body.status]).toEqual([202, 'queued'])
      expect(applied(answer)).toBe('respond-async, wait=1')
    })

    it('wait=N waits for the end of a replay too', async () => {
      await gate.shut()
      const request = aliceToBob({ idempotency_key: randomUUID() })
      const { body } = await queue(request)
      const waiting = post('wait=20', '?mode=async', request)
      gate.open()
      const again = await waiting
      expect([again.status, again.replayed, again.body.id]).toEqual([201, true, body.id])
    })

    it('wait=N is cut to 30 seconds', async () => {
      expect(applied(await post('wait=86400', '?mode=async'))).toBe('wait=30')
    })

    it('wait=N means nothing to a request that is posted at once', async () => {
      const answer = await post('wait=5')
      expect([answer.status, applied(answer)]).toEqual([201, null])
    })

    it('yields to ?mode', async () => {
      await gate.shut()
      const sync = await post('respond-async', '?mode=sync')
      expect([sync.status, applied(sync)]).toEqual([201, null])
      expect((await post('', '?mode=async')).status).toBe(202)
    })

    it.each(['wait=abc', 'wait=-1', 'wait=', 'wait', 'wait=1.5', 'respond_async', ';,=,,', 'x=1'])(
      'that says "%s" is not heard',
      async (prefer) => {
        await gate.shut()
        const queued = await post(prefer, '?mode=async')
        expect([queued.status, applied(queued)]).toEqual([202, null])
        const posted = await post(prefer)
        expect([posted.status, applied(posted)]).toEqual([201, null])
      },
    )
  })

  it('is what happens without a word where POSTING_MODE says so', async () => {
    await gate.shut()
    const other = await ledger.another({ defaultMode: 'async', worker: false })
    try {
      expect((await other.api.postTransaction(aliceToBob())).status).toBe(202)
      const sync = await other.api.post('/api/v1/transactions?mode=sync', aliceToBob())
      expect(sync.status).toBe(201)
      const odd = await other.api.post('/api/v1/transactions?mode=later', aliceToBob())
      expect(odd.problem).toMatchObject({ errors: [{ pointer: 'query/mode' }] })
    } finally {
      gate.open()
      await other.close()
    }
  })

  it('lists what is queued, failed and canceled by status and by any of its accounts', async () => {
    const refused = (await queue(aliceToBob({}, '99.00'))).body.id
    await ended(refused)
    await gate.shut()
    const canceled = (await queue(aliceToBob())).body.id
    await ledger.api.cancel(canceled)
    const queued = (await queue(aliceToBob())).body.id
    const list = async (query: Record<string, string | number>) =>
      (await ledger.api.transactions(query)).body.items.map(({ id }) => id)
    for (const account_id of [people.bob, people.bob.toUpperCase()]) {
      expect(await list({ account_id })).toEqual([queued, canceled, refused])
      expect(await list({ account_id, status: 'queued' })).toEqual([queued])
      expect(await list({ account_id, status: 'canceled' })).toEqual([canceled])
      expect(await list({ account_id, status: 'failed' })).toEqual([refused])
      expect(await list({ account_id, status: 'posted' })).toEqual([])
    }
    expect(await list({ status: 'queued', limit: 1 })).toEqual([queued])
    expect(await list({ status: 'canceled', limit: 1 })).toEqual([canceled])
    const first = (await ledger.api.transactions({ account_id: people.bob, limit: 2 })).body
    const cursor = first.next_cursor ?? ''
    expect(await list({ account_id: people.bob, limit: 2, cursor })).toEqual([refused])
  })
})
