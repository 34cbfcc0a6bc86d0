import { expect, test } from 'vitest'
import { configurationVariables } from '../../shared/config.ts'
import { npmScripts, readCompose, readDockerfile, readRepositoryFile } from './deployment.ts'

// No engine is at hand where the tests run: what an engine would be told is held to what it should be.

const compose = await readCompose()
const services = Object.entries(compose.services)
const lasting = ['postgres', 'redis', 'api', 'worker']
const steps = ['migrate', 'grant']
const ours = [...steps, 'api', 'worker']

test('it runs Postgres, Redis, two steps, the API and a worker; k6 only when asked for', () => {
  const byDefault = services.filter(([, { profiles }]) => profiles === undefined)

  expect(byDefault.map(([name]) => name).toSorted()).toEqual([...lasting, ...steps].toSorted())
  expect(compose.services['k6']?.profiles).toEqual(['bench'])
})

test.each(services)(
  '%s has no privileges, a read-only file system and limits',
  (_name, service) => {
    expect(service).toMatchObject({
      read_only: true,
      init: true,
      cap_drop: ['ALL'],
      security_opt: ['no-new-privileges:true'],
    })
    expect(Object.keys(service.deploy?.resources?.limits ?? {}).toSorted()).toEqual([
      'cpus',
      'memory',
      'pids',
    ])
    expect(service.tmpfs?.some((mount) => mount.startsWith('/tmp:'))).toBe(true)
    expect(service).not.toHaveProperty('privileged')
  },
)

test.each(services)('%s is pinned to a version', (_name, { image }) => {
  expect(image).toMatch(/^[a-z0-9/-]+:v?\d+\.\d+(?:\.\d+)?(?:-[a-z0-9.-]+)?$/)
})

test.each(lasting)('%s says whether it is well and comes back after a crash', async (name) => {
  const service = compose.services[name]
  const image = await readDockerfile()
  const fromImage = service?.build === '.' && image.some((step) => step.name === 'HEALTHCHECK')
  const words = service?.healthcheck?.test ?? []

  expect(service?.restart).toBe('unless-stopped')
  expect(service?.healthcheck?.disable).not.toBe(true)
  expect(fromImage || words.length > 1).toBe(true)
  // Unquoted, a command with a colon is a mapping to YAML.
  expect(words.filter((word) => typeof word !== 'string')).toEqual([])
})

test.each(steps)('%s runs once', (name) => {
  expect(compose.services[name]).toMatchObject({ restart: 'no', healthcheck: { disable: true } })
})

test('each waits for what it needs, and the service for its tables and its role', () => {
  const needs = Object.fromEntries(
    services.map(([name, { depends_on: on = {} }]) => [
      name,
      Object.entries(on).map(([other, { condition }]) => `${other} ${condition}`),
    ]),
  )

  const running = ['grant service_completed_successfully', 'redis service_healthy']
  expect(needs).toEqual({
    postgres: [],
    redis: [],
    migrate: ['postgres service_healthy'],
    grant: ['migrate service_completed_successfully'],
    api: running,
    worker: running,
    k6: ['api service_healthy'],
  })
})

test.each(ours)('%s sets no variable that the configuration does not read', (name) => {
  const set = Object.keys(compose.services[name]?.environment ?? {})

  expect(set.filter((variable) => !configurationVariables.includes(variable))).toEqual([])
  expect(set).toContain('DATABASE_URL')
})

test('the API and the worker agree on the database, Redis and the number of queues', () => {
  const shared = ['DATABASE_URL', 'REDIS_URL', 'QUEUES', 'QUEUE_BACKLOG_MAX']
  const of = (name: string) =>
    shared.map((variable) => compose.services[name]?.environment?.[variable])

  expect(of('api')).toEqual(of('worker'))
  expect(of('api')).not.toContain(undefined)
})

test('the service connects with a role that owns nothing; only the two steps are the owner', () => {
  const roles = ours.map((name) => [
    name,
    /\/\/(\w+):/.exec(compose.services[name]?.environment?.['DATABASE_URL'] ?? '')?.[1],
  ])

  expect(Object.fromEntries(roles)).toEqual({
    migrate: 'ledgerflow_owner',
    grant: 'ledgerflow_owner',
    api: 'ledgerflow_service',
    worker: 'ledgerflow_service',
  })
  expect(compose.services['grant']?.environment?.['ROLE_PASSWORD']).toContain(
    'POSTGRES_SERVICE_PASSWORD',
  )
})

test('no secret has a default, and nothing starts without one', async () => {
  const variables = [
    ...(await readRepositoryFile('docker-compose.yml')).matchAll(/\$\{(\w+)(.*?)\}/g),
  ]
  const secrets = variables.filter(([, name = '']) => /PASSWORD|SECRET|TOKEN|KEY/.test(name))

  expect(new Set(secrets.map(([, name]) => name))).toEqual(
    new Set(['POSTGRES_OWNER_PASSWORD', 'POSTGRES_SERVICE_PASSWORD', 'REDIS_PASSWORD']),
  )
  expect(secrets.filter(([, , otherwise = '']) => !otherwise.startsWith(':?'))).toEqual([])
  for (const [name, { environment = {} }] of services) {
    for (const [variable, value] of Object.entries(environment)) {
      const secret = /PASSWORD|_AUTH$/.test(variable)
      if (secret) expect(`${name} ${variable} ${value}`).toMatch(/ \$\{\w+:\?/)
    }
  }
})

test('only the API has a port outside, on this machine alone; the stores have no way out', () => {
  const published = services.filter(([, { ports }]) => ports !== undefined)
  const onFront = services.filter(([, { networks = [] }]) => networks.includes('front'))

  expect(published.map(([name, { ports }]) => ({ name, ports }))).toEqual([
    { name: 'api', ports: ['127.0.0.1:${API_PORT:-8000}:8000'] },
  ])
  expect(onFront.map(([name]) => name)).toEqual(['api', 'k6'])
  expect(compose.networks['back']).toMatchObject({ internal: true })
})

test('data lives in named volumes', () => {
  expect(compose.services['postgres']?.volumes).toEqual(['postgres:/var/lib/postgresql'])
  expect(compose.services['redis']?.volumes).toEqual(['redis:/data'])
  expect(Object.keys(compose.volumes).toSorted()).toEqual(['postgres', 'redis'])
})

test('Redis refuses when it is full, keeps a log on disk, and hides its password from the list of processes', () => {
  const command = compose.services['redis']?.command?.join(' ') ?? ''
  const [, flags = ''] = /exec redis-server (.*)<<END/.exec(command) ?? []

  expect(flags).toContain('--maxmemory-policy noeviction')
  expect(flags).toContain('--appendonly yes')
  expect(flags).toMatch(/--maxmemory \d+mb/)
  expect(flags).not.toMatch(/requirepass|PASSWORD|AUTH/)
  expect(command).toContain('requirepass $$REDISCLI_AUTH')
})

test('Postgres keeps what was acknowledged', () => {
  const command = compose.services['postgres']?.command?.join(' ') ?? ''

  expect(command).not.toMatch(/fsync=|synchronous_commit=|full_page_writes=/)
})

test('what our containers run is what npm runs', async () => {
  const scripts = Object.values(await npmScripts())

  for (const name of ours.filter((service) => service !== 'api')) {
    expect(scripts).toContain(compose.services[name]?.command?.join(' '))
  }
  expect(compose.services['api']?.command).toBeUndefined()
})

test('a stop may take as long as we promise, and a little more', () => {
  const graces = [...ours, 'redis'].map((name) => compose.services[name]?.stop_grace_period)

  expect(new Set(graces)).toEqual(new Set(['30s']))
})

test('the worker has a fixed port for its health, and the load comes from a folder of the repository', () => {
  expect(compose.services['worker']?.environment?.['WORKER_PORT']).toBe('9100')
  expect(compose.services['k6']?.volumes).toEqual(['./benchmarks/k6:/benchmarks:ro'])
  expect(compose.services['k6']?.environment?.['BASE_URL']).toBe('http://api:8000')
})
