import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { PageJson } from '../support/api-client.ts'
import { openPeople, payment } from '../support/people.ts'
import { sqlite, startService, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'
import { sendingTo } from '../webhooks/sending.ts'
import { runScript } from './run-script.ts'

let service: Service
let strict: Service
beforeAll(async () => {
  service = await startService(sqlite(), { webhooks: sendingTo(['127.0.0.0/8']) })
  strict = await startService(sqlite())
})
afterAll(async () => {
  await service.close()
  await strict.close()
})

test('npm run webhooks:listen prints what happens, and removes its endpoint when it is interrupted', async () => {
  const child = listen(service.url)
  const lines: string[] = []
  createInterface(child.stdout).on('line', (line) => lines.push(line))
  const endpoints = async () =>
    (await service.api.get<PageJson<object>>('/api/v1/webhooks')).body.items
  try {
    await until('the listener', () => lines.some((line) => line.startsWith('Listening at http')))
    expect(await endpoints()).toHaveLength(1)
    const { alice, cash } = await openPeople(service.api)
    const request = payment({ debit: cash, credit: alice, amount: '1.00', reference: 'order-1' })
    const { id } = (await service.api.postTransaction(request)).body

    const line = await until('the event', () => lines.find((one) => one.includes('order-1')))
    expect(JSON.parse(line)).toMatchObject({ type: 'transaction.posted', data: { id } })
    const ended = once(child, 'exit')
    child.kill('SIGINT')
    expect(await ended).toEqual([0, null])
    expect(await endpoints()).toEqual([])
  } finally {
    child.kill('SIGKILL')
  }
})

test('npm run webhooks:listen says what to allow when this machine is not allowed', async () => {
  const end = await runScript('webhooks-listen', { BASE_URL: strict.url })
  expect(end).toMatchObject({ code: 1, stdout: '' })
  expect(end.stderr).toContain('WEBHOOK_ALLOW_PRIVATE=true')
})

function listen(url: string): ChildProcess & { readonly stdout: NodeJS.ReadableStream } {
  return spawn(process.execPath, ['--import', 'tsx', 'scripts/webhooks-listen.ts'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    env: { PATH: process.env['PATH'], BASE_URL: url },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}
