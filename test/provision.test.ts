import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { access } from 'node:fs/promises'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { expect, test } from 'vitest'
import { withClient } from '../scripts/provision/postgres-database.ts'
import { postgresFromNpm } from '../scripts/provision/postgres-programs.ts'
import type { PostgresServer } from '../scripts/provision/postgres.ts'
import { provisionPostgres } from '../scripts/provision/postgres.ts'
import { redisProcessId } from '../scripts/provision/redis-hello.ts'
import { provisionRedis } from '../scripts/provision/redis.ts'
import {
  createPostgresDatabase,
  createSqlitePath,
  redisPrefix,
  redisUrl,
} from './support/databases.ts'

test('a test file gets a Postgres database that is its own', async () => {
  const alices = await createPostgresDatabase()
  const bobs = await createPostgresDatabase()

  await withClient(alices, (client) => client.query('create table kept (value integer)'))

  await expect(withClient(bobs, (client) => client.query('table kept'))).rejects.toThrow(
    'does not exist',
  )
  expect(createSqlitePath()).not.toBe(createSqlitePath())
})

test('a test file has a part of the run’s Redis that is its own', async () => {
  const client = new Redis(redisUrl())
  try {
    expect(await client.keys(`*${redisPrefix()}*`)).toEqual([])
    await client.set(`${redisPrefix()}:rung`, 'slot 3')
    expect(await client.keys(`*${redisPrefix()}*`)).toEqual([`${redisPrefix()}:rung`])
  } finally {
    client.disconnect()
  }
})

test('a Postgres killed with -9 comes back on the same port with what was committed', async () => {
  const server = await provisionPostgres({ durable: false, ownServer: true })
  try {
    await keep(server, 37)
    const firstPid = server.pid

    await server.kill('SIGKILL')
    expect(server.pid).toBeUndefined()
    await server.restart()

    expect(server.pid).not.toBe(firstPid)
    expect(await kept(server)).toBe(37)
  } finally {
    await server.stop()
  }
})

test('a stopped Postgres answers nobody until it continues', async () => {
  const server = await provisionPostgres({ durable: false, ownServer: true })
  try {
    await keep(server, 1)

    await server.kill('SIGSTOP')
    await expect(withClient(server.url(), kept.bind(undefined, server), 300)).rejects.toThrow(
      'timeout',
    )
    await server.kill('SIGCONT')

    expect(await kept(server)).toBe(1)
  } finally {
    await server.stop()
  }
})

test('a durable Postgres has the settings of a fresh installation, another one is careless', async () => {
  const durable = await provisionPostgres({ durable: true, ownServer: true })
  const careless = await provisionPostgres({ durable: false, ownServer: true })
  try {
    for (const setting of ['fsync', 'full_page_writes', 'synchronous_commit']) {
      expect(await settingOf(durable, setting)).toBe('on')
    }
    expect(await settingOf(careless, 'fsync')).toBe('off')
    // Else kill -9 of the server would lose commits, and no test could tell that from a fault of ours.
    expect(await settingOf(careless, 'synchronous_commit')).toBe('on')
  } finally {
    await Promise.all([durable.stop(), careless.stop()])
  }
})

test('the Postgres from npm serves a machine that has none', async () => {
  const server = await provisionPostgres({
    durable: false,
    ownServer: true,
    routes: [postgresFromNpm],
  })
  try {
    await keep(server, 125)
    expect(await kept(server)).toBe(125)
    expect(server.how).toContain('from npm')
  } finally {
    await server.stop()
  }
})

test('without any way to Postgres or Redis, the message says how to get one', async () => {
  const none = { ownServer: true, routes: [] }
  await expect(provisionPostgres({ durable: false, ...none })).rejects.toThrow('TEST_DATABASE_URL')
  await expect(provisionRedis(none)).rejects.toThrow('apt-get install redis-server')
})

test('a way that fails is passed over for the next', async () => {
  const broken = () => Promise.reject(new Error('a broken installation'))
  const server = await provisionPostgres({
    durable: false,
    ownServer: true,
    routes: [broken, () => Promise.resolve(undefined), postgresFromNpm],
  })
  expect(server.how).toContain('from npm')
  await server.stop()
})

test('a Redis killed with -9 comes back with its data, and without it when asked', async () => {
  const server = await provisionRedis({ ownServer: true })
  const client = new Redis(server.url(), { lazyConnect: true, retryStrategy: () => 20 })
  client.on('error', () => {})
  try {
    await client.set('rung', 'slot 3')

    await server.kill('SIGKILL')
    await server.restart()
    expect(await client.get('rung')).toBe('slot 3')

    await server.restart({ empty: true })
    expect(await client.get('rung')).toBeNull()
  } finally {
    client.disconnect()
    await server.stop()
  }
})

test('servers and their folders go with the process that started them, even one killed with -9', async () => {
  const starter = spawn(
    process.execPath,
    ['--import', 'tsx', fileURLToPath(new URL('support/start-servers.ts', import.meta.url))],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  const lines = createInterface(starter.stdout)
  const [line] = (await once(lines, 'line')) as [string]
  const { redisPort, postgresUrl, folder } = JSON.parse(line) as Record<string, string>
  expect(await redisProcessId(Number(redisPort))).toBeDefined()

  starter.kill('SIGKILL')

  await expect.poll(() => redisProcessId(Number(redisPort)), { timeout: 10_000 }).toBeUndefined()
  await expect
    .poll(() => reachable(postgresUrl ?? ''), { timeout: 10_000, interval: 100 })
    .toBe(false)
  await expect.poll(() => exists(folder ?? ''), { timeout: 10_000, interval: 100 }).toBe(false)
})

async function keep(server: PostgresServer, value: number): Promise<void> {
  await withClient(server.url(), async (client) => {
    await client.query('create table kept (value integer)')
    await client.query('insert into kept values ($1)', [value])
  })
}

async function kept(server: PostgresServer): Promise<number | undefined> {
  return withClient(server.url(), async (client) => {
    const { rows } = await client.query<{ value: number }>('select value from kept')
    return rows[0]?.value
  })
}

async function settingOf(server: PostgresServer, name: string): Promise<string | undefined> {
  return withClient(server.url(), async (client) => {
    const { rows } = await client.query<{ value: string }>('select current_setting($1) as value', [
      name,
    ])
    return rows[0]?.value
  })
}

function reachable(url: string): Promise<boolean> {
  return withClient(url, () => Promise.resolve(true), 1_000).catch(() => false)
}

function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  )
}
