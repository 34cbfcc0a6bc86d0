import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { configurationVariables, readConfiguration } from '../shared/config.ts'

describe('the configuration of a process', () => {
  const folderBefore = process.cwd()
  const environmentBefore = { ...process.env }
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'ledgerflow-configuration-'))
    process.chdir(folder)
    for (const name of configurationVariables) delete process.env[name]
  })
  afterEach(() => {
    process.chdir(folderBefore)
    // The very object: what reads a `.env` file writes into it.
    for (const name of configurationVariables) delete process.env[name]
    Object.assign(process.env, environmentBefore)
    rmSync(folder, { recursive: true })
  })

  test('is that of the embedded shape when nothing is set', () => {
    expect(readConfiguration()).toEqual({
      HOST: '127.0.0.1',
      PORT: 8000,
      ANCHOR_INTERVAL_S: 3600,
      DATABASE_URL: { dialect: 'sqlite', path: './data/ledgerflow.db' },
      POSTING_MODE: 'sync',
      QUEUES: 8,
      QUEUE_BACKLOG_MAX: 1_000_000,
      EVENT_STREAMS_MAX: 200,
      EVENTS_KEEP_DAYS: 30,
      WORKER_PORT: 0,
      LOG_LEVEL: 'info',
      SLOW_STATEMENT_MS: 500,
      OTEL_TRACES_SAMPLER_ARG: 1,
      BASE_URL: 'http://127.0.0.1:8000',
      JWT_MAX_AGE_S: 3600,
      RATE_LIMIT: 600_000,
      FAILED_LOGINS_MAX: 30,
      CORS_ORIGINS: [],
      TRUST_PROXY: [],
      WEBHOOK_ALLOW_PRIVATE: [],
      WEBHOOK_TIMEOUT_MS: 15_000,
      WEBHOOK_RETRY_S: [5, 30, 120, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400],
      WEBHOOK_DISABLE_AFTER_S: 432_000,
      WEBHOOK_LOG_DAYS: 30,
    })
  })

  test('comes from .env, and the environment wins', () => {
    writeFileSync('.env', 'PORT=8001\nQUEUES=4\nREDIS_URL=\n')
    process.env['PORT'] = '8002'

    expect(readConfiguration()).toMatchObject({ PORT: 8002, QUEUES: 4 })
    expect(readConfiguration().REDIS_URL).toBeUndefined()
  })

  test.each([
    ['PORT', '0', 0],
    ['PORT', '65535', 65_535],
    ['QUEUES', '256', 256],
    ['QUEUE_BACKLOG_MAX', '1', 1],
    ['DATABASE_URL', 'postgresql://u@h/d', { dialect: 'postgres', url: 'postgresql://u@h/d' }],
    ['CORS_ORIGINS', 'https://a.example, http://b:81', ['https://a.example', 'http://b:81']],
    ['TRUST_PROXY', '10.0.0.0/8,::1', ['10.0.0.0/8', '::1']],
    ['OTEL_TRACES_SAMPLER_ARG', '0.05', 0.05],
    ['WEBHOOK_ALLOW_PRIVATE', 'true', 'all'],
    ['WEBHOOK_ALLOW_PRIVATE', '10.0.0.0/8, ::1', ['10.0.0.0/8', '::1']],
    ['WEBHOOK_RETRY_S', '1, 60', [1, 60]],
    ['WEBHOOK_SECRET_KEY', Buffer.alloc(32).toString('base64'), [Buffer.alloc(32)]],
    ['REDIS_URL', 'redis://a, rediss://b:1', { urls: ['redis://a', 'rediss://b:1'] }],
  ])('takes %s=%s', (name, text, value) => {
    process.env[name] = text

    expect(readConfiguration()).toMatchObject({ [name]: value })
  })

  test.each([
    ['PORT', '65536'],
    ['PORT', ' '],
    ['PORT', '-1'],
    ['PORT', '8000.5'],
    ['PORT', '8e3'],
    ['PORT', '0x1F90'],
    ['QUEUES', '0'],
    ['QUEUES', '257'],
    ['QUEUE_BACKLOG_MAX', '0'],
    ['DATABASE_URL', 'sqlite:'],
    ['DATABASE_URL', 'mysql://u@h/d'],
    ['DATABASE_URL', 'postgres://u:canary@h:port/d'],
    ['REDIS_URL', 'http://h'],
    ['REDIS_URL', 'redis://a,'],
    ['POSTING_MODE', 'ASYNC'],
    ['LOG_LEVEL', 'loud'],
    ['SLOW_STATEMENT_MS', '60001'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.1'],
    ['OTEL_EXPORTER_OTLP_ENDPOINT', 'collector:4318'],
    ['BASE_URL', 'here'],
    ['AUTH', 'no'],
    ['CORS_ORIGINS', '*'],
    ['CORS_ORIGINS', 'https://shop.example/canary'],
    ['TRUST_PROXY', 'loadbalancer'],
    ['FAILED_LOGINS_MAX', '-1'],
    ['WEBHOOK_ALLOW_PRIVATE', 'yes'],
    ['WEBHOOK_RETRY_S', '5,-1'],
    ['WEBHOOK_SECRET_KEY', 'canary'],
    ['JWT_MAX_AGE_S', '86401'],
    ['JWT_SECRET', 'canary-of-31-characters-canary-'],
    ['JWT_SECRET', `${'a'.repeat(32)},${'b'.repeat(32)},${'canary'.repeat(6)}`],
  ])('refuses %s=%s by its name, and does not repeat the value', (name, text) => {
    process.env[name] = text

    expect(readConfiguration).toThrow(new RegExp(`is not valid:\n  ${name}: [^\n]+$`))
    expect(readConfiguration).not.toThrow('canary')
  })

  test('takes secrets from files, and says which one cannot be read', () => {
    writeFileSync('secret', `${'s'.repeat(32)}\n${'t'.repeat(32)}\n`)
    process.env['JWT_SECRET_FILE'] = 'secret'
    process.env['JWT_ISSUER'] = 'https://id.example'
    process.env['JWT_AUDIENCE'] = 'ledgerflow'
    expect(readConfiguration().JWT_SECRET).toEqual(['s'.repeat(32), 't'.repeat(32)])

    process.env['JWT_SECRET_FILE'] = 'nowhere'
    expect(readConfiguration).toThrow('the file that JWT_SECRET_FILE names cannot be read')
  })

  test('asks of who takes tokens from whom and for whom they are', () => {
    process.env['JWT_SECRET'] = 's'.repeat(32)

    expect(readConfiguration).toThrow(
      '  JWT_ISSUER: is needed to take tokens\n  JWT_AUDIENCE: is needed to take tokens',
    )
  })

  test('names all variables that are wrong at once', () => {
    Object.assign(process.env, { PORT: 'x', QUEUES: 'y' })

    expect(readConfiguration).toThrow(
      '  PORT: must be a whole number from 0 to 65535\n  QUEUES: must be a whole number from 1 to 256',
    )
  })
})
