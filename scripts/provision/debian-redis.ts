import { mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram } from './find-program.ts'
import { runProgram } from './run-program.ts'

const CACHE_FOLDER = fileURLToPath(
  new URL('../../node_modules/.cache/ledgerflow/', import.meta.url),
)
const UNPACKED = join(CACHE_FOLDER, 'redis')
/** Redis needs a library that needs a library … : three rounds end it on Debian 12. */
const LIBRARY_ROUNDS_MAX = 6

/** A Redis with its libraries in a folder of ours: nothing of it is installed. */
export interface UnpackedRedis {
  program: string
  /** For LD_LIBRARY_PATH. */
  libraries: string
}

/** What an earlier run has unpacked, or undefined. */
export async function cachedDebianRedis(): Promise<UnpackedRedis | undefined> {
  return runnable(UNPACKED)
}

/**
 * Downloads Debian's packages of Redis and of the libraries this machine lacks, and unpacks them
 * into a cache folder. No root needed, nothing is installed. Undefined on a machine without apt-get
 * and dpkg. A few seconds; twenty with fresh package lists.
 */
export async function unpackDebianRedis(): Promise<UnpackedRedis | undefined> {
  for (const tool of ['apt-get', 'apt-cache', 'dpkg', 'ldd']) {
    if ((await findProgram(tool)) === undefined) return undefined
  }
  await mkdir(CACHE_FOLDER, { recursive: true })
  // Made aside and renamed when complete: a broken download or a second run at the same time leaves
  // no half Redis.
  const making = await mkdtemp(join(CACHE_FOLDER, 'redis-'))
  try {
    await downloadAndUnpack(making)
    await rename(making, UNPACKED).catch(async (error: unknown) => {
      if ((await cachedDebianRedis()) === undefined) throw error
    })
  } finally {
    await rm(making, { recursive: true, force: true })
  }
  const redis = await cachedDebianRedis()
  if (redis === undefined) throw new Error('Debian’s Redis is unpacked but does not run')
  return redis
}

async function downloadAndUnpack(folder: string): Promise<void> {
  // The machine's package lists first; when they are missing or too old to be served, lists of our
  // own.
  const options = await download(folder, ['redis-server', 'redis-tools'], []).then(
    () => [] as string[],
    async () => {
      const ownLists = await updatedOwnLists()
      await download(folder, ['redis-server', 'redis-tools'], ownLists)
      return ownLists
    },
  )
  await unpackAll(folder)

  let packages = await librariesOf(['redis-server', 'redis-tools'], options)
  for (let round = 1; round <= LIBRARY_ROUNDS_MAX; round += 1) {
    if (!(await lacksLibraries(folder)) || packages.length === 0) return
    await download(folder, packages, options)
    await unpackAll(folder)
    packages = await librariesOf(packages, options)
  }
}

async function download(
  folder: string,
  packages: readonly string[],
  options: readonly string[],
): Promise<void> {
  const asRoot = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []
  await runProgram('apt-get', [...options, ...asRoot, 'download', ...packages], { cwd: folder })
}

/** Options that make apt use package lists in our cache folder, which are fetched now. */
async function updatedOwnLists(): Promise<string[]> {
  const lists = join(CACHE_FOLDER, 'apt', 'lists')
  const archives = join(CACHE_FOLDER, 'apt', 'cache')
  await mkdir(join(lists, 'partial'), { recursive: true })
  await mkdir(join(archives, 'archives', 'partial'), { recursive: true })
  const options = [`Dir::State::lists=${lists}`, `Dir::Cache=${archives}`].flatMap((option) => [
    '-o',
    option,
  ])
  const asRoot = process.getuid?.() === 0 ? ['-o', 'APT::Sandbox::User=root'] : []
  await runProgram('apt-get', [...options, ...asRoot, 'update'])
  return options
}

/**
 * The library packages that these packages depend on directly, without the C library that every
 * machine has.
 */
async function librariesOf(
  packages: readonly string[],
  options: readonly string[],
): Promise<string[]> {
  const listing = await runProgram('apt-cache', [...options, 'depends', '--important', ...packages])
  const names = listing
    .split('\n')
    .flatMap((line) => /^\s*\|?(?:Pre)?Depends: (lib[\w.+-]+)/.exec(line)?.[1] ?? [])
    .filter((name) => !/^(libc6|libgcc-s1|libstdc\+\+6)$/.test(name))
  return [...new Set(names)]
}

async function unpackAll(folder: string): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.deb')) continue
    await runProgram('dpkg', ['-x', join(folder, name), folder])
    await rm(join(folder, name))
  }
}

async function lacksLibraries(folder: string): Promise<boolean> {
  const listing = await runProgram('ldd', [programIn(folder)], {
    environment: { LD_LIBRARY_PATH: await libraryPath(folder) },
  })
  return listing.includes('not found')
}

async function runnable(folder: string): Promise<UnpackedRedis | undefined> {
  const libraries = await libraryPath(folder)
  const redis = { program: programIn(folder), libraries }
  return runProgram(redis.program, ['--version'], {
    environment: { LD_LIBRARY_PATH: libraries },
  }).then(
    () => redis,
    () => undefined,
  )
}

function programIn(folder: string): string {
  return join(folder, 'usr', 'bin', 'redis-server')
}

/** Debian keeps libraries in a folder named after the architecture. */
async function libraryPath(folder: string): Promise<string> {
  const found: string[] = []
  for (const parent of [join(folder, 'usr', 'lib'), join(folder, 'lib')]) {
    const names = await readdir(parent).catch(() => [])
    found.push(
      parent,
      ...names.filter((name) => name.includes('linux')).map((n) => join(parent, n)),
    )
  }
  return found.join(':')
}
