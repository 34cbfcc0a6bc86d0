import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { WebhookSender } from '../../services/worker/webhooks/webhook-sender.ts'
import { createLog } from '../../shared/log.ts'
import { StoreFailure } from '../../shared/engine/store-failure.ts'
import type { EndpointProgress, WebhookWork } from '../../shared/store/webhook-work.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { WebhookRules } from '../../shared/webhooks/webhook-rules.ts'
import type { WebhookJson } from '../../shared/wire/webhook-json.ts'
import { openWallet, payment, type People, openPeople } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'
import { Receiver } from './receiver.ts'
import { sendingTo } from './sending.ts'

const rules = sendingTo(['127.0.0.0/8'])

describe.each(shapesOfBothStores)('senders of webhooks over $name', (shape) => {
  let service: Service
  let people: People
  let receiver: Receiver
  let hook: WebhookJson & { readonly secret: string }
  const senders = new Set<WebhookSender>()

  beforeAll(async () => {
    // Its worker sends nothing: the tests start senders of their own.
    service = await shape.start({ webhooks: { ...rules, lookMs: 3_600_000 } })
    people = await openPeople(service.api)
  })
  afterAll(() => service.close())
  beforeEach(async () => {
    receiver = await Receiver.start()
    const body = { url: receiver.url, types: ['transaction.posted'] }
    hook = (await service.api.post<typeof hook>('/api/v1/webhooks', body)).body
    receiver.secret = hook.secret
  })
  afterEach(async () => {
    await Promise.all([...senders].map((sender) => sender.stop()))
    senders.clear()
    await service.api.delete(`/api/v1/webhooks/${hook.id}`)
    await receiver.close()
  })

  /** Starts a sender; `work` puts something between it and the store, as a fault would be. */
  function start(changed: Partial<WebhookRules> = {}, work: Partial<WebhookWork> = {}) {
    const { store } = service
    const real = store.webhookWork
    const webhookWork = new Proxy(real, {
      get: (_, name) => {
        const owner = Reflect.has(work, name) ? work : real
        const value: unknown = Reflect.get(owner, name, owner)
        return typeof value === 'function' ? (value.bind(owner) as unknown) : value
      },
    })
    const between = new Proxy(store, {
      get: (_, name) => {
        const value: unknown =
          name === 'webhookWork' ? webhookWork : Reflect.get(store, name, store)
        return typeof value === 'function' ? (value.bind(store) as unknown) : value
      },
    })
    const metrics = new Metrics()
    const parts = { store: between, metrics, log: createLog('silent') }
    const sender = new WebhookSender(parts, { ...rules, ...changed })
    senders.add(sender)
    sender.start()
    const figure = async (name: string, label = '') => {
      const lines = (await metrics.registry.metrics()).split('\n')
      const found = lines.find((line) => line.startsWith(name) && line.includes(label))
      return Number(found?.split(' ').at(-1) ?? 0)
    }
    return { sender, figure }
  }

  async function pay(credit = people.alice, debit = people.cash): Promise<string> {
    const answer = await service.api.postTransaction(payment({ debit, credit, amount: '1.00' }))
    return answer.body.id
  }

  function taken(ids: readonly string[]): Promise<boolean> {
    const all = () => ids.every((id) => receiver.taken.some(({ data }) => data.id === id))
    return until(`${ids.length} events`, all)
  }

  async function read(): Promise<WebhookJson> {
    return (await service.api.get<WebhookJson>(`/api/v1/webhooks/${hook.id}`)).body
  }

  test('share the work: each event is sent by one of them', async () => {
    start()
    start()
    const ids = await Promise.all(Array.from({ length: 20 }, () => pay()))
    await taken(ids)

    expect(receiver.came).toHaveLength(20)
  })

  test('take over from one that is not heard of, which sends nothing more by then', async () => {
    let isCutOff = false
    const cutOff = () => Promise.reject(new StoreFailure('not_done', new Error('on purpose')))
    const first = start(
      { leaseMs: 1000 },
      {
        lease: (...how) => (isCutOff ? cutOff() : service.store.webhookWork.lease(...how)),
        release: () => Promise.resolve(),
      },
    )
    await taken([await pay()])
    const second = start({ leaseMs: 1000 })
    expect(await second.figure('ledgerflow_webhook_endpoints', 'well')).toBe(0)

    isCutOff = true
    await until('the takeover', async () => {
      return (await second.figure('ledgerflow_webhook_endpoints', 'well')) === 1
    })
    const ids = [await pay(), await pay()]
    await taken(ids)
    const delivered = ({ figure }: typeof first) =>
      figure('ledgerflow_webhook_deliveries_total', 'delivered')
    await until('the answers', async () => (await delivered(second)) === 2)
    expect(await delivered(first)).toBe(1)
    expect(receiver.came).toHaveLength(3)
  })

  test('that stop write down what was under way: nobody sends it again', async () => {
    const { sender } = start()
    const ids = await Promise.all(Array.from({ length: 10 }, () => pay()))
    await until('the first', () => receiver.taken.length > 0)
    await sender.stop()
    start()
    await taken(ids)

    expect(receiver.came).toHaveLength(10)
  })

  test('ask an endpoint that is away by one event at a time, and send what waits when it is back', async () => {
    const pairs = await Promise.all(
      Array.from({ length: 10 }, async () => [
        (await openWallet(service.api, { min_available: null })).id,
        (await openWallet(service.api)).id,
      ]),
    )
    receiver.behaviour = () => 503
    // Their next attempts are an hour away: only the return of the endpoint can bring them sooner.
    const { figure } = start({ retryMs: [3_600_000] })
    const ids: string[] = []
    for (const [debit, credit] of pairs) {
      const before = await figure('ledgerflow_webhook_attempt_failures_total')
      ids.push(await pay(credit, debit))
      await until('one failure more', async () => {
        return (await figure('ledgerflow_webhook_attempt_failures_total')) > before
      })
    }
    expect((await read()).failing_since).not.toBeNull()
    expect(await figure('ledgerflow_webhook_endpoints', 'failing')).toBe(1)
    expect(await figure('ledgerflow_webhook_lag_seconds')).toBeGreaterThan(0)

    receiver.behaviour = () => 204
    ids.push(await pay())
    await taken(ids)
    await until('success', async () => (await read()).failing_since === null)
  })

  test('disable an endpoint that has only failed for too long, and say so', async () => {
    receiver.behaviour = () => 500
    const { figure } = start({ disableAfterMs: 100, retryMs: [60, 60, 60, 60] })
    await pay()
    const disabled = await until('the end', async () => {
      const now = await read()
      return now.status === 'disabled' && now
    })

    expect(disabled).toMatchObject({ disabled_reason: 'failing' })
    expect(disabled.disabled_at).not.toBeNull()
    expect(await figure('ledgerflow_webhook_endpoints_disabled_total', 'failing')).toBe(1)
    const sent = receiver.came.length
    await pay()
    await until('the end of the lane', async () => {
      return (await figure('ledgerflow_webhook_endpoints', 'well')) === 0
    })
    expect(receiver.came).toHaveLength(sent)
  })

  test('go on when the database has failed them, and send nothing twice for it', async () => {
    let failures = 0
    const { webhookWork } = service.store
    const { figure } = start(
      {},
      {
        save: (...what) => {
          failures += 1
          return failures <= 3
            ? Promise.reject(new StoreFailure('not_done', new Error('on purpose')))
            : webhookWork.save(...what)
        },
      },
    )
    const ids = [await pay(), await pay(), await pay()]
    await taken(ids)
    const endpoint = { ledgerId: 1, id: hook.id }
    await until('the log', async () => {
      const page = { before: undefined, size: 10 }
      return (await service.store.webhooks.deliveries(endpoint, 'delivered', page)).length === 3
    })

    expect(failures).toBeGreaterThan(3)
    expect(receiver.came).toHaveLength(3)
    expect(await figure('ledgerflow_webhook_deliveries_total', 'delivered')).toBe(3)
  })

  test('that die before they write down send again what they sent, and nothing of what they wrote', async () => {
    const { webhookWork } = service.store
    const groups: EndpointProgress[] = []
    const { sender } = start(
      {},
      {
        // One group is written; then it is as if the process were gone.
        save: async (endpoint, owner, progress) => {
          if (progress.deliveries.length > 0) groups.push(progress)
          return groups.length <= 1 && webhookWork.save(endpoint, owner, progress)
        },
      },
    )
    const written = await pay()
    await until('a group', () => groups.length > 0)
    const others = [await pay(), await pay(), await pay()]
    await until('another group', () => groups.length > 1)
    await sender.stop()
    start()
    await taken([written, ...others])

    const came = receiver.came.map(({ data }) => data.id)
    expect(came.filter((id) => id === written)).toHaveLength(1)
    expect(came.filter((id) => id === others[0]).length).toBeGreaterThanOrEqual(2)
  })

  test('send nothing to an endpoint whose secret they have no key for', async () => {
    const { SecretBox } = await import('../../shared/webhooks/secret-box.ts')
    const { figure, sender } = start({ secrets: new SecretBox([Buffer.alloc(32, 8)]) })
    const id = await pay()
    await until('the event', async () => (await figure('ledgerflow_webhook_lag_seconds')) > 0.2)
    expect(receiver.came).toEqual([])

    await sender.stop()
    start()
    await taken([id])
  })
})
