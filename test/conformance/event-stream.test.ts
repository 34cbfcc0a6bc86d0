import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EventPlaces } from '../../services/api/event-places.ts'
import { EventStreams } from '../../services/api/event-streams.ts'
import { EventStream } from '../support/event-stream.ts'
import { makeKey, showing } from '../support/keys.ts'
import { openPeople, payment, type People } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'
import { writtenAndSeen } from '../support/written-and-seen.ts'

describe.each(shapesOfBothStores)('the stream of events on $name', (shape) => {
  let ledger: Service
  let people: People
  /** How many events were read out of the store. */
  let eventsRead = 0
  beforeAll(async () => {
    ledger = await shape.start({
      access: { asking: 'never' },
      interpose: (store) => ({
        readEvents: async (reads) => {
          const page = await store.readEvents(reads)
          if (typeof page !== 'string') eventsRead += page.events.length
          return page
        },
      }),
    })
    people = await openPeople(ledger.api)
    const { cash: debit, alice: credit } = people
    await ledger.api.postTransaction(payment({ debit, credit, amount: '1000.00' }))
  })
  afterAll(() => ledger.close())

  const pay = async (rest: object = {}) => {
    const { alice: debit, bob: credit } = people
    const request = payment({ debit, credit, amount: '0.01', ...rest })
    return (await ledger.api.postTransaction(request)).body.id
  }
  const stream = async (query = 'after=now', headers: Record<string, string> = {}) => {
    await writtenAndSeen(ledger.location)
    return EventStream.open(`${ledger.url}/api/v1/events/stream?${query}`, headers)
  }
  const ids = (events: readonly { data: { data: { id: string } } }[]) =>
    events.map(({ data }) => data.data.id)

  it('tells what happens as the list does, each with the cursor behind it', async () => {
    await writtenAndSeen(ledger.location)
    const { next_cursor: after } = (await ledger.api.events({ after: 'now' })).body
    const open = await stream(`after=${after}`)
    expect(open.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(open.headers['cache-control']).toBe('no-store')
    const posted = [await pay(), await pay()]
    const told = await open.take(2)
    posted.push(await pay())
    told.push(...(await open.take(1)))
    open.close()
    const { items } = (await ledger.api.events({ after })).body
    expect(ids(told)).toEqual(posted)
    expect(told.map(({ data }) => data)).toEqual(items)
    expect(told.map(({ type }) => type)).toEqual(items.map(({ type }) => type))
    const behind = (await ledger.api.events({ after: told[0]?.id ?? '' })).body
    expect(behind.items).toEqual(items.slice(1))
  })

  it('tells only what is asked for', async () => {
    const open = await stream('after=now&type=account.created')
    await pay()
    const { alice } = await openPeople(ledger.api)
    const told = await open.take(3)
    open.close()
    expect(told.map(({ type }) => type)).toEqual(Array(3).fill('account.created'))
    expect(ids(told)).toContain(alice)
  })

  it('misses nothing and repeats nothing for a client that comes back, while posting goes on', async () => {
    let open = await stream()
    const posted: string[] = []
    const writers = Array.from({ length: 4 }, async () => {
      for (let n = 0; n < 20; n += 1) posted.push(await pay())
    })
    const told: string[] = []
    for (let reconnects = 0; told.length < 80; reconnects += 1) {
      const size = Math.min(1 + (reconnects % 7), 80 - told.length)
      told.push(...ids(await open.take(size)))
      open.close()
      open = await stream('', { 'last-event-id': open.lastId ?? '' })
    }
    await Promise.all(writers)
    open.close()
    expect(told).toHaveLength(80)
    expect(new Set(told)).toEqual(new Set(posted))
  })

  it('says where to come back to before it has told anything', async () => {
    const open = await stream()
    const reading = open.next()
    await until('it has an id', () => open.lastId)
    const { lastId = '' } = open
    open.close()
    await reading
    const missed = await pay()
    const again = await stream('', { 'last-event-id': lastId })
    expect(ids(await again.take(1))).toEqual([missed])
    again.close()
  })

  it('is refused to whoever cannot go on from there, before it begins', async () => {
    const refused = async (query: string, headers = {}) => {
      const response = await fetch(`${ledger.url}/api/v1/events/stream?${query}`, { headers })
      return [response.status, await response.json()]
    }
    expect(await refused('after=then')).toMatchObject([
      400,
      { errors: [{ pointer: 'query/after' }] },
    ])
    expect(await refused('', { 'last-event-id': 'x' })).toMatchObject([
      400,
      { errors: [{ pointer: 'headers/last-event-id' }] },
    ])
    expect(await refused('type=nothing')).toMatchObject([400, { code: 'invalid_request' }])
  })

  it('is for as many readers as there may be, and a place is free when one goes', async () => {
    const small = await ledger.another({ streamsMax: 2 })
    const url = `${small.url}/api/v1/events/stream`
    const [first, second] = [await EventStream.open(url), await EventStream.open(url)]
    const third = await fetch(url)
    expect([third.status, await third.json()]).toMatchObject([503, { code: 'overloaded' }])
    expect(Number(third.headers.get('retry-after'))).toBeGreaterThan(0)
    first.close()
    const next = await until('a place is free', () => EventStream.open(url).catch(() => undefined))
    for (const one of [second, next]) one.close()
    await small.close()
  })

  it('ends within a second when the key is revoked', async () => {
    const asking = await ledger.another({ access: { asking: 'always' } })
    const key = await makeKey(ledger.store, 'viewer')
    await writtenAndSeen(ledger.location)
    const open = await EventStream.open(
      `${asking.url}/api/v1/events/stream?after=now`,
      showing(key),
    )
    const id = await pay()
    expect(ids(await open.take(1))).toEqual([id])
    await ledger.store.apiKeys.revoke(key.slice(0, 15), Date.now())
    const begun = performance.now()
    expect(await open.next()).toBeUndefined()
    expect(performance.now() - begun).toBeLessThan(5000)
    await asking.close()
  })

  it('ends cleanly when the service stops', async () => {
    const stopping = await ledger.another()
    const open = await EventStream.open(`${stopping.url}/api/v1/events/stream?after=now`)
    const ended = open.next()
    await stopping.close()
    expect(await ended).toBeUndefined()
  })

  /** Payments that take many bytes to tell. */
  const payMuch = async (count: number) => {
    const metadata = Object.fromEntries(
      Array.from({ length: 40 }, (_, n) => [`name ${n}`, 'x'.repeat(400)]),
    )
    for (let n = 0; n < count; n += 50) {
      await Promise.all(Array.from({ length: 50 }, () => pay({ metadata })))
    }
  }

  it('keeps one event in hand of what a hundred readers do not take, however much happens', async () => {
    const places = await EventPlaces.of(ledger.store, 1, {})
    const streams = new EventStreams(ledger.store, ledger.queue.news, {
      streamsMax: 100,
      stuckMsMax: 60_000,
    })
    await writtenAndSeen(ledger.location)
    const after = await ledger.store.latestPosition(1)
    const mayRead = () => Promise.resolve(true)
    const before = eventsRead
    const slow = Array.from({ length: 100 }, () =>
      streams.open({ ledgerId: 1, places, after, mayRead }),
    )
    // Each takes what comes first, and nothing more.
    await until('all have begun', () => slow.every((one) => one.readableDidRead || one.read()))
    await payMuch(100)
    await until('all are full', () => slow.every((one) => one.readableLength > 16_000))
    const readByThen = eventsRead
    await payMuch(100)

    // Beside one event for each, the poll for all of them reads one at a time.
    expect(readByThen - before).toBeLessThan(100 + 20)
    expect(eventsRead - readByThen).toBeLessThan(20)
    expect(Math.max(...slow.map((one) => one.readableLength))).toBeLessThan(20_000)
    streams.stop()
    await until('all are closed', () => slow.every((one) => one.closed))
  })

  it('is ended when its reader takes nothing for too long, and only then', async () => {
    const places = await EventPlaces.of(ledger.store, 1, {})
    const bounds = { streamsMax: 2, stuckMsMax: 100 }
    const streams = new EventStreams(ledger.store, ledger.queue.news, bounds)
    await writtenAndSeen(ledger.location)
    const after = await ledger.store.latestPosition(1)
    const wish = { ledgerId: 1, places, after, mayRead: () => Promise.resolve(true) }
    const [stuck, taking] = [streams.open(wish), streams.open(wish)]
    taking.resume()
    stuck.read(0)
    await until('it is ended', () => stuck.closed)
    expect(taking.closed).toBe(false)
    streams.stop()
    await until('so is the other', () => taking.closed)
  })

  it('waits for a reader who takes nothing for a while, and then tells the rest', async () => {
    let answer: ServerResponse | undefined
    const onRequest = (message: unknown) => {
      answer = (message as { response: ServerResponse }).response
    }
    await writtenAndSeen(ledger.location)
    const after = await ledger.store.latestPosition(1)
    subscribe('http.server.request.start', onRequest)
    const { hostname, port } = new URL(ledger.url)
    const socket = connect(Number(port), hostname).pause()
    socket.write('GET /api/v1/events/stream?after=now HTTP/1.1\r\nhost: ledger\r\n\r\n')
    await until('it is answered', () => answer?.headersSent)
    unsubscribe('http.server.request.start', onRequest)
    await payMuch(400)
    await until('its connection is full', () => answer?.writableNeedDrain)
    expect(answer?.writableLength).toBeLessThan(64 * 1024)

    const posted = await allIdsBehind(after)
    let text = ''
    socket.on('data', (bytes) => (text += bytes.toString()))
    socket.resume()
    await until('it has all', () => text.includes(posted.at(-1) ?? ''))
    const taken = [...text.matchAll(/"data":\{"id":"([0-9a-f-]{36})"/g)].map(([, id]) => id)
    expect(taken).toEqual(posted)
    socket.destroy()
  })

  const allIdsBehind = async (after: bigint): Promise<string[]> => {
    const all: string[] = []
    for (let from = after, more = true; more;) {
      const page = await ledger.store.readEvents({ ledgerId: 1, after: from, size: 200 })
      if (typeof page === 'string') throw new Error(page)
      all.push(...page.events.flatMap((one) => ('account' in one ? [] : one.transaction.id)))
      from = page.next
      more = page.more
    }
    return all
  }
})
