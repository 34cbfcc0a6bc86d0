import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { createSqlitePath } from '../support/databases.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** Our promise for a stop: DESIGN, P13. */
const stopMsMax = 25_000

test('a service whose log nobody reads any more still stops when it is told to', async () => {
  const service = spawn(process.execPath, ['--import', 'tsx', 'services/main.ts'], {
    cwd: root,
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      DATABASE_URL: `sqlite:${createSqlitePath()}`,
    },
    stdio: ['ignore', 'pipe', 'ignore'],
  })
  try {
    const exited = once(service, 'exit', { signal: AbortSignal.timeout(stopMsMax) })
    for await (const line of createInterface(service.stdout)) {
      if (line.includes('LedgerFlow is ready')) break
    }
    service.stdout.destroy()
    service.kill('SIGTERM')

    expect(await exited).toEqual([0, null])
  } finally {
    service.kill('SIGKILL')
  }
})
