import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { redisProcessId } from './redis-hello.ts'
import type { RedisProgram, RedisRoute } from './redis-program.ts'
import { redisRoutes } from './redis-program.ts'
import type { ServerProcess } from './server-process.ts'
import { serverProcess } from './server-process.ts'
import { throwAwayFolder } from './throw-away-folder.ts'

const PORT_ATTEMPTS_MAX = 5

/** A Redis for tests and benchmarks. */
export interface RedisServer {
  /** For the log of the run: which version, and where from. */
  readonly how: string
  readonly port: number
  /** Undefined while it is down, and always when the server is not ours. */
  readonly pid: number | undefined
  url: () => string
  /** Sends a signal; SIGKILL is waited for. Throws when the server is not ours. */
  kill: (signal: NodeJS.Signals) => Promise<void>
  /**
   * Starts it on the same data and port, ending it first when it runs. Its append-only file
   * survives kill -9 of the server, so the data is still there; `empty` brings it back without.
   * Throws when the server is not ours.
   */
  restart: (options?: { empty: boolean }) => Promise<void>
  /** Ends it and removes its data. Leaves a server alone that is not ours. */
  stop: () => Promise<void>
}

export interface RedisOptions {
  /** True: never the server of TEST_REDIS_URL, because the caller is going to kill or stop it. */
  ownServer?: boolean
  /** True: a node that can be made part of a cluster; always an own server, on this machine itself. */
  clusterNode?: boolean
  /** The ways to try, in order. */
  routes?: readonly RedisRoute[]
}

/**
 * A real Redis, on any machine; first hit wins: TEST_REDIS_URL, PATH (also Valkey), Debian's
 * package unpacked into a cache folder, the same installed when we are root, docker. Under a
 * second, a few when it downloads. It ends with this process, however this one ends. Throws, naming
 * all that was tried, when none works.
 */
export async function provisionRedis(options: RedisOptions = {}): Promise<RedisServer> {
  const given = process.env['TEST_REDIS_URL']
  const own = options.ownServer === true || options.clusterNode === true
  if (given !== undefined && given !== '' && !own) return givenServer(given)

  const failures: unknown[] = []
  for (const route of options.routes ?? redisRoutes) {
    try {
      const program = await route()
      if (program !== undefined)
        return await ownServer(program, options.clusterNode === true ? clusterSettings : {})
    } catch (error) {
      failures.push(error)
    }
  }
  throw new AggregateError(
    failures,
    'no Redis: install redis-server or valkey-server (apt-get install redis-server, brew install redis), or start ' +
      `docker, or set TEST_REDIS_URL.${failures.map((failure) => `\n- ${String(failure)}`).join('')}`,
  )
}

function givenServer(given: string): RedisServer {
  const notOurs = () => Promise.reject(new Error('the server of TEST_REDIS_URL is not ours'))
  return {
    how: 'Redis, from TEST_REDIS_URL',
    port: Number(new URL(given).port || 6379),
    pid: undefined,
    url: () => given,
    kill: notOurs,
    restart: notOurs,
    stop: () => Promise.resolve(),
  }
}

/** Its bus listens on a free port of its own: the usual one, 10,000 above the other, may not exist. Redis 7, Valkey. */
const clusterSettings = {
  'cluster-enabled': 'yes',
  'cluster-port': async () => String(await freePort()),
  'cluster-node-timeout': '2000',
}

/** Settings of a server beyond the usual ones; what must be found anew each time is a function. */
type MoreSettings = Readonly<Record<string, string | (() => Promise<string>)>>

async function ownServer(program: RedisProgram, more: MoreSettings): Promise<RedisServer> {
  if (program.inContainer && Object.keys(more).length > 0) {
    throw new Error('a node of a cluster cannot run inside a container')
  }
  const folder = await throwAwayFolder()
  const data = join(folder, 'data')
  await mkdir(data)
  const { server, port } = await onFreePort(program, folder, data, more)
  return {
    how: program.how,
    port,
    get pid() {
      return server.pid
    },
    url: () => `redis://127.0.0.1:${port}`,
    kill: async (signal) => {
      if (program.inContainer) throw new Error('signals do not reach a Redis inside a container')
      await server.kill(signal)
    },
    restart: async (options) => {
      await server.end()
      if (options?.empty === true) {
        await rm(data, { recursive: true, force: true })
        await mkdir(data)
      }
      await server.start()
    },
    stop: server.stop,
  }
}

/** The first start: until it runs, another process may take the port we have chosen. */
async function onFreePort(
  program: RedisProgram,
  folder: string,
  data: string,
  more: MoreSettings,
): Promise<{ server: ServerProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const server = serverProcess({
      program: program.program,
      parameters: [
        ...program.before(port),
        ...parametersFor(port, program.inContainer ? undefined : data),
        ...(await parametersOf(more)),
      ],
      environment: program.environment,
      folder,
      answers: (pid) => answersAs(program.inContainer ? undefined : pid, port),
      endSignal: 'SIGTERM',
    })
    try {
      await server.start()
      return { server, port }
    } catch (error) {
      const taken = /already in use|answers in its place/.test(String(error))
      if (!taken || attempt === PORT_ATTEMPTS_MAX) {
        await server.stop()
        throw error
      }
      await server.end()
    }
  }
}

async function parametersOf(more: MoreSettings): Promise<string[]> {
  const settings = Object.entries(more).map(async ([name, value]) => [
    `--${name}`,
    typeof value === 'string' ? value : await value(),
  ])
  return (await Promise.all(settings)).flat()
}

/**
 * Without a data folder it listens everywhere inside its container; docker publishes it on
 * 127.0.0.1 only.
 */
function parametersFor(port: number, data: string | undefined): string[] {
  const place =
    data === undefined
      ? { bind: '0.0.0.0', 'protected-mode': 'no' }
      : { bind: '127.0.0.1', dir: data }
  const settings = {
    port: String(port),
    ...place,
    save: '',
    appendonly: 'yes',
    appendfsync: 'no',
    // What BullMQ asks for: a full Redis must refuse, not forget.
    'maxmemory-policy': 'noeviction',
  }
  return Object.entries(settings).flatMap(([name, value]) => [`--${name}`, value])
}

/**
 * Whether our server answers; in a container, where it has another process id, whether any does on
 * the port that docker holds for us.
 */
async function answersAs(pid: number | undefined, port: number): Promise<boolean> {
  const found = await redisProcessId(port)
  if (found === undefined) return false
  if (pid === undefined || found === pid) return true
  throw new Error(`another Redis answers in its place on port ${port}: process ${found}`)
}
