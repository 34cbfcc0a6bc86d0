import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { openAccounts } from '../../benchmarks/lab/accounts.ts'
import { runK6InNode } from '../../benchmarks/load/k6-in-node/run.ts'
import { readBooks } from '../support/books.ts'
import { sqlite, startService, type Service } from '../support/service.ts'

const users = 3

function run(script: string, url: string) {
  const path = fileURLToPath(new URL(`../../benchmarks/k6/${script}.js`, import.meta.url))
  return runK6InNode(path, {
    BASE_URL: url,
    VUS: String(users),
    DURATION: '0.3s',
    ACCOUNTS_FILE: accountsFile,
  })
}

const accountsFile = join(inject('scratchFolder'), 'k6-in-node-accounts.json')
let service: Service
beforeAll(async () => {
  service = await startService(sqlite())
  await writeFile(accountsFile, JSON.stringify(await openAccounts(service.url, 10)))
})
afterAll(() => service.close())

const postedCount = async () => (await readBooks(service.location)).posted.length

it('the load scripts run without k6: what they count as posted is in the books', async () => {
  const before = await postedCount()
  const { summary, passed } = await run('async', service.url)
  expect(passed).toBe(true)
  expect(summary).toMatchObject({ errors: 0, accepted: summary.answers, posted: summary.answers })
  expect(summary.answers).toBeGreaterThanOrEqual(users)
  expect(summary.endToEndTime?.max).toBeGreaterThan(0)
  expect(await postedCount()).toBe(before + summary.posted)
})

it('a replay posts nothing more', async () => {
  const before = await postedCount()
  const { summary } = await run('replay', service.url)
  expect(summary).toMatchObject({ errors: 0, accepted: 100, posted: 100 })
  expect(summary.answers).toBeGreaterThanOrEqual(users)
  expect(await postedCount()).toBe(before + 100)
})

it('wrong answers, and answers that do not come, are errors', async () => {
  let requests = 0
  const server = createServer((request, response) => {
    request.resume()
    requests += 1
    if (requests % 2 === 0) response.destroy()
    else response.writeHead(200).end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    const { port } = server.address() as AddressInfo
    const { summary, passed } = await run('sync', `http://127.0.0.1:${port}`)
    expect(passed).toBe(false)
    expect(requests).toBeGreaterThan(1)
    expect(summary.errors).toBe(summary.answers)
    expect(summary.accepted).toBe(0)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})
