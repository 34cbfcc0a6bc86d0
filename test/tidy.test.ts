import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'

// What no linter knows. Each list below names what is wrong, so that a failure says what to repair.

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const SOURCE_FOLDERS = ['services', 'shared', 'scripts', 'benchmarks', 'test']
const MIGRATIONS = 'shared/store/migrations'

test('every npm command that a page names exists, and every npm script runs a file that exists', async () => {
  const { scripts } = await packageJson()
  const pages = ['README.md', 'CONTRIBUTING.md'].filter((page) => existsSync(join(ROOT, page)))

  const missing: string[] = []
  for (const page of pages) {
    for (const script of npmScriptsIn(await text(page))) {
      if (scripts[script] === undefined) missing.push(`${page}: npm run ${script}`)
    }
  }
  for (const [name, command] of Object.entries(scripts)) {
    for (const file of command.match(/\b(?:scripts|services)\/[\w./-]+\.ts\b/g) ?? []) {
      if (!existsSync(join(ROOT, file))) missing.push(`package.json: ${name} runs ${file}`)
    }
  }
  expect(pages).toContain('README.md')
  expect(missing).toEqual([])
})

test('.env.example names exactly the variables that the configuration reads', async () => {
  const { configurationVariables } = await import('../shared/config.ts')
  const example = [...(await text('.env.example')).matchAll(/^#?\s*([A-Z][A-Z0-9_]*)=/gm)]

  const inExample = new Set(example.map(([, name]) => name ?? ''))
  const read = new Set<string>(configurationVariables)

  expect({
    notInExample: missingFrom(inExample, read),
    notRead: missingFrom(read, inExample),
  }).toEqual({ notInExample: [], notRead: [] })
})

test('docs/errors.md has a heading or a table row for every error code, and for no other', async () => {
  const { problemCodes } = await import('../shared/wire/problems.ts')

  const documented = new Set(documentedCodes(await text('docs/errors.md')))
  const known = new Set<string>(problemCodes)

  expect({
    undocumented: missingFrom(documented, known),
    unknown: missingFrom(known, documented),
  }).toEqual({ undocumented: [], unknown: [] })
})

test('migrations are numbered 1, 2, 3 … and run in that order', async () => {
  const files = (await readdir(join(ROOT, MIGRATIONS))).filter((file) => file !== 'index.ts').sort()
  const { migrations } = await import('../shared/store/migrations/index.ts')

  const wrong: string[] = []
  const inOrder: string[] = []
  for (const [index, file] of files.entries()) {
    const number = String(index + 1)
    if (!/^\d{4}-[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(file))
      wrong.push(`${file}: not 0001-some-name.ts`)
    if (!file.startsWith(number.padStart(4, '0'))) wrong.push(`${file}: expected number ${number}`)
    const classes = await exportedClasses(join(ROOT, MIGRATIONS, file))
    inOrder.push(...classes)
    // TypeORM runs them by the 13 digits that end the class's name, and requires them.
    if (classes.length !== 1 || !classes[0]?.endsWith(number.padStart(13, '0'))) {
      wrong.push(
        `${file}: exports ${classes.join(', ')}; expected one class …${number.padStart(13, '0')}`,
      )
    }
  }
  expect(files).not.toEqual([])
  expect(wrong).toEqual([])
  expect(migrations.map(({ name }) => name)).toEqual(inOrder)
})

test('the lockfile names no registry', async () => {
  const lockfile = JSON.parse(await text('package-lock.json')) as {
    packages: Record<string, { resolved?: string }>
  }

  const named = Object.entries(lockfile.packages).filter(([, { resolved }]) =>
    resolved?.includes('://'),
  )

  expect(named.map(([path, { resolved }]) => `${path}: ${resolved}`)).toEqual([])
})

test('no test is left alone or left out', async () => {
  const offenders = await linesMatching(
    await sources(['test']),
    /\b(?:test|it|describe|suite|bench)(?:\.\w+)*\.(?:only|skip|todo)\b/,
  )

  expect(offenders).toEqual([])
})

test('nothing is left to be done in the sources', async () => {
  // Spelled in halves, since this file is a source too.
  const marks = new RegExp(`\\b(?:${'TO'}DO|${'FIX'}ME)\\b`)

  expect(await linesMatching(await sources(SOURCE_FOLDERS), marks)).toEqual([])
})

/**
 * The scripts that `npm start`, `npm test` and `npm run …` name in code spans and blocks; prose
 * says `npm` for other reasons.
 */
function npmScriptsIn(page: string): string[] {
  const code = [...page.matchAll(/```[\s\S]*?```|`[^`\n]+`/g)].map(([span]) => span).join('\n')
  return [...code.matchAll(/\bnpm (?:run(?: --?[\w-]+)* ([\w:.-]+)|(start|test)\b)/g)].map(
    ([, run, short]) => run ?? short ?? '',
  )
}

/** Codes in backticks, in headings and in the first cell of table rows. */
function documentedCodes(page: string): string[] {
  return page.split('\n').flatMap((line) => {
    const place = line.startsWith('#') ? line : /^\|([^|]*)\|/.exec(line)?.[1]
    return [...(place ?? '').matchAll(/`([a-z][a-z0-9_]*)`/g)].map(([, code]) => code ?? '')
  })
}

async function exportedClasses(file: string): Promise<string[]> {
  const module = (await import(pathToFileURL(file).href)) as Record<string, unknown>
  return Object.entries(module).flatMap(([name, value]) =>
    typeof value === 'function' && 'prototype' in value && 'up' in Object(value.prototype)
      ? [name]
      : [],
  )
}

async function packageJson(): Promise<{ scripts: Record<string, string> }> {
  return JSON.parse(await text('package.json')) as { scripts: Record<string, string> }
}

function missingFrom(set: ReadonlySet<string>, wanted: ReadonlySet<string>): string[] {
  return [...wanted].filter((name) => !set.has(name)).sort()
}

async function sources(folders: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const folder of folders.filter((name) => existsSync(join(ROOT, name)))) {
    const files = await readdir(join(ROOT, folder), { recursive: true })
    found.push(
      ...files.filter((file) => /\.(ts|js|sql|sh)$/.test(file)).map((f) => join(folder, f)),
    )
  }
  return found.sort()
}

async function linesMatching(files: readonly string[], pattern: RegExp): Promise<string[]> {
  const found: string[] = []
  for (const file of files) {
    for (const [index, line] of (await text(file)).split('\n').entries()) {
      if (pattern.test(line)) found.push(`${file}:${index + 1}: ${line.trim()}`)
    }
  }
  return found
}

function text(file: string): Promise<string> {
  return readFile(join(ROOT, file), 'utf8')
}
