import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import type { StoreLocation } from '../../shared/store/open.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const startMsMax = 20_000
const endMsMax = 28_000

/** How a service ended. */
export interface ServiceEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  /** From the signal to the end. */
  readonly tookMs: number
}

/** The real service as a process of its own, to be killed. */
export class ServiceProcess {
  readonly url: string
  /** What it wrote so far, for the message of a test that fails. */
  readonly log: readonly string[]
  readonly #child: ChildProcess

  private constructor(child: ChildProcess, url: string, log: readonly string[]) {
    this.#child = child
    this.url = url
    this.log = log
  }

  /** Starts it as `npm start` does, on a free port; resolves when it says that it is ready. */
  static start(
    location: StoreLocation,
    environment: Readonly<Record<string, string>> = {},
  ): Promise<ServiceProcess> {
    return ServiceProcess.#run('services/main.ts', location, environment)
  }

  /** Starts a worker by itself, as `npm run worker` does. */
  static startWorker(location: StoreLocation, redisUrl: string): Promise<ServiceProcess> {
    return ServiceProcess.#run('services/worker/main.ts', location, { REDIS_URL: redisUrl })
  }

  static async #run(
    entry: string,
    location: StoreLocation,
    environment: Readonly<Record<string, string>>,
  ): Promise<ServiceProcess> {
    const databaseUrl = location.dialect === 'sqlite' ? `sqlite:${location.path}` : location.url
    const child = spawn(process.execPath, ['--import', 'tsx', entry], {
      cwd: root,
      env: { PATH: process.env['PATH'], DATABASE_URL: databaseUrl, PORT: '0', ...environment },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const log: string[] = []
    child.stderr.on('data', (data: Buffer) => log.push(String(data)))
    const ready = new Promise<string>((resolve, reject) => {
      createInterface(child.stdout).on('line', (line) => {
        log.push(line)
        const address = /"address":"([^"]+)"/.exec(line)?.[1]
        if (address !== undefined) resolve(address)
      })
      child.once('exit', (code) => {
        reject(new Error(`the service ended with ${code} while starting:\n${log.join('\n')}`))
      })
    })
    const url = await withDeadline(ready, startMsMax, 'the service did not start')
    return new ServiceProcess(child, url, log)
  }

  /** Sends a signal and waits for the end of the process. */
  async end(signal: NodeJS.Signals): Promise<ServiceEnd> {
    const began = performance.now()
    const exited = once(this.#child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    this.#child.kill(signal)
    try {
      const [code, by] = await withDeadline(exited, endMsMax, `it did not end after ${signal}`)
      return { code, signal: by, tookMs: performance.now() - began }
    } catch (error) {
      this.#child.kill('SIGKILL')
      throw new Error(this.log.join('\n'), { cause: error })
    }
  }

  /** Ends it if a failed test has left it. */
  async clear(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) await this.end('SIGKILL')
  }
}

/** Waits for an event, but not for ever. */
export async function withDeadline<Result>(
  event: Promise<Result>,
  ms: number,
  otherwise: string,
): Promise<Result> {
  let timer: NodeJS.Timeout | undefined
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`${otherwise} within ${ms} ms`))
    }, ms)
  })
  try {
    return await Promise.race([event, deadline])
  } finally {
    clearTimeout(timer)
  }
}
