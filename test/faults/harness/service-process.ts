import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'

/** How long a process may take to be ready; two busy cores start four of them at a time. */
const startMsMax = 60_000

/** What ends after this has not stopped by itself. The promise is 25 s. */
const stopMsMax = 40_000

const linesKept = 200

/** What to run. */
export interface ServiceCommand {
  readonly name: string
  /** The file, from `folder`. */
  readonly entry: string
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
}

/** How a process ended after SIGTERM. */
export interface Stopped {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly ms: number
}

/** One API or worker process, the very one that `npm start` or `npm run worker` runs. */
export class ServiceProcess {
  readonly name: string
  readonly #command: ServiceCommand
  #child: ChildProcess | undefined
  #address: string | undefined
  #paused = false
  readonly #output: string[] = []
  readonly #ends: string[] = []

  constructor(command: ServiceCommand) {
    this.name = command.name
    this.#command = command
  }

  /** Where it answers; undefined while it is down. */
  get address(): string | undefined {
    return this.#address
  }

  get running(): boolean {
    return this.#child !== undefined
  }

  get paused(): boolean {
    return this.#paused
  }

  /** Ends that nobody asked for, with the last words. */
  get unexpectedEnds(): readonly string[] {
    return this.#ends
  }

  /** The last lines that it printed. */
  get output(): readonly string[] {
    return this.#output
  }

  /**
   * Starts it, with changes to its environment if there are any, and resolves when it says that it is ready. Rejects with
   * its last words when it ends before.
   */
  async start(changes: Readonly<Record<string, string>> = {}): Promise<void> {
    if (this.#child !== undefined) throw new Error(`${this.name} is already running`)
    const { entry, folder, environment } = this.#command
    const child = spawn(process.execPath, ['--import', 'tsx', entry], {
      cwd: folder,
      env: { ...bareEnvironment(), ...environment, ...changes },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#child = child
    let ended = false
    const ready = new Promise<string>((resolve, reject) => {
      const hear = (line: string) => {
        this.#keep(line)
        const address = addressIn(line)
        if (address !== undefined) resolve(address)
      }
      eachLine(child.stdout, hear)
      eachLine(child.stderr, hear)
      child.on('error', reject)
      child.on('exit', (code, signal) => {
        ended = true
        reject(new Error(`${this.name} ended with ${code ?? signal}:\n${this.#lastWords()}`))
      })
    })
    child.on('exit', (code, signal) => {
      if (this.#child !== child) return
      this.#child = undefined
      this.#address = undefined
      this.#ends.push(`${this.name} ended by itself with ${code ?? signal}: ${this.#lastWords()}`)
    })
    const inTime = sleep(startMsMax, undefined, { ref: false }).then(() => {
      throw new Error(`${this.name} was not ready after ${startMsMax} ms:\n${this.#lastWords()}`)
    })
    try {
      this.#address = await Promise.race([ready, inTime])
    } catch (error) {
      this.#child = undefined
      if (!ended) child.kill('SIGKILL')
      throw error
    }
  }

  /** kill -9; resolves when it is gone. */
  async kill(): Promise<void> {
    const child = this.#forget()
    if (child === undefined) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }

  /** SIGTERM; resolves with how it ended, at the latest after 40 s, when it is killed. */
  async terminate(): Promise<Stopped> {
    const child = this.#forget()
    if (child === undefined) throw new Error(`${this.name} is not running`)
    const begun = performance.now()
    const gone = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>
    child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax)
    const [code, signal] = await gone
    clearTimeout(timer)
    return { code, signal, ms: Math.round(performance.now() - begun) }
  }

  pause(): void {
    if (this.#child?.kill('SIGSTOP') === true) this.#paused = true
  }

  resume(): void {
    this.#child?.kill('SIGCONT')
    this.#paused = false
  }

  #forget(): ChildProcess | undefined {
    const child = this.#child
    this.#child = undefined
    this.#address = undefined
    this.#paused = false
    return child
  }

  #keep(line: string): void {
    this.#output.push(line)
    if (this.#output.length > linesKept) this.#output.shift()
  }

  #lastWords(): string {
    return this.#output.slice(-12).join('\n')
  }
}

/** The address that the line of readiness names. */
function addressIn(line: string): string | undefined {
  if (!line.includes('"address"') || !line.includes('ready')) return undefined
  return (JSON.parse(line) as { address?: string }).address
}

function eachLine(stream: NodeJS.ReadableStream, hear: (line: string) => void): void {
  let rest = ''
  stream.setEncoding('utf8')
  stream.on('data', (text: string) => {
    const lines = (rest + text).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) if (line !== '') hear(line)
  })
}

/** What a process needs to run at all. The rest of our environment would configure it, or is the test runner's. */
function bareEnvironment(): NodeJS.ProcessEnv {
  const names = ['PATH', 'HOME', 'TMPDIR', 'LD_LIBRARY_PATH']
  return Object.fromEntries(names.map((name) => [name, process.env[name]]))
}
