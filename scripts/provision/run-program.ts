import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import type { Owner } from './unprivileged-owner.ts'

const execute = promisify(execFile)
const TIMEOUT_MS = 300_000

/**
 * Runs a program to its end and gives what it wrote to stdout. Throws with all it wrote when it
 * exits with another code than 0, is not there, or takes longer than five minutes.
 */
export async function runProgram(
  program: string,
  parameters: readonly string[],
  options: { cwd?: string; owner?: Owner | undefined; environment?: Record<string, string> } = {},
): Promise<string> {
  const { stdout } = await execute(program, parameters, {
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    ...options.owner,
    env: { ...process.env, ...options.environment },
    timeout: TIMEOUT_MS,
    maxBuffer: 64 * 1024 * 1024,
  })
  return stdout
}
