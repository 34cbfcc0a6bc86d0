import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import packageJson from '../../package.json' with { type: 'json' }

/** A process under measurement. */
export interface MeasuredProcess {
  readonly address: string
  readonly pid: number
  /** Ends it with SIGTERM and waits until it is gone. Harmless when it is gone already. */
  readonly stop: () => Promise<void>
}

/** What a service of ours is told; without Redis the API drains its own queue. */
export interface ServiceEnvironment {
  readonly databaseUrl: string
  readonly redisUrl?: string
}

/** Starts the API service in a process of its own, on a free port. */
export function startService(environment: ServiceEnvironment): Promise<MeasuredProcess> {
  return start(commandOf('start'), variablesOf(environment))
}

/** Starts a worker in a process of its own. */
export function startWorker(environment: ServiceEnvironment): Promise<MeasuredProcess> {
  return start(commandOf('worker'), variablesOf(environment))
}

/** Starts a yardstick: one database transaction a request, one statement at a time; bare, or with what we promise. */
export function startOneAtATime(
  databaseUrl: string,
  server: 'one-at-a-time' | 'same-promises',
): Promise<MeasuredProcess> {
  return start(['--import', 'tsx', `benchmarks/servers/${server}.ts`, databaseUrl], {})
}

/** Starts the endpoint that does nothing. */
export function startNothing(): Promise<MeasuredProcess> {
  return start(['--import', 'tsx', 'benchmarks/servers/nothing.ts'], {})
}

/** What `npm start` and `npm run worker` run, without npm between. */
function commandOf(script: 'start' | 'worker'): string[] {
  const [node, ...parameters] = packageJson.scripts[script].split(' ')
  if (node !== 'node') throw new Error(`npm run ${script} is expected to run node`)
  return parameters
}

function variablesOf({ databaseUrl, redisUrl = '' }: ServiceEnvironment): Record<string, string> {
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
  program: readonly string[],
  variables: Record<string, string>,
): Promise<MeasuredProcess> {
  const child = spawn(process.execPath, program, {
    cwd: new URL('../..', import.meta.url),
    env: { ...process.env, ...variables },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const stop = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  }
  // It does not outlive us, whoever ends us in good order.
  const endIt = () => void child.kill('SIGKILL')
  process.once('exit', endIt)
  child.once('exit', () => process.off('exit', endIt))
  const address = await addressFrom(child.stdout)
  // Keep reading, so that the child never waits for a full pipe.
  child.stdout.resume()
  return { address, pid: child.pid ?? 0, stop }
}

/** Waits for the first line that tells where the process listens. */
async function addressFrom(output: NodeJS.ReadableStream): Promise<string> {
  for await (const line of createInterface({ input: output })) {
    const address = /https?:\/\/[0-9.:]+/.exec(line)?.[0]
    if (address !== undefined) return address
  }
  throw new Error('the process ended before it listened')
}
