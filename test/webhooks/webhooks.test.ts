import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { WebhookDeliveryJson, WebhookJson } from '../../shared/wire/webhook-json.ts'
import type { PageJson } from '../support/api-client.ts'
import { openPeople, payment, type People } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'
import { Receiver, versionsOf } from './receiver.ts'
import { sendingTo } from './sending.ts'

const missing = '0198c0de-7a11-7000-8000-00000000a11c'

type WebhookWithSecret = WebhookJson & { readonly secret: string }

/** One receiver here never answers. */
const rules = { ...sendingTo(['127.0.0.0/8']), timeoutMs: 1000 }

describe.each(shapesOfBothStores)('webhooks over $name', (shape) => {
  let service: Service
  let people: People
  let receiver: Receiver
  let hook: WebhookWithSecret

  beforeAll(async () => {
    service = await shape.start({ webhooks: rules })
    people = await openPeople(service.api)
  })
  afterAll(() => service.close())

  beforeEach(async () => {
    receiver = await Receiver.start()
    hook = await newHook({ url: receiver.url })
    receiver.secret = hook.secret
  })
  afterEach(async () => {
    await service.api.delete(`/api/v1/webhooks/${hook.id}`)
    await receiver.close()
    if (receiver.refused.length > 0) throw new Error(receiver.refused.join('\n'))
  })

  async function newHook(request: object): Promise<WebhookWithSecret> {
    return (await service.api.post<WebhookWithSecret>('/api/v1/webhooks', request)).body
  }

  async function read(id = hook.id): Promise<WebhookJson> {
    return (await service.api.get<WebhookJson>(`/api/v1/webhooks/${id}`)).body
  }

  async function deliveries(query = '', id = hook.id): Promise<WebhookDeliveryJson[]> {
    const path = `/api/v1/webhooks/${id}/deliveries${query}`
    return (await service.api.get<PageJson<WebhookDeliveryJson>>(path)).body.items
  }

  /** Posts a payment from cash to a wallet and gives its id. */
  async function pay(credit: string, debit = people.cash): Promise<string> {
    const answer = await service.api.postTransaction(payment({ debit, credit, amount: '1.00' }))
    return answer.body.id
  }

  function taken(ids: readonly string[]): Promise<boolean> {
    const all = () => ids.every((id) => receiver.taken.some(({ data }) => data.id === id))
    return until(`${ids.length} events`, all)
  }

  test('bring each event of the ledger, signed, with what it is about', async () => {
    const posted = await pay(people.alice)
    const { body: account } = await service.api.openAccount({
      name: 'new',
      account_type: 'asset',
      currency: 'USD',
    })
    await taken([posted, account.id])

    const event = receiver.taken.find(({ data }) => data.id === posted)
    expect(event).toMatchObject({ type: 'transaction.posted', data: { status: 'posted' } })
    expect(receiver.taken.find(({ data }) => data.id === account.id)).toMatchObject({
      type: 'account.created',
    })
    const [headers] = receiver.headers
    expect(headers).toMatchObject({
      'content-type': 'application/json',
      'webhook-id': receiver.taken[0]?.id,
    })
    const delivered = () => deliveries('?status=delivered')
    const log = await until('the log', async () => {
      const items = await delivered()
      return items.length >= 2 && items
    })
    expect(log.find(({ event_id }) => event_id === event?.id)).toMatchObject({
      type: 'transaction.posted',
      status: 'delivered',
      attempts: 1,
      last_status_code: 204,
      last_error: null,
      next_attempt_at: null,
    })
  })

  test('bring what an endpoint asks for, from when it asks', async () => {
    const before = await pay(people.alice)
    const other = await Receiver.start()
    const some = await newHook({ url: other.url, types: ['account.updated'] })
    other.secret = some.secret

    await service.api.changeAccount(people.bob, { name: 'Bob, the second' })
    await taken([before, people.bob])
    await until('the update', () => other.taken.length > 0)
    expect(other.came.map(({ type }) => type)).toEqual(['account.updated'])

    await service.api.patch(`/api/v1/webhooks/${some.id}`, { types: null })
    const after = await until('all types', async () => {
      const id = await pay(people.alice)
      await taken([id])
      return other.taken.some(({ data }) => data.id === id) && id
    })
    expect(other.came.map(({ data }) => data.id)).toContain(after)
    await service.api.delete(`/api/v1/webhooks/${some.id}`)
    await other.close()
  })

  test('come in the order of each account, also those that are refused at first', async () => {
    // Every third event fails the first time that it comes.
    let count = 0
    receiver.behaviour = (_event, earlier) => {
      count += 1
      return earlier === 0 && count % 3 === 0 ? 500 : 204
    }
    const wallets = [people.alice, people.bob]
    const ids = await Promise.all(
      Array.from({ length: 30 }, (_, n) => pay(wallets[n % 2] ?? '', people.cash)),
    )
    await taken(ids)

    for (const account of [people.cash, ...wallets]) {
      const versions = versionsOf(receiver.taken, account)
      expect(versions.length).toBeGreaterThanOrEqual(15)
      expect(versions).toEqual(versions.toSorted((a, b) => a - b))
    }
  })

  test('that fail hold up their own accounts and no others, and are given up at last', async () => {
    const [carol, dave] = [await openPeople(service.api), await openPeople(service.api)]
    const opened = [carol, dave].flatMap((all) => Object.values(all) as string[])
    await taken(opened)
    const stuck = await pay(carol.alice, carol.cash)
    receiver.behaviour = ({ data }) => (data.id === stuck ? 503 : 204)
    const behind = await pay(carol.bob, carol.cash)
    const other = await pay(dave.alice, dave.cash)
    await taken([other])
    const mayCome = receiver.came.filter(({ data }) => data.id === stuck).length <= 3
    if (mayCome) expect(receiver.taken.map(({ data }) => data.id)).not.toContain(behind)

    const [failed] = await until('giving up', async () => {
      const items = await deliveries('?status=failed')
      return items.length > 0 && items
    })
    expect(failed).toMatchObject({
      status: 'failed',
      attempts: rules.retryMs.length + 1,
      last_status_code: 503,
      last_error: 'answered 503',
      next_attempt_at: null,
      delivered_at: null,
    })
    await taken([behind])

    // By hand, when the receiver has been mended.
    receiver.behaviour = () => 204
    const path = `/api/v1/webhooks/${hook.id}/deliveries/${failed?.event_id}/redeliver`
    expect((await service.api.post(path, undefined)).body).toMatchObject({ status: 'pending' })
    await taken([stuck])
    await until('the log', async () => (await deliveries('?status=failed')).length === 0)
  })

  test('are sent again from a time on: what was given up, or what a receiver has lost', async () => {
    const since = new Date(Date.now() - 1000).toISOString()
    const ids = [await pay(people.alice)]
    receiver.behaviour = ({ data }) => (data.id === ids[0] ? 500 : 204)
    await until('giving up', async () => (await deliveries('?status=failed')).length > 0)
    receiver.behaviour = () => 204

    const again = `/api/v1/webhooks/${hook.id}/redeliver`
    expect((await service.api.post(again, { since })).body).toEqual({ pending: 1, more: false })
    await taken(ids)
    await until('the log', async () => (await deliveries('?status=delivered')).length > 0)
    expect((await service.api.post(again, { since })).body).toEqual({ pending: 0, more: false })
    receiver.taken.length = 0

    const lost = await service.api.post(again, { since, status: 'delivered' })
    expect(lost.body).toEqual({ pending: 1, more: false })
    await taken(ids)
  })

  test('to an endpoint that hangs keep no other one waiting', async () => {
    const other = await Receiver.start()
    const slow = await newHook({ url: other.url })
    other.secret = slow.secret
    other.behaviour = () => 'hang'
    const accounts = await Promise.all(Array.from({ length: 12 }, () => openPeople(service.api)))
    const ids = await Promise.all(accounts.map(({ alice, cash }) => pay(alice, cash)))

    await taken(ids)
    expect(other.taken).toEqual([])
    const hung = await until('a timeout in the log', async () => {
      const [one] = await deliveries('?status=pending', slow.id)
      return one?.last_error !== null && one
    })
    expect(hung).toMatchObject({ last_status_code: null, last_error: 'no answer within 1000 ms' })
    expect((await read(slow.id)).failing_since).not.toBeNull()
    await service.api.delete(`/api/v1/webhooks/${slow.id}`)
    await other.close()
  })

  test('to a receiver that was away come when it is back, all of them', async () => {
    await receiver.close()
    const ids = [await pay(people.alice), await pay(people.bob)]
    await until('a failure', async () => (await read()).failing_since !== null)
    await receiver.open()

    await taken(ids)
    await until('success', async () => (await read()).failing_since === null)
    expect(receiver.taken.length).toBeGreaterThanOrEqual(2)
  })

  test('are signed with the old secret and the new one for a time, then with the new one', async () => {
    const path = `/api/v1/webhooks/${hook.id}/rotate-secret`
    const rotated = (await service.api.post<WebhookWithSecret>(path, { overlap_seconds: 1 })).body
    expect(rotated.secret).not.toBe(hook.secret)
    expect(rotated.previous_secret_until).not.toBeNull()

    const both = await until('both signatures', async () => {
      await pay(people.alice)
      return receiver.headers.find((headers) => {
        const signatures = headers['webhook-signature']
        return typeof signatures === 'string' && signatures.includes(' ')
      })
    })
    expect(String(both['webhook-signature']).split(' ')).toHaveLength(2)
    receiver.secret = rotated.secret
    await taken([await pay(people.alice)])
    const one = await until('one signature', async () => {
      await taken([await pay(people.alice)])
      const signatures = receiver.headers.at(-1)?.['webhook-signature']
      return typeof signatures === 'string' && !signatures.includes(' ') && signatures
    })
    expect(one).toMatch(/^v1,/)
  })

  test('are not sent any more to whoever answers 410, until an operator says so', async () => {
    receiver.behaviour = () => 410
    const lost = await pay(people.alice)
    const gone = await until('the end', async () => {
      const now = await read()
      return now.status === 'disabled' && now
    })
    expect(gone).toMatchObject({ disabled_reason: 'gone' })
    const meanwhile = await pay(people.alice)
    receiver.behaviour = () => 204

    const { body } = await service.api.patch<WebhookJson>(`/api/v1/webhooks/${hook.id}`, {
      status: 'enabled',
    })
    expect(body).toMatchObject({ status: 'enabled', disabled_reason: null, disabled_at: null })
    await taken([lost, meanwhile])
  })

  test('stop when an operator disables them, and go on where they stopped', async () => {
    await taken([await pay(people.alice)])
    const path = `/api/v1/webhooks/${hook.id}`
    const { body } = await service.api.patch<WebhookJson>(path, { status: 'disabled' })
    expect(body).toMatchObject({ status: 'disabled', disabled_reason: 'operator' })
    await until('the end of the lane', async () => (await figure('state="well"')) === 0)
    const meanwhile = await pay(people.alice)

    await service.api.patch(path, { status: 'enabled' })
    await taken([meanwhile])
  })

  test('show in the metrics, which name no endpoint', async () => {
    await taken([await pay(people.alice)])
    expect(await figure('outcome="delivered"')).toBeGreaterThan(0)
    expect(await figure('state="well"')).toBe(1)

    const text = await (await fetch(`${service.url}/metrics`)).text()
    expect(text).not.toContain(hook.id)
    expect(text).not.toContain('127.0.0.1')
  })

  async function figure(label: string): Promise<number> {
    const text = await (await fetch(`${service.url}/metrics`)).text()
    const line = text.split('\n').find((one) => one.includes('webhook') && one.includes(label))
    return Number(line?.split(' ').at(-1) ?? 0)
  }

  test('show their secret once, and keep it sealed', async () => {
    const all = (await service.api.get<PageJson<WebhookJson>>('/api/v1/webhooks')).body.items
    expect(all.map(({ id }) => id)).toContain(hook.id)
    for (const shown of [await read(), ...all]) expect(shown).not.toHaveProperty('secret')

    const kept = await service.store.webhooks.find(1, hook.id)
    expect(kept?.secret).toMatch(/^aes256gcm:/)
    expect(hook.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/)
  })

  test('are refused an address that is not public, a wrong one, and a type that there is not', async () => {
    const create = (url: string, more: object = {}) =>
      service.api.post('/api/v1/webhooks', { url, ...more })

    for (const url of ['http://10.0.0.1/', 'http://[::1]/', 'http://private.example/']) {
      const { problem } = await create(url)
      expect(problem).toMatchObject({
        code: 'webhook_target_refused',
        status: 422,
        reason: 'private_address',
      })
    }
    const change = { url: 'http://169.254.169.254/' }
    const changed = await service.api.patch(`/api/v1/webhooks/${hook.id}`, change)
    expect(changed.code).toBe('webhook_target_refused')
    const wrong = [
      'ftp://shop.example/',
      'http://user:password@shop.example/',
      'http://user@shop.example/',
      'http://shop.example/#part',
      'http://',
      'file:///etc/passwd',
      ' http://shop.example/',
      'http://shop.example/\n',
      `http://shop.example/${'x'.repeat(2000)}`,
    ]
    for (const url of wrong) expect((await create(url)).code).toBe('invalid_request')
    const types = [[], ['no.such'], ['transaction.posted', 'transaction.posted']]
    for (const some of types) {
      expect((await create(receiver.url, { types: some })).code).toBe('invalid_request')
    }
  })

  test('of one ledger are nothing to another', async () => {
    const { store, url } = service
    const other = await store.ledgers.open(`other-${Date.now()}`, Date.now())
    const { webhooks } = store
    expect(await webhooks.find(other.id, hook.id)).toBeUndefined()
    expect(await webhooks.remove(other.id, hook.id)).toBe(false)
    expect(url).toBe(service.url)
    for (const path of [missing, `${missing}/deliveries`]) {
      expect((await service.api.get(`/api/v1/webhooks/${path}`)).code).toBe('not_found')
    }
  })

  test('are written down only by who has the endpoint leased', async () => {
    const { webhookWork, webhooks } = service.store
    const endpoint = await webhooks.find(1, hook.id)
    if (endpoint === undefined) throw new Error('the endpoint is gone')
    const progress = {
      position: endpoint.position + 1_000_000n,
      failingSince: null,
      disabled: undefined,
      deliveries: [],
    }
    expect(await webhookWork.save(endpoint, missing, progress)).toBe(false)
    expect((await webhooks.find(1, hook.id))?.position).not.toBe(progress.position)
  })

  test('have their log pruned by age, and wholly when the endpoint is gone', async () => {
    await taken([await pay(people.alice)])
    await until('the log', async () => (await deliveries('?status=delivered')).length > 0)
    const endpoint = { ledgerId: 1, id: hook.id }
    const all = () =>
      service.store.webhooks.deliveries(endpoint, undefined, { before: undefined, size: 10 })
    const { signal } = new AbortController()

    await service.store.webhookWork.prune(Date.now() - 60_000, signal)
    expect(await all()).not.toEqual([])
    await service.api.delete(`/api/v1/webhooks/${hook.id}`)
    await until('an empty log', async () => {
      await service.store.webhookWork.prune(Date.now() - 60_000, signal)
      return (await all()).length === 0
    })
  })
})
