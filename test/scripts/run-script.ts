import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const timeoutMs = 25_000

/** How a script ended and what it said. */
export interface ScriptEnd {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Runs one of `scripts/` as npm does. */
export function runScript(
  name: string,
  environment: Readonly<Record<string, string>>,
  parameters: readonly string[] = [],
): Promise<ScriptEnd> {
  return runProgram(`scripts/${name}.ts`, environment, parameters)
}

/** Runs a program of ours to its end: a process of its own, which of our variables gets only the path (vitest sets BASE_URL). */
export function runProgram(
  entry: string,
  environment: Readonly<Record<string, string>>,
  parameters: readonly string[] = [],
): Promise<ScriptEnd> {
  const command = ['--import', 'tsx', entry, ...parameters]
  const options = {
    cwd: root,
    env: { PATH: process.env['PATH'], ...environment },
    timeout: timeoutMs,
  }
  return new Promise((resolve) => {
    execFile(process.execPath, command, options, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
      resolve({ code, stdout, stderr })
    })
  })
}

/** DATABASE_URL for a SQLite file. */
export function sqliteUrl(path: string): string {
  return `sqlite:${path}`
}
