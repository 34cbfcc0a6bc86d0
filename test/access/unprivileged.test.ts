import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { cp, chmod, mkdtemp, readdir, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openAccess, type OpenedAccess } from '../../shared/store/open.ts'
import { withDeadline } from '../crash/service-process.ts'
import { redisUrl } from '../support/databases.ts'
import { makeKey, showing } from '../support/keys.ts'
import { postgres } from '../support/service.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** `nobody`, where the tests run as somebody who may become that; else they are unprivileged themselves. */
const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {}

const startMsMax = 30_000
const refusedMs = 1000

interface Running {
  readonly child: ChildProcess
  readonly url: string
}

let folder: string
let access: OpenedAccess
let environment: Readonly<Record<string, string>>
let apis: Running[]
let worker: Running

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledgerflow-tree-'))
  for (const part of ['package.json', 'tsconfig.json', 'services', 'shared']) {
    await cp(join(root, part), join(folder, part), { recursive: true })
  }
  await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  await takeRights(folder)
  const location = await postgres()
  access = await openAccess(location)
  const url = location.dialect === 'postgres' ? location.url : ''
  environment = {
    DATABASE_URL: url,
    REDIS_URL: redisUrl(),
    AUTH: 'required',
    PORT: '0',
    // Who goes on with a key that has ended would be told that it tries too often.
    FAILED_LOGINS_MAX: '0',
  }
  const main = 'services/main.ts'
  const [first, second, draining] = await Promise.all(
    [main, main, 'services/worker/main.ts'].map(start),
  )
  if (first === undefined || second === undefined || draining === undefined) throw new Error('?')
  apis = [first, second]
  worker = draining
}, 90_000)
afterAll(async () => {
  for (const { child } of [...apis, worker]) {
    const ended = once(child, 'exit')
    child.kill('SIGTERM')
    await ended
  }
  await access.close()
  await rm(folder, { recursive: true })
})

test('both services run as nobody, in a tree that nobody may write', async () => {
  const key = await makeKey(access, 'poster', 1)
  const before = await listing()
  const [api = worker] = apis
  const send = async (path: string, body: object) => {
    const headers = { ...showing(key), 'content-type': 'application/json' }
    const answer = await fetch(`${api.url}${path}`, {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return (await answer.json()) as { id: string; status: string }
  }
  const account = { name: 'an account', account_type: 'asset', currency: 'USD' }
  const { id: debit } = await send('/api/v1/accounts', account)
  const { id: credit } = await send('/api/v1/accounts', account)
  const entries = [
    { account_id: debit, direction: 'debit', amount: '1.00' },
    { account_id: credit, direction: 'credit', amount: '1.00' },
  ]
  const queued = await send('/api/v1/transactions?mode=async', { currency: 'USD', entries })
  const path = `/api/v1/transactions/${queued.id}?wait=20`
  const ended = await fetch(`${api.url}${path}`, { headers: showing(key) })

  expect(await ended.json()).toMatchObject({ status: 'posted' })
  for (const { child } of [...apis, worker]) {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8')
    const [, user = ''] = /^Uid:\s+(\d+)/m.exec(status) ?? []
    expect(Number(user)).toBeGreaterThan(0)
  }
  expect(await listing()).toEqual(before)
})

test('a key that two API processes are using is refused by both within a second of its end', async () => {
  const key = await makeKey(access, 'viewer')
  let busy = true
  const using = apis.map(async (api) => {
    while (busy) await statusAt(api, key)
  })
  expect(await Promise.all(apis.map((api) => statusAt(api, key)))).toEqual([200, 200])
  await access.apiKeys.revoke(key.slice(0, 15), Date.now())
  await pause(refusedMs)
  const statuses = await Promise.all(apis.map((api) => statusAt(api, key)))
  busy = false
  await Promise.all(using)

  expect(statuses).toEqual([401, 401])
})

async function statusAt({ url }: Running, key: string): Promise<number> {
  const answer = await fetch(`${url}/api/v1/accounts?limit=1`, { headers: showing(key) })
  await answer.text()
  return answer.status
}

/** Takes the right to write from everybody. */
async function takeRights(tree: string): Promise<void> {
  const all = await readdir(tree, { recursive: true, withFileTypes: true })
  for (const entry of all) {
    if (entry.isSymbolicLink() || entry.parentPath.includes('node_modules')) continue
    await chmod(join(entry.parentPath, entry.name), entry.isDirectory() ? 0o555 : 0o444)
  }
  await chmod(tree, 0o555)
}

async function listing(): Promise<string[]> {
  const top = await readdir(folder)
  const parts = top.filter((part) => part !== 'node_modules')
  const below = await Promise.all(
    ['services', 'shared'].map((part) => readdir(join(folder, part), { recursive: true })),
  )
  return [...parts, ...below.flat()]
}

async function start(entry: string): Promise<Running> {
  const child = spawn(process.execPath, ['--import', 'tsx', entry], {
    cwd: folder,
    env: { PATH: process.env['PATH'], ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...nobody,
  })
  const words: string[] = []
  child.stderr.on('data', (data: Buffer) => words.push(String(data)))
  const ready = new Promise<string>((resolve, reject) => {
    createInterface(child.stdout).on('line', (line) => {
      words.push(line)
      const [, address] = /"address":"([^"]+)"/.exec(line) ?? []
      if (address !== undefined) resolve(address)
    })
    child.once('exit', (code) => {
      reject(new Error(`${entry} ended with ${code}:\n${words.join('\n')}`))
    })
  })
  return { child, url: await withDeadline(ready, startMsMax, `${entry} did not start`) }
}
