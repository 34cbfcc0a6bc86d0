import { cachedDebianRedis, unpackDebianRedis } from './debian-redis.ts'
import type { UnpackedRedis } from './debian-redis.ts'
import { findProgram } from './find-program.ts'
import { runProgram } from './run-program.ts'

/** How to run a Redis: the program, what comes before its own parameters, and where from. */
export interface RedisProgram {
  program: string
  before: (port: number) => readonly string[]
  environment: Record<string, string>
  /** For the log of the run: which, and where from. */
  how: string
  /**
   * True when the program is only the client of a container, in which the server has other process
   * ids.
   */
  inContainer: boolean
}

/**
 * One way to Redis. Gives undefined when this machine does not have it; throws when it should work
 * and does not.
 */
export type RedisRoute = () => Promise<RedisProgram | undefined>

/** `redis-server` or `valkey-server` on PATH. */
const redisOnPath: RedisRoute = async () => {
  for (const name of ['redis-server', 'valkey-server']) {
    const program = await findProgram(name)
    if (program !== undefined) return described(program, {}, `${program} on PATH`)
  }
  return undefined
}

/** Debian's package, unpacked by an earlier run or now. */
const redisUnpacked: RedisRoute = async () => {
  const cached = await cachedDebianRedis()
  if (cached !== undefined)
    return ofUnpacked(cached, 'Debian’s package, unpacked by an earlier run')
  const unpacked = await unpackDebianRedis()
  return unpacked && ofUnpacked(unpacked, 'Debian’s package, downloaded and unpacked now')
}

/** Debian's package, installed. Only root can, and only when there is no other way. */
const redisInstalled: RedisRoute = async () => {
  if (process.getuid?.() !== 0 || (await findProgram('apt-get')) === undefined) return undefined
  // RUNLEVEL=1 asks the package's script not to start a server of its own.
  const environment = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  await runProgram('apt-get', ['update'], { environment })
  const install = ['install', '--yes', '--no-install-recommends', 'redis-server']
  await runProgram('apt-get', install, { environment })
  return redisOnPath()
}

/** The official image, where a docker daemon answers. */
const redisInDocker: RedisRoute = async () => {
  const docker = await findProgram('docker')
  if (docker === undefined) return undefined
  try {
    await runProgram(docker, ['version', '--format', '{{.Server.Version}}'])
  } catch {
    return undefined
  }
  await runProgram(docker, ['pull', '--quiet', 'redis:7'])
  return {
    program: docker,
    before: (port) => [
      'run',
      '--rm',
      '--publish',
      `127.0.0.1:${port}:${port}`,
      'redis:7',
      'redis-server',
    ],
    environment: {},
    how: 'Redis 7, from docker (redis:7)',
    inContainer: true,
  }
}

/**
 * In the order of preference: first what the machine has, last what changes it or needs a daemon.
 */
export const redisRoutes: readonly RedisRoute[] = [
  redisOnPath,
  redisUnpacked,
  redisInstalled,
  redisInDocker,
]

function ofUnpacked(redis: UnpackedRedis, origin: string): Promise<RedisProgram> {
  return described(redis.program, { LD_LIBRARY_PATH: redis.libraries }, origin)
}

async function described(
  program: string,
  environment: Record<string, string>,
  origin: string,
): Promise<RedisProgram> {
  const version = await runProgram(program, ['--version'], { environment })
  const number = /v=([\d.]+)/.exec(version)?.[1] ?? version.trim()
  const kind = version.startsWith('Valkey') ? 'Valkey' : 'Redis'
  return {
    program,
    before: () => [],
    environment,
    how: `${kind} ${number}, ${origin}`,
    inContainer: false,
  }
}
