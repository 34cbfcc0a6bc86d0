import { existsSync, readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { z } from 'zod'

/** A number in plain digits: what else `Number` takes (blanks, 0x1F90, 1e3) is a slip of the pen here. */
function wholeNumber(min: number, max: number) {
  return z.string().transform((text, context) => {
    const number = /^[0-9]{1,15}$/.test(text) ? Number(text) : Number.NaN
    if (number >= min && number <= max) return number
    context.addIssue(`must be a whole number from ${min} to ${max}`)
    return z.NEVER
  })
}

const port = wholeNumber(0, 65_535)

const databaseUrl = z.string().transform((text, context) => {
  if (text.startsWith('sqlite:') && text.length > 'sqlite:'.length) {
    return { dialect: 'sqlite', path: text.slice('sqlite:'.length) } as const
  }
  if (/^postgres(?:ql)?:\/\//.test(text) && URL.canParse(text))
    return { dialect: 'postgres', url: text } as const
  context.addIssue('must be sqlite:PATH or postgres://…')
  return z.NEVER
})

const redisUrl = z.string().transform((text, context) => {
  const urls = text.split(',').map((url) => url.trim())
  if (urls.every((url) => /^rediss?:\/\/[^/]/.test(url) && URL.canParse(url))) return { urls }
  context.addIssue('must be redis://…, or several of them with commas between')
  return z.NEVER
})

function list(text: string): string[] {
  return text
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}

const origins = z.string().transform((text, context) => {
  const all = list(text)
  if (all.every((origin) => URL.canParse(origin) && new URL(origin).origin === origin)) return all
  context.addIssue('must be origins such as https://shop.example, with commas between')
  return z.NEVER
})

const addresses = z.string().transform((text, context) => {
  const all = list(text)
  if (all.every((address) => isIP(address.replace(/\/\d{1,3}$/, '')) !== 0)) return all
  context.addIssue('must be addresses such as 10.0.0.7 or 10.0.0.0/8, with commas between')
  return z.NEVER
})

/** One secret, or two while one takes the place of the other. HS256 asks for as many bits as it has. RFC 7518, 3.2. */
const secrets = z.string().transform((text, context) => {
  const all = text.split(/[\s,]+/).filter((secret) => secret !== '')
  if (all.length >= 1 && all.length <= 2 && all.every((secret) => secret.length >= 32)) return all
  context.addIssue('must be one secret, or two with a comma between, of 32 characters at least')
  return z.NEVER
})

/** Any address, or the networks whose addresses are allowed. */
const privateNetworks = z.string().transform((text, context) => {
  if (text === 'true') return 'all' as const
  const parsed = addresses.safeParse(text === 'false' ? '' : text)
  if (parsed.success) return parsed.data
  context.addIssue('must be true, or networks such as 10.0.0.0/8 with commas between')
  return z.NEVER
})

const secondsMax = 10 * 86_400

/** Times to wait, one after the other, each in seconds. */
const seconds = z.string().transform((text, context) => {
  const all = list(text)
  const areSeconds = all.every((one) => /^[0-9]{1,6}$/.test(one) && Number(one) <= secondsMax)
  if (areSeconds && all.length <= 50) return all.map(Number)
  context.addIssue('must be whole seconds with commas between')
  return z.NEVER
})

/** Keys of 256 bits in base64: one, or two while one takes the place of the other. */
const sealingKeys = z.string().transform((text, context) => {
  const all = list(text).map((key) => Buffer.from(key, 'base64'))
  if (all.length >= 1 && all.length <= 2 && all.every((key) => key.length === 32)) return all
  context.addIssue('must be 32 bytes in base64, or two such keys with a comma between')
  return z.NEVER
})

/** Variables that hold secrets. Each may be kept in a file instead, which the variable with `_FILE` names. */
const secretVariables = [
  'DATABASE_URL',
  'REDIS_URL',
  'JWT_SECRET',
  'API_KEY',
  'ROLE_PASSWORD',
  'WEBHOOK_SECRET_KEY',
] as const

/** A number from 0 to 1. */
const share = z.string().transform((text, context) => {
  const number = /^(?:0(?:\.\d{1,9})?|1(?:\.0{1,9})?)$/.test(text) ? Number(text) : Number.NaN
  if (number >= 0 && number <= 1) return number
  context.addIssue('must be a number from 0 to 1')
  return z.NEVER
})

const path = z.string().optional()

/** Every variable that this service reads, with its default. `.env.example` explains them. */
const schema = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: port.prefault('8000'),
  NODE_ENV: z.string().optional(),
  AUTH: z.enum(['required', 'none']).optional(),
  JWT_ISSUER: z.string().optional(),
  JWT_AUDIENCE: z.string().optional(),
  JWT_JWKS: z.string().optional(),
  JWT_SECRET: secrets.optional(),
  RATE_LIMIT: wholeNumber(0, 1_000_000_000).prefault('600000'),
  FAILED_LOGINS_MAX: wholeNumber(0, 1_000_000_000).prefault('30'),
  CORS_ORIGINS: origins.prefault(''),
  TRUST_PROXY: addresses.prefault(''),
  JWT_MAX_AGE_S: wholeNumber(1, 86_400).prefault('3600'),
  DATABASE_URL: databaseUrl.prefault('sqlite:./data/ledgerflow.db'),
  REDIS_URL: redisUrl.optional(),
  POSTING_MODE: z.enum(['sync', 'async']).default('sync'),
  QUEUES: wholeNumber(1, 256).prefault('8'),
  QUEUE_BACKLOG_MAX: wholeNumber(1, 1_000_000_000).prefault('1000000'),
  EVENT_STREAMS_MAX: wholeNumber(0, 100_000).prefault('200'),
  EVENTS_KEEP_DAYS: wholeNumber(1, 36_500).prefault('30'),
  ANCHOR_INTERVAL_S: wholeNumber(0, 31_536_000).prefault('3600'),
  WORKER_PORT: port.prefault('0'),
  SLOW_STATEMENT_MS: wholeNumber(0, 60_000).prefault('500'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  OTEL_TRACES_SAMPLER_ARG: share.prefault('1'),
  WEBHOOK_ALLOW_PRIVATE: privateNetworks.prefault(''),
  WEBHOOK_SECRET_KEY: sealingKeys.optional(),
  WEBHOOK_TIMEOUT_MS: wholeNumber(100, 60_000).prefault('15000'),
  WEBHOOK_RETRY_S: seconds.prefault('5,30,120,300,1800,7200,18000,36000,50400,72000,86400'),
  WEBHOOK_DISABLE_AFTER_S: wholeNumber(1, 31_536_000).prefault('432000'),
  WEBHOOK_LOG_DAYS: wholeNumber(1, 3650).prefault('30'),
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  BASE_URL: z.url().default('http://127.0.0.1:8000'),
  API_KEY: z.string().optional(),
  ROLE_PASSWORD: z.string().optional(),
  DATABASE_URL_FILE: path,
  REDIS_URL_FILE: path,
  JWT_SECRET_FILE: path,
  API_KEY_FILE: path,
  ROLE_PASSWORD_FILE: path,
  WEBHOOK_SECRET_KEY_FILE: path,
})

/** The configuration of a process, read once and passed on. */
export type Configuration = z.output<typeof schema>

/** The names of all variables, for the test that holds `.env.example` to them. */
export const configurationVariables: readonly string[] = Object.keys(schema.shape)

/**
 * Reads the configuration from the environment and, where the environment is silent, from a file `.env` in the
 * current folder. Throws one error that names every variable that is wrong and never repeats a value.
 */
export function readConfiguration(): Configuration {
  if (existsSync('.env')) process.loadEnvFile('.env')
  // An empty variable, as compose files write it, means one that is not set.
  const set = Object.fromEntries(Object.entries(process.env).filter(([, value]) => value !== ''))
  const parsed = schema.safeParse({ ...set, ...secretsInFiles(set) })
  const faults = parsed.success
    ? faultsOfTokens(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`)
  if (parsed.success && faults.length === 0) return parsed.data
  throw new Error(`the configuration is not valid:\n  ${faults.join('\n  ')}`)
}

function secretsInFiles(set: NodeJS.Dict<string>): Record<string, string> {
  const read: Record<string, string> = {}
  for (const name of secretVariables) {
    const file = set[`${name}_FILE`]
    if (file === undefined || set[name] !== undefined) continue
    try {
      read[name] = readFileSync(file, 'utf8').trim()
    } catch (cause) {
      throw new Error(`the file that ${name}_FILE names cannot be read`, { cause })
    }
  }
  return read
}

/** A token is only as good as what is asked of it: whoever is to take some must say from whom and for whom. */
function faultsOfTokens(configuration: Configuration): string[] {
  const { JWT_ISSUER, JWT_AUDIENCE, JWT_JWKS, JWT_SECRET } = configuration
  const given = { JWT_ISSUER, JWT_AUDIENCE, 'JWT_JWKS or JWT_SECRET': JWT_JWKS ?? JWT_SECRET }
  const missing = Object.entries(given).filter(([, value]) => value === undefined)
  if (missing.length === 0 || missing.length === Object.keys(given).length) return []
  return missing.map(([name]) => `${name}: is needed to take tokens`)
}
