import { spawn } from 'node:child_process'

/** Told which process to end; acts when its pipe to us closes. */
export interface Watchdog {
  /** The process to end from now on; undefined: none, it is already gone. */
  guard(pid: number | undefined): void
  /** Removes the folder and ends the watchdog. */
  dismiss(): void
}

/**
 * A shell of its own session that reads our pipe until it closes. It closes when we exit, are
 * interrupted, terminated or killed with -9: so there is one way of cleaning up, and no exit hook
 * that a crash could pass over. It then ends the process it guards (SIGCONT, because a stopped one
 * hears nothing but SIGKILL) and removes the folder.
 */
const SCRIPT = `
trap '' INT TERM HUP
pid=
while read -r line; do pid=$line; done
if [ -n "$pid" ]; then
  kill -QUIT "$pid" && kill -CONT "$pid"
  tries=0
  while kill -0 "$pid" && [ "$tries" -lt 80 ]; do sleep 0.1; tries=$((tries + 1)); done
  kill -KILL "$pid"
fi
rm -rf -- "$1"
`

/**
 * Sees to it that a folder, and the server that lives in it, are gone soon after this process is,
 * however that ends.
 */
export function startWatchdog(folder: string): Watchdog {
  const shell = spawn('/bin/sh', ['-c', SCRIPT, 'ledgerflow-watchdog', folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  shell.unref()
  // A shell that could not be started must not take the tests down: it is the second line of
  // defence.
  shell.on('error', () => {})
  shell.stdin.on('error', () => {})
  // It is a socket, whatever its type says; we do not wait for it to close.
  if ('unref' in shell.stdin && typeof shell.stdin.unref === 'function') shell.stdin.unref()
  return {
    guard: (pid) => void shell.stdin.write(`${pid ?? ''}\n`),
    dismiss: () => void shell.stdin.end('\n'),
  }
}
