import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { openRuntime, type Runtime } from '../../services/runtime.ts'
import { startApi, type ApiService } from '../../services/api/api-service.ts'
import { readinessDetailsSchema } from '../../services/readiness-details.ts'
import { listenForOperators, type OperatorPort } from '../../services/worker/operator-port.ts'
import { Worker } from '../../services/worker/worker.ts'
import { readConfiguration } from '../../shared/config.ts'
import { metricList, processMetricList } from '../../shared/metric-list.ts'
import { ApiClient } from '../support/api-client.ts'
import { open, openWallet, payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { until } from '../support/until.ts'

/** Words and numbers that nothing else is likely to say. */
const canary = 'kanarienvogel'
/** Of so many digits that no figure holds them by chance. */
const canaryAmount = '3133731337313.77'

/** What the labels of our metrics may say: words of the code, and patterns of routes. */
const labelValue = /^(?:[a-z_]+|[A-Z]+|\d{3}|\/[a-z0-9_/:.*-]*|\+Inf|\d*\.?\d+(?:e-?\d+)?)$/

const stores = { sqlite, postgres }

/** What only one of the stores has to tell. */
const onlyOn = {
  sqlite: /^ledgerflow_sqlite_/,
  postgres: /^ledgerflow_(?:database_|table_|events_held_back|posting_ahead_)/,
} as const

describe.each(['sqlite', 'postgres'] as const)('/metrics under load on %s', (dialect) => {
  let runtime: Runtime
  let api: ApiService
  let worker: Worker
  let port: OperatorPort
  let ids: string[]
  let scraped: string
  beforeAll(async () => {
    // The test runner sets one of this name for the pages of its own.
    vi.stubEnv('BASE_URL', undefined)
    const location = await stores[dialect]()
    runtime = await openRuntime({
      ...readConfiguration(),
      DATABASE_URL: location,
      LOG_LEVEL: 'silent',
      SLOW_STATEMENT_MS: 0,
    })
    const where = { host: '127.0.0.1', port: 0, defaultMode: 'sync', queues: 8 } as const
    api = await startApi(runtime, { ...where, location })
    worker = new Worker(runtime)
    await worker.start()
    port = await listenForOperators(runtime, '127.0.0.1', 0)
    const client = await ApiClient.of(api.address)
    ids = await load(client)
    const [debit = '', credit = ''] = ids
    // The first batches of a process are not decided ahead of their lock, nor those beside a worker on the same accounts.
    const isSeen = {
      sqlite: /^ledgerflow_sqlite_file_bytes\{/m,
      postgres: /^ledgerflow_posting_ahead_total\{[^]*^ledgerflow_table_bytes\{/m,
    }[dialect]
    scraped = await until('what comes later was seen', async () => {
      await client.postTransaction(payment({ debit, credit, amount: '1.00' }))
      const text = await scrape(api.address)
      return isSeen.test(text) && text
    })
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
    await api.stop()
    await worker.stop()
    await port.close()
    await runtime.close()
  })

  test.each(['API', 'worker'])('has every metric of the list, at the %s', async (process) => {
    const text = process === 'API' ? scraped : await scrape(port.address)
    const described = [...text.matchAll(/^# TYPE (\S+) (\w+)$/gm)].map(([, name, type]) => [
      name,
      type,
    ])

    const wanted = Object.entries({ ...metricList, ...processMetricList })
    expect(described).toEqual(expect.arrayContaining(wanted.map(([name, { type }]) => [name, type])))
    for (const [name, { help }] of Object.entries(metricList)) {
      expect(text).toContain(`# HELP ${name} ${help}\n`)
    }
    const ours = described.flatMap(([name]) => (name?.startsWith('ledgerflow_') ? [name] : []))
    expect(ours.toSorted()).toEqual(Object.keys(metricList).toSorted())
  })

  test('has values wherever there is something to tell', () => {
    const silent = Object.keys(metricList).filter(
      (name) => !new RegExp(`^${name}(?:_count)?[ {]`, 'm').test(scraped),
    )
    const other = onlyOn[dialect === 'sqlite' ? 'postgres' : 'sqlite']

    // What goes wrong, and has not here.
    const faults = /_(?:retries_total|drain_failures_total|connection_wait_seconds)$/
    // Nobody is sent webhooks here.
    const webhooks = /_webhook_(?:deliveries|attempt_failures|endpoints_disabled)_total$/
    // A table that was never vacuumed has no time of it.
    const never = 'ledgerflow_table_vacuumed_seconds'
    const expected = [faults, webhooks, other]
    const unexpected = silent.filter((name) => !expected.some((names) => names.test(name)))
    expect(unexpected.filter((name) => name !== never)).toEqual([])
  })

  test('is told to operators in words too, at the API and at the worker', async () => {
    for (const address of [api.address, port.address]) {
      const answer = await fetch(`${address}/health/ready/details`)
      const details = readinessDetailsSchema.parse(await answer.json())

      expect(details).toMatchObject({ ready: true, store: { description: runtime.store.description } })
      const { database, files } = details
      expect(dialect === 'sqlite' ? files?.length : database?.tables.length).toBeGreaterThan(1)
      expect(dialect === 'sqlite' ? database : files).toBeNull()
    }
  })

  test('names no account, no key, no reference and no amount', () => {
    for (const word of [canary, canaryAmount, canaryAmount.replace('.', ''), ...ids]) {
      expect(scraped).not.toContain(word)
    }
    const lines = scraped.split('\n').filter((line) => line.startsWith('ledgerflow_'))
    const values = lines.flatMap((line) => [...line.matchAll(/="([^"]*)"/g)].map(([, value]) => value))
    expect(values.filter((value) => !labelValue.test(value ?? ''))).toEqual([])
  })
})

async function scrape(address: string): Promise<string> {
  return (await fetch(`${address}/metrics`)).text()
}

/** Opens accounts and posts in all ways, under names, keys and amounts that are to be seen nowhere; gives the ids. */
async function load(api: ApiClient): Promise<string[]> {
  const cash = await open(api, { name: canary, code: `${canary}-cash` })
  const wallet = await openWallet(api, { name: canary, metadata: { [canary]: canary } })
  const ids = [cash.id, wallet.id]
  const all = Array.from({ length: 40 }, async (_, index) => {
    const isRefused = index % 10 === 9
    const answer = await api.inMode(index % 2 === 0 ? 'sync' : 'async').postTransaction(
      payment({
        debit: isRefused ? wallet.id : cash.id,
        credit: isRefused ? cash.id : wallet.id,
        amount: isRefused ? `999${canaryAmount}` : canaryAmount,
        idempotency_key: `${canary}-${index}`,
        reference: canary,
        description: canary,
        metadata: { [canary]: canary },
      }),
    )
    if (answer.code === 'ok') ids.push(answer.body.id)
  })
  await Promise.all(all)
  await api.get(`/api/v1/accounts/${canary}`)
  await api.get(`/api/v1/${canary}`)
  await api.get(`/api/v1/transactions?reference=${canary}`)
  return ids
}
