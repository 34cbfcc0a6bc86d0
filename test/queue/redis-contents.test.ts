import type { Redis } from 'ioredis'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { redisPrefix } from '../support/databases.ts'
import { open, openWallet } from '../support/people.ts'
import type { Service } from '../support/service.ts'
import { startRedisService, witness } from './redis-service.ts'

/** Redis is the doorbell, not the mailbox: what it holds may be lost, and may be read by whoever reads Redis. */

const waiting = { timeout: 20_000, interval: 20 }

/** Words and figures that a request may carry, each so long that no id and no time holds it by chance. */
const canaries = {
  accountName: 'Canary Wallet Zebrafink',
  accountCode: 'canary-code-zebrafink',
  reference: 'canary-reference-zebrafink',
  description: 'canary description zebrafink',
  metadataName: 'canary_metadata_zebrafink',
  metadataValue: 'canary value zebrafink',
  idempotencyKey: 'canary-key-zebrafink',
  orderingKey: 'canary-order-zebrafink',
  amount: '3133731337313.77',
} as const

/** As they might be written otherwise: parts of the words, minor units, other scales. */
const traces = [...Object.values(canaries), 'zebrafink', 'anary', '3133731337313', 'USD']

const paymentsMax = 60

let service: Service
let redis: Redis
let heard: string[]
let subscriber: Redis

beforeAll(async () => {
  service = await startRedisService()
  redis = witness()
  subscriber = witness()
  heard = []
  subscriber.on('pmessage', (_pattern: string, channel: string, message: string) => {
    if (channel.includes(redisPrefix())) heard.push(`${channel} ${message}`)
  })
  await subscriber.psubscribe('*')
})
afterAll(async () => {
  redis.disconnect()
  subscriber.disconnect()
  await service.close()
})

test('Redis holds and carries no amount, name or key: only slots, sequences, counts and transaction ids', async () => {
  const ids = await postCanaries()
  await allEnded(ids)
  const told = await vi.waitFor(async () => {
    const dump = await everything()
    if (!dump.some((line) => line.includes('refused '))) throw new Error('no job has a log yet')
    if (!ids.every((id) => heard.some((message) => message.includes(id)))) {
      throw new Error('not all ends were told yet')
    }
    return [...dump, ...heard]
  }, waiting)

  // The control: the scan sees names, data, results, logs and messages.
  const text = told.join('\n')
  for (const part of ['"slots":[', '"firstSequence"', 'posted ', 'completed', ':ended ']) {
    expect(text).toContain(part)
  }
  for (const id of ids) expect(text).toContain(id)
  const found = traces.filter((trace) => text.toLowerCase().includes(trace.toLowerCase()))
  expect(found).toEqual([])
  expect(unknownDataOf(told)).toEqual([])
})

test('the scan finds a canary wherever it may sit', async () => {
  const place = `${redisPrefix()}:planted`
  const { reference } = canaries
  await redis.set(`${place}:string`, reference)
  await redis.hset(`${place}:hash`, reference, '1')
  await redis.rpush(`${place}:list`, reference)
  await redis.sadd(`${place}:set`, reference)
  await redis.zadd(`${place}:sorted`, 1, reference)
  await redis.xadd(`${place}:stream`, '*', 'word', reference)
  try {
    const planted = (await everything()).filter((line) => line.startsWith(place))
    expect(planted.filter((line) => line.includes(reference))).toHaveLength(6)
  } finally {
    const keys = await redis.keys(`${place}:*`)
    await redis.del(...keys)
  }
})

/** Payments, most of them good, some refused, all asynchronous and full of canaries; gives their ids. */
async function postCanaries(): Promise<string[]> {
  const { api } = service
  const wallet = await openWallet(api, {
    name: canaries.accountName,
    code: canaries.accountCode,
    metadata: { [canaries.metadataName]: canaries.metadataValue },
  })
  const cash = await open(api, { name: canaries.accountName })
  const payments = Array.from({ length: paymentsMax }, async (_, number) => {
    // Each tenth takes more than the wallet can ever hold.
    const outgoing = number % 10 === 0
    const [debit, credit] = outgoing ? [wallet, cash] : [cash, wallet]
    const amount = outgoing ? `999${canaries.amount}` : canaries.amount
    const body = {
      currency: 'USD',
      reference: canaries.reference,
      description: canaries.description,
      metadata: { [canaries.metadataName]: canaries.metadataValue },
      ordering_key: `${canaries.orderingKey}-${number % 7}`,
      entries: [
        { account_id: debit.id, direction: 'debit', amount },
        { account_id: credit.id, direction: 'credit', amount },
      ],
    }
    const headers = { 'idempotency-key': `${canaries.idempotencyKey}-${number}` }
    const answer = await api.post<{ id: string }>('/api/v1/transactions?mode=async', body, headers)
    expect(answer.status).toBe(202)
    return answer.body.id
  })
  return Promise.all(payments)
}

async function allEnded(ids: readonly string[]): Promise<void> {
  const ended = await Promise.all(
    ids.map(async (id) => {
      const answer = await service.api.get<{ status: string }>(`/api/v1/transactions/${id}?wait=20`)
      return answer.body.status
    }),
  )
  expect(new Set(ended)).toEqual(new Set(['posted', 'failed']))
}

/** Every key of this test file and every value below it, a line each: `key content`. */
async function everything(): Promise<string[]> {
  const lines: string[] = []
  for await (const keys of redis.scanStream({ match: `*${redisPrefix()}*`, count: 1000 })) {
    for (const key of keys as string[]) lines.push(`${key} ${await contentOf(key)}`)
  }
  return lines
}

async function contentOf(key: string): Promise<string> {
  const type = await redis.type(key)
  switch (type) {
    case 'string':
      return (await redis.get(key)) ?? ''
    case 'hash':
      return Object.entries(await redis.hgetall(key))
        .map(([field, value]) => `${field}=${value}`)
        .join(' ')
    case 'list':
      return (await redis.lrange(key, 0, -1)).join(' ')
    case 'set':
      return (await redis.smembers(key)).join(' ')
    case 'zset':
      return (await redis.zrange(key, 0, -1)).join(' ')
    case 'stream':
      return JSON.stringify(await redis.xrange(key, '-', '+'))
    // It has ended since the scan.
    case 'none':
      return ''
    default:
      throw new Error(`the scan cannot read a ${type}`)
  }
}

/** Members of jobs' data and results that nobody has decided on: what is added there must be thought about here. */
function unknownDataOf(lines: readonly string[]): string[] {
  const allowed = new Set([
    'queues',
    'slots',
    'posted',
    'refused',
    'firstSequence',
    'lastSequence',
    'stoppedBy',
    'ms',
  ])
  const unknown = new Set<string>()
  for (const line of lines) {
    for (const [, json = ''] of line.matchAll(/\b(?:data|returnvalue)=(\{.*?\})(?= |$)/g)) {
      for (const name of Object.keys(JSON.parse(json) as object)) {
        if (!allowed.has(name)) unknown.add(name)
      }
    }
  }
  return [...unknown]
}
