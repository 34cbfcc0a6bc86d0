import { spawn } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { open, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { childrenOf, isAlive } from './process-tree.ts'
import type { Owner } from './unprivileged-owner.ts'
import { startWatchdog } from './watchdog.ts'

const START_MS_MAX = 60_000
const END_MS_MAX = 15_000
const POLL_MS = 20

/** What to run, and how to know that it is up. */
export interface ServerCommand {
  program: string
  parameters: readonly string[]
  environment?: Record<string, string>
  owner?: Owner | undefined
  /** Where it runs, and its log goes; removed at the end. */
  folder: string
  /**
   * Whether the server with this process id answers. Throws when another process answers in its
   * place.
   */
  answers: (pid: number) => Promise<boolean>
  /** The signal that ends it at once but in good order. */
  endSignal: NodeJS.Signals
}

/** A server that we started: our child, by its process id. */
export interface ServerProcess {
  /** Undefined while it is down. */
  readonly pid: number | undefined
  /** Starts it, on the folder as it is; resolves when it answers. */
  start: () => Promise<void>
  /**
   * Sends a signal. SIGSTOP, SIGCONT and SIGKILL reach the processes it has started too, so that a
   * stopped or killed server is wholly so; after SIGKILL this waits until they are gone. All others
   * go to the server alone, and nothing is waited for.
   */
  kill: (signal: NodeJS.Signals) => Promise<void>
  /**
   * Ends it in good order, with SIGKILL when that takes longer than 15 s. Harmless when it is down.
   */
  end: () => Promise<void>
  /** Ends it and removes its folder. */
  stop: () => Promise<void>
}

/**
 * Prepares a server process; nothing runs before `start`. It ends with this process, however this
 * one ends.
 */
export function serverProcess(command: ServerCommand): ServerProcess {
  const watchdog = startWatchdog(command.folder)
  let child: ChildProcess | undefined

  async function start(): Promise<void> {
    if (child !== undefined) throw new Error('the server is already running')
    const started = await spawnLogged(command)
    child = started
    watchdog.guard(started.pid)
    started.once('exit', () => {
      if (child !== started) return
      child = undefined
      watchdog.guard(undefined)
    })
    await untilItAnswers(command, started)
  }

  async function kill(signal: NodeJS.Signals): Promise<void> {
    const pid = child?.pid
    if (child === undefined || pid === undefined) throw new Error('the server is not running')
    const wholeTree = signal === 'SIGSTOP' || signal === 'SIGCONT' || signal === 'SIGKILL'
    if (!wholeTree) {
      child.kill(signal)
      return
    }
    // Stopped first, the parent starts no further child while we look for them.
    process.kill(pid, 'SIGSTOP')
    const pids = [...(await childrenOf(pid)), pid]
    for (const each of pids) sendSignal(each, signal)
    if (signal === 'SIGKILL') await untilGone(pids, child)
  }

  async function end(): Promise<void> {
    const ending = child
    if (ending === undefined) return
    const exited = once(ending, 'exit')
    // From its start it does not keep this process alive; now somebody waits for it.
    ending.ref()
    ending.kill(command.endSignal)
    // One that a test has stopped hears the first signal only after this one.
    await kill('SIGCONT').catch(() => {})
    const inTime = await Promise.race([
      exited.then(() => true),
      sleep(END_MS_MAX, false, { ref: false }),
    ])
    if (!inTime && child === ending) await kill('SIGKILL')
  }

  async function stop(): Promise<void> {
    await end()
    await rm(command.folder, { recursive: true, force: true, maxRetries: 5 })
    watchdog.dismiss()
  }

  return {
    get pid() {
      return child?.pid
    },
    start,
    kill,
    end,
    stop,
  }
}

/** Starts the program, its output in a file: a pipe would break under it as soon as we die. */
async function spawnLogged(command: ServerCommand): Promise<ChildProcess> {
  const log = await open(join(command.folder, 'server.log'), 'a')
  try {
    const child = spawn(command.program, command.parameters, {
      cwd: command.folder,
      env: { ...process.env, ...command.environment },
      ...command.owner,
      stdio: ['ignore', log.fd, log.fd],
      // A session of its own: a Ctrl-C meant for the tests must not reach the server before they
      // end.
      detached: true,
    })
    await once(child, 'spawn')
    child.unref()
    return child
  } finally {
    await log.close()
  }
}

async function untilItAnswers(command: ServerCommand, child: ChildProcess): Promise<void> {
  const deadline = Date.now() + START_MS_MAX
  while (Date.now() < deadline) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) {
      throw new Error(`${command.program} ended while starting:\n${await logTail(command.folder)}`)
    }
    if (await command.answers(child.pid)) return
    await sleep(POLL_MS)
  }
  child.kill('SIGKILL')
  throw new Error(
    `${command.program} did not answer within ${START_MS_MAX / 1000} s:\n${await logTail(command.folder)}`,
  )
}

async function untilGone(pids: readonly number[], child: ChildProcess): Promise<void> {
  const deadline = Date.now() + END_MS_MAX
  while (Date.now() < deadline) {
    const gone = await Promise.all(pids.map(async (pid) => !(await isAlive(pid))))
    const reaped = child.exitCode !== null || child.signalCode !== null
    if (reaped && gone.every(Boolean)) return
    await sleep(POLL_MS)
  }
  throw new Error(`killed processes are still there: ${pids.join(', ')}`)
}

function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    // ESRCH: it ended by itself in between, which is what a killer wants and a stopper cannot help.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

async function logTail(folder: string): Promise<string> {
  const log = await readFile(join(folder, 'server.log'), 'utf8').catch(() => '')
  return log.split('\n').slice(-15).join('\n')
}
