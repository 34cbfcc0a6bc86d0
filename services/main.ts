import { readConfiguration, type Configuration } from '../shared/config.ts'
import type { GateRules } from './api/access/gate.ts'
import { whereToListen } from './api/access/start-rule.ts'
import { startApi } from './api/api-service.ts'
import { cannotStart, openRuntime } from './runtime.ts'
import { stopOnSignal } from './stop.ts'
import { anchorRules } from './worker/anchoring.ts'
import { Worker } from './worker/worker.ts'

/**
 * Runs the API service. Without Redis, or on a SQLite file, which one process serves, the same process drains its own
 * queue; otherwise workers do (`npm run worker`).
 */
async function main(): Promise<void> {
  const configuration = readConfiguration()
  const runtime = await openRuntime(configuration)
  const { log, store, queue } = runtime
  const tokens = tokenRules(configuration)
  const { host, advice } = whereToListen(configuration, {
    isAnyCredential: tokens !== undefined || (await store.apiKeys.any()),
  })
  if (advice !== undefined) log.warn(advice)
  const api = await startApi(runtime, {
    host,
    port: configuration.PORT,
    defaultMode: configuration.POSTING_MODE,
    queues: configuration.QUEUES,
    location: configuration.DATABASE_URL,
    streamsMax: configuration.EVENT_STREAMS_MAX,
    border: {
      limits: { requests: configuration.RATE_LIMIT, failedLogins: configuration.FAILED_LOGINS_MAX },
      corsOrigins: configuration.CORS_ORIGINS,
      trustedProxies: configuration.TRUST_PROXY,
    },
    access: { asking: askingOf(configuration), tokens },
  })
  const { REDIS_URL: redis, DATABASE_URL: database } = configuration
  const drainsItself = redis === undefined || database.dialect === 'sqlite'
  const worker = drainsItself
    ? new Worker(
        { ...runtime, anchors: anchorRules(configuration) },
        { eventsKeepDays: configuration.EVENTS_KEEP_DAYS },
      )
    : undefined
  await worker?.start()

  stopOnSignal(log, async () => {
    await api.stop()
    await worker?.stop()
    await runtime.close()
  })
  const { address } = api
  log.info(
    { address, store: store.description, queue: queue.description },
    `LedgerFlow is ready at ${address} (${store.description}; queue ${queue.description}). ` +
      `Documentation: ${address}/docs. First payment: see README.md, or try POST /api/v1/accounts there.`,
  )
}

function tokenRules(configuration: Configuration): GateRules['tokens'] {
  const { JWT_ISSUER: issuer, JWT_AUDIENCE: audience, JWT_SECRET: secrets = [] } = configuration
  if (issuer === undefined || audience === undefined) return undefined
  const { JWT_MAX_AGE_S: maxAgeS, JWT_JWKS: jwks } = configuration
  return { issuer, audience, maxAgeS, secrets, jwks }
}

function askingOf({ AUTH }: Configuration): GateRules['asking'] {
  if (AUTH === undefined) return 'when_configured'
  return AUTH === 'none' ? 'never' : 'always'
}

main().catch(cannotStart)
