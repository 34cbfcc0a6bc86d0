import { readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { configurationVariables } from '../../shared/config.ts'
import { npmScripts, readDockerfile, readRepositoryFile } from './deployment.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const dockerfile = await readDockerfile()
const last = dockerfile.slice(dockerfile.findLastIndex(({ name }) => name === 'FROM'))

test('both stages stand on the same version of Node, which CI tests', async () => {
  const [build, runtime, ...more] = dockerfile.filter(({ name }) => name === 'FROM')
  const version = /^node:(\d+)\.\d+\.\d+-\w+$/
  const ci = await readRepositoryFile('.github/workflows/ci.yml')

  expect(more).toEqual([])
  const [image = '', , stage] = build?.text.split(' ') ?? []
  expect(stage).toBe('build')
  expect(runtime?.text).toBe(`${image}-slim`)
  const [, major = ''] = version.exec(image) ?? []
  expect(/node: \[(.*)\]/.exec(ci)?.[1]).toContain(`'${major}'`)
})

test('only dependencies of production are installed, exactly those of the lockfile', () => {
  const installs = dockerfile.filter(({ text }) => /\bnpm\b/.test(text) && !/npm_config/.test(text))

  expect(installs.map(({ text }) => /npm [^&]*/.exec(text)?.[0].trim())).toEqual([
    'npm ci --omit=dev --no-audit --no-fund',
  ])
  expect(last.some(({ name, text }) => name === 'RUN' && text.includes('npm'))).toBe(false)
})

test('it runs as a user by number who is not root and owns nothing but the data folder', () => {
  const users = last.filter(({ name }) => name === 'USER')

  expect(users.map(({ text }) => text)).toEqual(['1000:1000'])
  expect(last.filter(({ name, text }) => name === 'COPY' && text.includes('--chown'))).toEqual([])
  expect(last.findLast(({ name }) => name === 'RUN')?.text).toBe(
    'install --directory --owner=1000 --group=1000 data',
  )
})

test('its command is that of npm start, in the form that lets signals through', async () => {
  const command = last.find(({ name }) => name === 'CMD')?.text ?? ''

  expect((JSON.parse(command) as string[]).join(' ')).toBe((await npmScripts())['start'])
})

test('its health check asks the service that runs in it, on the port that it has', async () => {
  const check = last.find(({ name }) => name === 'HEALTHCHECK')?.text ?? ''
  const [, command = ''] = /CMD (\[.*\])$/.exec(check) ?? []
  const words = JSON.parse(command) as string[]

  expect(words.slice(0, 2)).toEqual(['node', '-e'])
  expect(words[2]).toContain('/health/ready')
  expect(words[2]).toContain('WORKER_PORT || PORT')
})

test('it sets no variable that nobody reads, and no secret', () => {
  const set = last
    .filter(({ name }) => name === 'ENV')
    .flatMap(({ text }) => [...text.matchAll(/(\w+)=(\S+)/g)])
  const others = new Set(['NODE_ENV', 'TSX_DISABLE_CACHE'])

  const unread = set.filter(
    ([, name = '']) => !configurationVariables.includes(name) && !others.has(name),
  )
  expect(unread).toEqual([])
  expect(Object.fromEntries(set.map(([, name, value]) => [name, value]))).toMatchObject({
    NODE_ENV: 'production',
    TSX_DISABLE_CACHE: '1',
    HOST: '0.0.0.0',
  })
  expect(set.filter(([, name = '']) => /PASSWORD|URL|SECRET/.test(name))).toEqual([])
})

test('everything that is copied exists and is let through, and everything that runs is copied', async () => {
  const rules = await ignoreRules()
  const copied = dockerfile
    .filter(({ name, text }) => name === 'COPY' && !text.startsWith('--from'))
    .flatMap(({ text }) => text.split(' ').slice(0, -1))

  const there = await readdir(root)
  expect(copied.filter((name) => !there.includes(name))).toEqual([])
  expect(copied.filter((name) => isIgnored(name, rules))).toEqual([])
  for (const file of ['services/main.ts', 'services/worker/main.ts', 'scripts/migrate.ts']) {
    expect(copied).toContain(file.split('/')[0])
    expect(isIgnored(file, rules)).toBe(false)
  }
  for (const script of ['migrate', 'verify', 'seed', 'grant-service-role']) {
    expect(isIgnored(`scripts/${script}.ts`, rules)).toBe(false)
  }
})

test.each([
  '.env',
  '.env.production',
  'services/.env',
  '.git/config',
  'data/ledgerflow.db',
  'node_modules/pg/package.json',
  'services/node_modules/x/index.js',
  'test/tidy.test.ts',
  'benchmarks/bench.ts',
  'scripts/test.ts',
  'scripts/check.ts',
  'scripts/provision/redis.ts',
  'coverage/index.html',
  'docker-compose.yml',
  'a-new-file',
])('%s stays out of the image', async (path) => {
  expect(isIgnored(path, await ignoreRules())).toBe(true)
})

interface IgnoreRule {
  readonly pattern: string
  readonly keeps: boolean
}

async function ignoreRules(): Promise<IgnoreRule[]> {
  const lines = (await readRepositoryFile('.dockerignore')).split('\n')
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => ({ pattern: line.replace(/^!/, ''), keeps: line.startsWith('!') }))
}

/** As the builder decides: the last rule that matches the path, or a folder above it, wins. */
function isIgnored(path: string, rules: readonly IgnoreRule[]): boolean {
  const parts = path.split('/')
  const above = parts.map((_, index) => parts.slice(0, index + 1).join('/'))
  const rule = rules.findLast(({ pattern }) => above.some((part) => matches(part, pattern)))
  return rule !== undefined && !rule.keeps
}

/** Docker's patterns, as far as ours go; unlike a shell's, they match names that begin with a dot. */
function matches(path: string, pattern: string): boolean {
  const expression = pattern
    .replace(/[.+^${}()|[\]\\?]/g, String.raw`\$&`)
    .replace(/\*\*\/|\*/g, (wild) => (wild === '*' ? '[^/]*' : '(?:.*/)?'))
  return new RegExp(`^${expression}$`).test(path)
}
