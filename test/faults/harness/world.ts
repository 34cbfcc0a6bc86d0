import { randomBytes } from 'node:crypto'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { urlOfDatabase, withClient } from '../../../scripts/provision/postgres-database.ts'
import { provisionPostgres, type PostgresServer } from '../../../scripts/provision/postgres.ts'
import { provisionRedis, type RedisServer } from '../../../scripts/provision/redis.ts'
import { startLink, type Link } from './link.ts'
import { ServiceProcess } from './service-process.ts'
import { until } from './until.ts'

const ourSources = fileURLToPath(new URL('../../..', import.meta.url))

/** A Postgres and a Redis that nobody else uses, to be killed and stopped at will. */
export interface Servers {
  readonly postgres: PostgresServer
  readonly redis: RedisServer
  stop(): Promise<void>
}

/** Starts both. */
export async function startServers(): Promise<Servers> {
  const [postgres, redis] = await Promise.all([
    provisionPostgres({ durable: false, ownServer: true }),
    provisionRedis({ ownServer: true }),
  ])
  const stop = async () => {
    await Promise.all([postgres.stop(), redis.stop()])
  }
  return { postgres, redis, stop }
}

/** What runs, and how. */
export interface WorldOptions {
  readonly apis?: number
  readonly workers?: number
  /** More of the environment of every process. */
  readonly environment?: Readonly<Record<string, string>>
  /** Another number of queues for every second worker: a fleet of its own over the same slots. */
  readonly queuesOfOtherFleet?: number
  /** Where the database's files go, when not with the server's. */
  readonly tablespace?: string
  /** The folder of other sources than ours: a mutant's. */
  readonly sources?: string
  /** Statements for the migrated database before the load begins: a mutant's, or a fault's. */
  readonly sql?: readonly string[]
}

/** A process and its two links. */
export interface Member {
  readonly process: ServiceProcess
  readonly toPostgres: Link
  readonly toRedis: Link
}

/** A production-shaped LedgerFlow on this machine, with a network that can be made to fail. */
export interface World {
  readonly servers: Servers
  /** The database, not through any link. */
  readonly databaseUrl: string
  readonly apis: readonly Member[]
  readonly workers: readonly Member[]
  readonly members: readonly Member[]
  /** Runs statements as the superuser, on a connection of its own. */
  sql<Row extends object>(text: string, parameters?: readonly unknown[]): Promise<Row[]>
  /** Sends Redis a command, not through any link. */
  redis(command: string, ...parameters: string[]): Promise<unknown>
  /** Ends every fault: servers up, links open, processes running. */
  heal(): Promise<void>
  /** Ends that nobody asked for. */
  unexpectedEnds(): string[]
  close(): Promise<void>
}

/** Starts a world on servers of the caller's. */
export async function startWorld(servers: Servers, options: WorldOptions = {}): Promise<World> {
  const { apis = 2, workers = 2, environment = {}, sources = ourSources, sql = [] } = options
  const { queuesOfOtherFleet } = options
  const database = `faults_${randomBytes(6).toString('hex')}`
  const databaseUrl = await createDatabase(servers, database, options.tablespace)
  await redisCommand(servers, 'flushall')

  const member = async (kind: 'api' | 'worker', number: number): Promise<Member> => {
    const [toPostgres, toRedis] = await Promise.all([
      startLink(servers.postgres.port),
      startLink(servers.redis.port),
    ])
    const throughLink = new URL(urlOfDatabase(servers.postgres.url(), database))
    throughLink.port = String(toPostgres.port)
    const process = new ServiceProcess({
      name: `${kind} ${number}`,
      entry: kind === 'api' ? 'services/main.ts' : 'services/worker/main.ts',
      folder: sources,
      environment: {
        PORT: '0',
        WORKER_PORT: '0',
        DATABASE_URL: throughLink.href,
        REDIS_URL: `redis://127.0.0.1:${toRedis.port}`,
        LOG_LEVEL: 'info',
        ...(kind === 'worker' && number % 2 === 0 && queuesOfOtherFleet !== undefined
          ? { QUEUES: String(queuesOfOtherFleet) }
          : {}),
        ...environment,
      },
    })
    return { process, toPostgres, toRedis }
  }
  const numbers = (count: number) => Array.from({ length: count }, (_, index) => index + 1)
  const apiMembers = await Promise.all(numbers(apis).map((number) => member('api', number)))
  const workerMembers = await Promise.all(numbers(workers).map((n) => member('worker', n)))
  const members = [...apiMembers, ...workerMembers]

  const run = <Row extends object>(text: string, parameters: readonly unknown[] = []) =>
    withClient(databaseUrl, async (client) => (await client.query<Row>(text, [...parameters])).rows)

  const world: World = {
    servers,
    databaseUrl,
    apis: apiMembers,
    workers: workerMembers,
    members,
    sql: run,
    redis: (command, ...parameters) => redisCommand(servers, command, ...parameters),
    heal: () => heal(servers, members),
    unexpectedEnds: () => members.flatMap(({ process }) => process.unexpectedEnds),
    close: async () => {
      await Promise.all(members.map(({ process }) => process.kill()))
      await Promise.all(members.flatMap((each) => [each.toPostgres.close(), each.toRedis.close()]))
    },
  }
  try {
    // All at once: one of them migrates, the others wait for it.
    await Promise.all(members.map(({ process }) => process.start()))
    for (const text of sql) await run(text)
  } catch (error) {
    await world.close()
    throw error
  }
  return world
}

/** Kills Postgres as `pg_ctl stop -m immediate` does: no checkpoint, every connection cut. */
export async function stopPostgresImmediately({ postgres }: Servers): Promise<void> {
  await postgres.kill('SIGQUIT')
  await until('Postgres has ended', 15_000, () => postgres.pid === undefined)
}

async function createDatabase(
  { postgres }: Servers,
  name: string,
  tablespace: string | undefined,
): Promise<string> {
  if (tablespace === undefined) return postgres.createDatabase(name)
  await withClient(postgres.url(), (client) =>
    client.query(`create database ${name} tablespace ${tablespace}`),
  )
  return postgres.url(name)
}

async function heal(servers: Servers, members: readonly Member[]): Promise<void> {
  for (const { toPostgres, toRedis } of members) {
    toPostgres.pass()
    toRedis.pass()
  }
  const { postgres, redis } = servers
  if (postgres.pid === undefined) await postgres.restart()
  else await postgres.kill('SIGCONT')
  if (redis.pid === undefined) await redis.restart()
  else await redis.kill('SIGCONT')
  await redisCommand(servers, 'config', 'set', 'maxmemory', '0')
  await Promise.all(
    members.map(async ({ process }) => {
      if (process.paused) process.resume()
      if (!process.running) await process.start()
    }),
  )
}

async function redisCommand(
  { redis }: Servers,
  command: string,
  ...parameters: string[]
): Promise<unknown> {
  const client = new Redis(redis.url(), { retryStrategy: () => null, lazyConnect: true })
  client.on('error', () => undefined)
  await client.connect()
  try {
    return await client.call(command, ...parameters)
  } finally {
    client.disconnect()
  }
}
