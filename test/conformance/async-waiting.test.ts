import { randomUUID } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { DrainGate } from '../support/drain-gate.ts'
import { openPeople, payment, type People } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

describe.each(shapes)('waiting on $name', (shape) => {
  const gate = new DrainGate()
  let polling = true
  let ledger: Service
  let people: People
  beforeAll(async () => {
    ledger = await shape.start({
      interpose: (store) => ({
        ...gate.interpose(store),
        // Without the look into the database, only the news can tell.
        endedAmong: (ids) => (polling ? store.endedAmong(ids) : Promise.resolve([])),
      }),
    })
    people = await openPeople(ledger.api)
  })
  beforeEach(() => gate.shut())
  afterEach(() => {
    gate.open()
    polling = true
    vi.restoreAllMocks()
  })
  afterAll(() => ledger.close())

  const queueOne = async () =>
    (
      await ledger.api.queueTransaction(
        payment({ debit: people.cash, credit: people.alice, amount: '1.00' }),
      )
    ).body.id
  /** Waits for a transaction and says how it stands then and after how many ms. */
  const wait = async (id: string, seconds: number) => {
    const begun = performance.now()
    const { status } = (await ledger.api.transaction(id, { wait: seconds })).body
    return { status, ms: performance.now() - begun }
  }
  /** Resolves when the service is known to have somebody waiting: it has answered what was asked after that. */
  const asked = async () => {
    for (let turn = 0; turn < 3; turn += 1) await ledger.api.transaction(randomUUID())
  }
  const noNews = () => vi.spyOn(ledger.queue.news, 'tell').mockImplementation(() => undefined)

  it('takes 0 to 30 seconds', async () => {
    const id = await queueOne()
    gate.open()
    expect((await wait(id, 30)).status).toBe('posted')
    expect((await wait(id, 0)).status).toBe('posted')
  })

  it.each(['31', '-1', 'x', '', '1.5', '05', '1e1', ' 1', '100'])(
    'refuses "%s" seconds',
    async (seconds) => {
      const id = await queueOne()
      expect((await ledger.api.transaction(id, { wait: seconds })).problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: 'query/wait' }],
      })
    },
  )

  it('does not wait for what has ended, or is not there', async () => {
    const id = await queueOne()
    expect((await wait(id, 0)).status).toBe('queued')
    gate.open()
    await wait(id, 30)
    expect((await wait(id, 30)).ms).toBeLessThan(10_000)
    const begun = performance.now()
    expect((await ledger.api.transaction(randomUUID(), { wait: 30 })).code).toBe('not_found')
    expect(performance.now() - begun).toBeLessThan(10_000)
  })

  it('ends with the transaction as it stands when the time is over', async () => {
    const { status, ms } = await wait(await queueOne(), 1)
    expect(status).toBe('queued')
    expect(ms).toBeGreaterThan(950)
  })

  it('ends the moment the transaction does, without looking into the database', async () => {
    polling = false
    const id = await queueOne()
    const waiting = [wait(id, 30), wait(id, 30), wait(id, 30)]
    await asked()
    gate.open()
    for (const { status, ms } of await Promise.all(waiting)) {
      expect(status).toBe('posted')
      expect(ms).toBeLessThan(10_000)
    }
  })

  it('ends the moment it is canceled', async () => {
    polling = false
    const id = await queueOne()
    const waiting = wait(id, 30)
    await asked()
    await ledger.api.cancel(id)
    const { status, ms } = await waiting
    expect(status).toBe('canceled')
    expect(ms).toBeLessThan(10_000)
  })

  it('ends soon also when the news is lost', async () => {
    noNews()
    const id = await queueOne()
    const waiting = wait(id, 30)
    await asked()
    gate.open()
    const { status, ms } = await waiting
    expect(status).toBe('posted')
    expect(ms).toBeLessThan(10_000)
  })

  it('without the news and the look would last its time: the tests above can fail', async () => {
    noNews()
    polling = false
    const id = await queueOne()
    const waiting = wait(id, 2)
    await asked()
    gate.open()
    expect((await waiting).ms).toBeGreaterThan(1950)
  })

  it('does not hold up a service that stops', async () => {
    const other = await ledger.another({ worker: false })
    const id = await queueOne()
    const waiting = other.api.transaction(id, { wait: 30 })
    for (let turn = 0; turn < 3; turn += 1) await other.api.transaction(randomUUID())
    const begun = performance.now()
    const closing = other.close()
    expect((await waiting).body.status).toBe('queued')
    await closing
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})
