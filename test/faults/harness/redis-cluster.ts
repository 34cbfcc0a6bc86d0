import { Redis } from 'ioredis'
import { provisionRedis, type RedisServer } from '../../../scripts/provision/redis.ts'
import { until } from './until.ts'

/** How many hash slots a cluster has. */
const hashSlots = 16_384

/** A Redis Cluster of three masters on this machine. */
export interface RedisCluster {
  readonly nodes: readonly RedisServer[]
  /** As `REDIS_URL` takes it. */
  readonly url: string
  /** How many keys each node holds. */
  keys(): Promise<number[]>
  /** Resolves when every node says that the cluster is whole. */
  isWhole(): Promise<void>
  stop(): Promise<void>
}

/** Starts three nodes and joins them, as `redis-cli --cluster create` does: slots, then acquaintance. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const nodes = await Promise.all([1, 2, 3].map(() => provisionRedis({ clusterNode: true })))
  const stop = async () => {
    await Promise.all(nodes.map((node) => node.stop()))
  }
  const isWhole = async () => {
    await until('the cluster is whole', 30_000, async () => {
      const states = await Promise.all(nodes.map((node) => ask<string>(node, 'cluster', 'info')))
      return states.every((state) => state?.includes('cluster_state:ok'))
    })
  }
  try {
    const share = Math.ceil(hashSlots / nodes.length)
    for (const [index, node] of nodes.entries()) {
      const slots = Array.from({ length: share }, (_, offset) => index * share + offset)
      const own = slots.filter((slot) => slot < hashSlots).map(String)
      await ask(node, 'cluster', 'addslots', ...own)
      await ask(node, 'cluster', 'set-config-epoch', String(index + 1))
    }
    const [first, ...others] = nodes
    if (first === undefined) throw new Error('there is no node')
    const [, busPort = ''] = (await ask<string[]>(first, 'config', 'get', 'cluster-port')) ?? []
    for (const node of others) {
      await ask(node, 'cluster', 'meet', '127.0.0.1', String(first.port), busPort)
    }
    await isWhole()
  } catch (error) {
    await stop()
    throw error
  }
  return {
    nodes,
    url: nodes.map((node) => node.url()).join(','),
    keys: () => Promise.all(nodes.map(async (node) => (await ask<number>(node, 'dbsize')) ?? 0)),
    isWhole,
    stop,
  }
}

/** Sends one node a command; undefined while it is down. */
async function ask<Answer>(
  node: RedisServer,
  command: string,
  ...parameters: string[]
): Promise<Answer | undefined> {
  if (node.pid === undefined) return undefined
  const client = new Redis(node.url(), { retryStrategy: () => null, lazyConnect: true })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return (await client.call(command, ...parameters)) as Answer
  } finally {
    client.disconnect()
  }
}
