import { readFile } from 'node:fs/promises'
import { runProgram } from './run-program.ts'

/** The process ids of a process's direct children. Postgres and Redis start no deeper ones. */
export async function childrenOf(pid: number): Promise<number[]> {
  // Linux tells it in a file, also where there is no `ps` (a slim container has none).
  const listed = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => undefined)
  if (listed !== undefined) return listed.split(' ').filter(Boolean).map(Number)

  const table = await runProgram('ps', ['-A', '-o', 'pid=,ppid='])
  return table
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .flatMap(([child]) => child ?? [])
}

/**
 * Whether a process still runs. One that has ended and waits to be reaped, perhaps for ever in a
 * container, does not.
 */
export async function isAlive(pid: number): Promise<boolean> {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '')
  return !/\) [ZX] /.test(stat)
}
