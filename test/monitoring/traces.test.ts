import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace'
import { afterAll, beforeAll, beforeEach, describe, expect, it, test } from 'vitest'
import { exportTraces, traceInto } from '../../shared/trace/open-telemetry.ts'
import { openPeople, payment, type People } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

const options = { service: 'ledgerflow-test', share: 1 }
const canary = 'kanarienvogel'
/** Of so many digits that no time holds them by chance. */
const canaryAmount = '3133731337313.77'

/** The trace of a caller, and the header by which it tells of it. */
function newTrace(flags = '01') {
  const traceId = randomBytes(16).toString('hex')
  const spanId = randomBytes(8).toString('hex')
  return { traceId, spanId, header: `00-${traceId}-${spanId}-${flags}` }
}

describe.each(shapesOfBothStores)('a traced request on $name', (shape) => {
  const exporter = new InMemorySpanExporter()
  const tracing = traceInto(new SimpleSpanProcessor({ exporter }), options)
  let service: Service
  let people: People
  beforeAll(async () => {
    service = await shape.start({ tracing })
    people = await openPeople(service.api)
  })
  beforeEach(() => exporter.reset())
  afterAll(async () => {
    await service.close()
    await tracing.close()
  })

  const post = async (path: string, body: unknown, traceparent?: string) => {
    const headers = {
      'content-type': 'application/json',
      'x-request-id': `request-${canary}`,
      ...(traceparent === undefined ? {} : { traceparent }),
    }
    const sent = { method: 'POST', headers, body: JSON.stringify(body) }
    const answer = await fetch(`${service.url}/api/v1/transactions${path}`, sent)
    return { status: answer.status, id: ((await answer.json()) as { id: string }).id }
  }
  const cashToAlice = () =>
    payment({
      debit: people.cash,
      credit: people.alice,
      amount: canaryAmount,
      reference: canary,
      idempotency_key: randomBytes(8).toString('hex'),
    })
  const spans = (traceId?: string) =>
    exporter
      .getFinishedSpans()
      .filter((span) => traceId === undefined || span.spanContext().traceId === traceId)
  const spanNamed = (name: string, traceId?: string) =>
    until(`a span ${name}`, () => spans(traceId).find((span) => span.name === name))
  const linksOf = ({ links }: ReadableSpan) => links.map(({ context }) => context.spanId)
  const idOf = (span: ReadableSpan) => span.spanContext().spanId

  it('is one trace from HTTP over the queue to the batch that posted it', async () => {
    const caller = newTrace()
    const { status } = await post('?mode=async', cashToAlice(), caller.header)
    const batch = await spanNamed('drain batch', caller.traceId)
    const request = await spanNamed('POST /api/v1/transactions', caller.traceId)
    const [accept, drain] = [
      await spanNamed('accept', caller.traceId),
      await spanNamed('drain', caller.traceId),
    ]

    expect(status).toBe(202)
    expect(request.parentSpanContext).toMatchObject({ spanId: caller.spanId, isRemote: true })
    expect(request.attributes).toEqual({
      'http.request.method': 'POST',
      'http.route': '/api/v1/transactions',
      'http.response.status_code': 202,
      'ledgerflow.request_id': `request-${canary}`,
    })
    for (const part of [accept, drain]) {
      expect(part.parentSpanContext?.spanId).toBe(idOf(request))
    }
    expect(batch.parentSpanContext?.spanId).toBe(idOf(drain))
    expect(linksOf(batch)).toEqual([idOf(drain)])
    expect(linksOf(drain)).toEqual([idOf(batch)])
    expect(linksOf(accept)).toEqual([idOf(await spanNamed('accept batch', caller.traceId))])
    expect(spans(caller.traceId)).toHaveLength(5)
  })

  it('is one trace when it is posted at once', async () => {
    const caller = newTrace()
    await post('', cashToAlice(), caller.header)
    const request = await spanNamed('POST /api/v1/transactions', caller.traceId)
    const [part, batch] = [
      await spanNamed('post', caller.traceId),
      await spanNamed('post batch', caller.traceId),
    ]

    expect(part.parentSpanContext?.spanId).toBe(idOf(request))
    expect(batch.parentSpanContext?.spanId).toBe(idOf(part))
    expect(linksOf(batch)).toEqual([idOf(part)])
  })

  it('is one trace when it is a client’s own batch that is queued', async () => {
    const caller = newTrace()
    const transactions = [cashToAlice(), cashToAlice()]
    await post('/batch?mode=async', { mode: 'atomic', transactions }, caller.header)
    const batch = await spanNamed('drain batch', caller.traceId)

    expect(batch.attributes).toEqual({ 'ledgerflow.batch.size': 2 })
    expect(spans(caller.traceId).map(({ name }) => name).toSorted()).toEqual([
      'POST /api/v1/transactions/batch',
      'accept',
      'accept batch',
      'drain',
      'drain batch',
    ])
  })

  it('shares its batch with others, which is linked with each of them', async () => {
    await service.stopWorker()
    const callers = [newTrace(), newTrace(), newTrace()]
    for (const { header } of callers) await post('?mode=async', cashToAlice(), header)
    await service.startWorker()
    const batch = await spanNamed('drain batch')
    const parts = spans().filter(({ name }) => name === 'drain')

    expect(parts.map((part) => part.spanContext().traceId).toSorted()).toEqual(
      callers.map(({ traceId }) => traceId).toSorted(),
    )
    expect(linksOf(batch).toSorted()).toEqual(parts.map(idOf).toSorted())
    expect(parts.map(linksOf)).toEqual([[idOf(batch)], [idOf(batch)], [idOf(batch)]])
  })

  it.each([
    ['begins a trace of its own', undefined, 5],
    ['begins a trace of its own where the header is none', canary, 5],
    ['is not recorded where its caller does not wish it', newTrace('00').header, 0],
  ])('%s', async (_, traceparent, count) => {
    const { id } = await post('?mode=async', cashToAlice(), traceparent)
    const ended = async () => (await service.api.transaction(id)).body.status === 'posted'
    await until('it has ended', ended)
    const own = () => spans().filter(({ name }) => !name.startsWith('GET'))
    await until('all spans are there', () => own().length >= count)

    expect(own()).toHaveLength(count)
  })

  it('says nothing of money, keys and names', async () => {
    await post('?mode=async', cashToAlice(), newTrace().header)
    await spanNamed('drain batch')
    const said = JSON.stringify(
      spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status })),
    ).replaceAll(`request-${canary}`, '')

    for (const word of [canary, canaryAmount, people.alice, people.cash]) {
      expect(said).not.toContain(word)
    }
  })
})

describe('the way out', () => {
  test('is OTLP over HTTP, and a stop sends what is left', async () => {
    const received: { path: string; body: string }[] = []
    const collector = createServer((request, response) => {
      const parts: Buffer[] = []
      request.on('data', (part: Buffer) => parts.push(part))
      request.on('end', () => {
        received.push({ path: request.url ?? '', body: Buffer.concat(parts).toString() })
        response.end('{}')
      })
    }).listen(0, '127.0.0.1')
    await once(collector, 'listening')
    const { port } = collector.address() as AddressInfo
    const tracing = exportTraces(`http://127.0.0.1:${port}/`, options)
    const about = { method: 'GET', route: '/health', status: 200, requestId: 'r' }
    tracing.request({}).end(about)
    await tracing.close()
    collector.close()

    expect(received.map(({ path }) => path)).toEqual(['/v1/traces'])
    expect(received[0]?.body).toContain('"GET /health"')
    expect(received[0]?.body).toContain('ledgerflow-test')
  })

  test('may be closed: a stop does not wait for it', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const tracing = exportTraces(`http://127.0.0.1:${(silent.address() as AddressInfo).port}`, { ...options, closeMs: 100 })
    const about = { method: 'GET', route: '/health', status: 503, requestId: 'r' }
    tracing.request({}).end(about)
    const begun = performance.now()
    await tracing.close()
    silent.closeAllConnections()
    silent.close()

    expect(performance.now() - begun).toBeLessThan(2000)
  })
})
