import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'

const TEMPLATE_BUSY = '55006'
const TEMPLATE_BUSY_MS_MAX = 10_000

/** The same server, another database. */
export function urlOfDatabase(serverUrl: string, database: string): string {
  const url = new URL(serverUrl)
  url.pathname = `/${encodeURIComponent(database)}`
  return url.href
}

/**
 * Creates a database as the superuser of `serverUrl` and gives its URL; 40 to 220 ms. With
 * `template` it is a copy of that one. A connection that is just being closed on the template is
 * waited for, at most ten seconds.
 */
export async function createDatabase(
  serverUrl: string,
  name: string,
  template?: string,
): Promise<string> {
  const copy = template === undefined ? '' : ` template ${identifier(template)}`
  const deadline = Date.now() + TEMPLATE_BUSY_MS_MAX
  await withClient(serverUrl, async (client) => {
    for (;;) {
      try {
        await client.query(`create database ${identifier(name)}${copy}`)
        return
      } catch (error) {
        const busy = error instanceof Error && 'code' in error && error.code === TEMPLATE_BUSY
        if (!busy || Date.now() > deadline) throw error
        await sleep(50)
      }
    }
  })
  return urlOfDatabase(serverUrl, name)
}

/**
 * Lets a database be copied and no longer be entered: autovacuum stays out too, so a copy never
 * finds it busy.
 */
export async function sealTemplate(serverUrl: string, name: string): Promise<void> {
  await withClient(serverUrl, async (client) => {
    await client.query(`alter database ${identifier(name)} allow_connections false`)
  })
}

/** Drops all databases whose name begins with `prefix`, whoever is still connected to them. */
export async function dropDatabases(serverUrl: string, prefix: string): Promise<void> {
  await withClient(serverUrl, async (client) => {
    const found = await client.query<{ name: string }>(
      'select datname as name from pg_database where starts_with(datname, $1)',
      [prefix],
    )
    for (const { name } of found.rows) {
      await client.query(`drop database if exists ${identifier(name)} with (force)`)
    }
  })
}

/** Runs `work` on a connection of its own. */
export async function withClient<T>(
  url: string,
  work: (client: Client) => Promise<T>,
  connectionTimeoutMillis = 10_000,
): Promise<T> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis })
  // A server that dies while nobody waits for it would otherwise end this process.
  client.on('error', () => {})
  await client.connect()
  try {
    return await work(client)
  } finally {
    await client.end()
  }
}

function identifier(name: string): string {
  if (!/^[a-z_][a-z0-9_]{0,62}$/.test(name)) throw new Error(`not a database name: ${name}`)
  return `"${name}"`
}
