import { Cluster, Redis, type RedisOptions } from 'ioredis'

/** Where Redis is: one address, or several of one cluster. */
export interface RedisLocation {
  readonly urls: readonly string[]
}

/** Either kind of client; both speak the same commands. */
export type RedisClient = Redis | Cluster

/** How long a command may take before it counts as lost. A ring that is lost costs a second, a stuck request more. */
const commandTimeoutMs = 1000
const connectTimeoutMs = 1000

/** How long whoever looks at the queues waits for a Redis that does not answer. */
const readTimeoutMs = 2000

/** The pause between two attempts to connect; uncapped, a worker came back 18 s after an outage had ended. */
const reconnectMsMax = 1000

/** For commands that nobody waits for: they fail at once while Redis is away. */
const impatient: RedisOptions = {
  enableOfflineQueue: false,
  maxRetriesPerRequest: 0,
  commandTimeout: commandTimeoutMs,
  connectTimeout: connectTimeoutMs,
  retryStrategy: reconnectAfterMs,
}

/** For connections that wait for something to come (BullMQ's blocking reads): they hold on. */
const patient: RedisOptions = {
  maxRetriesPerRequest: null,
  connectTimeout: connectTimeoutMs,
  retryStrategy: reconnectAfterMs,
}

/** Connects for commands that must not wait. Errors are the caller's to hear; connecting goes on by itself. */
export function connectImpatiently(location: RedisLocation): RedisClient {
  return connect(location, impatient)
}

/** Connects for reads that wait. */
export function connectPatiently(location: RedisLocation): RedisClient {
  return connect(location, patient)
}

/** Connects for reads that somebody waits for: they hold on while Redis is away, but not for ever. */
export function connectForReading(location: RedisLocation): RedisClient {
  return connect(location, { ...patient, commandTimeout: readTimeoutMs })
}

/** Where Redis is, for people: without user and password. */
export function describeRedis(location: RedisLocation): string {
  const hosts = location.urls.map((url) => new URL(url).host).join(', ')
  return `BullMQ on Redis${location.urls.length > 1 ? ' Cluster' : ''} at ${hosts}`
}

function connect({ urls }: RedisLocation, options: RedisOptions): RedisClient {
  const [first] = urls
  if (first === undefined) throw new Error('Redis has no address')
  if (urls.length === 1) return withoutNoise(new Redis(first, options))
  const { enableOfflineQueue = true, ...redisOptions } = options
  const nodes = urls.map((url) => {
    const { hostname, port } = new URL(url)
    return { host: hostname, port: Number(port || 6379) }
  })
  const { username, password } = new URL(first)
  return withoutNoise(
    new Cluster(nodes, {
      enableOfflineQueue,
      clusterRetryStrategy: reconnectAfterMs,
      redisOptions: {
        ...redisOptions,
        ...(username === '' ? {} : { username }),
        ...(password === '' ? {} : { password: decodeURIComponent(password) }),
      },
    }),
  )
}

/** Without a listener, each failed attempt to connect would be printed; `isConnected` tells instead. */
function withoutNoise<Client extends RedisClient>(client: Client): Client {
  client.on('error', () => undefined)
  return client
}

function reconnectAfterMs(attempt: number): number {
  return Math.min(reconnectMsMax, 50 * attempt)
}
