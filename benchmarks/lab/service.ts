import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import packageJson from '../../package.json' with { type: 'json' }

/** A process under measurement. */
export interface MeasuredProcess {
  readonly address: string
  readonly pid: number
  /** Ends it with SIGTERM and waits until it is gone. */
  readonly stop: () => Promise<void>
}

/** Starts the API service in a process of its own, on a free port. With Redis it does not drain. */
export function startService(databaseUrl: string, redisUrl = ''): Promise<MeasuredProcess> {
  return start(commandOf('start'), environmentOf(databaseUrl, redisUrl))
}

/** Starts a worker in a process of its own. */
export function startWorker(databaseUrl: string, redisUrl: string): Promise<MeasuredProcess> {
  return start(commandOf('worker'), environmentOf(databaseUrl, redisUrl))
}

/** Starts the yardstick: one database transaction a request, one statement at a time. */
export function startOneAtATime(databaseUrl: string): Promise<MeasuredProcess> {
  return start(['--import', 'tsx', 'benchmarks/one-at-a-time.ts', databaseUrl], {})
}

/** What `npm start` and `npm run worker` run, without npm between. */
function commandOf(script: 'start' | 'worker'): string[] {
  const [node, ...parameters] = packageJson.scripts[script].split(' ')
  if (node !== 'node') throw new Error(`npm run ${script} is expected to run node`)
  return parameters
}

function environmentOf(databaseUrl: string, redisUrl: string): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    PORT: '0',
    WORKER_PORT: '0',
    DATABASE_URL: databaseUrl,
    REDIS_URL: redisUrl,
    LOG_LEVEL: 'info',
    QUEUE_BACKLOG_MAX: '10000000',
  }
}

async function start(
  args: readonly string[],
  environment: Record<string, string>,
): Promise<MeasuredProcess> {
  const child = spawn(process.execPath, args, {
    cwd: new URL('../..', import.meta.url),
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const address = await addressFrom(child.stdout)
  // Keep reading, so that the child never waits for a full pipe.
  child.stdout.resume()
  return {
    address,
    pid: child.pid ?? 0,
    stop: async () => {
      if (child.exitCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      await gone
    },
  }
}

/** Waits for the first line that tells where the process listens. */
async function addressFrom(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const address = /https?:\/\/[0-9.:]+/.exec(line)?.[0]
    if (address !== undefined) return address
  }
  throw new Error('the process ended before it listened')
}
