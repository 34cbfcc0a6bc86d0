import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ServiceProcess } from '../crash/service-process.ts'
import { runProgram, sqliteUrl } from '../scripts/run-script.ts'
import { ApiClient } from '../support/api-client.ts'
import { createSqlitePath, redisUrl } from '../support/databases.ts'
import { openPeople, payment } from '../support/people.ts'

const redis = { REDIS_URL: redisUrl() }

/** One process serves a SQLite file: with workers elsewhere nobody could ever post what it accepts. */
describe('a SQLite file with Redis', () => {
  const path = createSqlitePath()
  let service: ServiceProcess
  beforeAll(async () => {
    service = await ServiceProcess.start({ dialect: 'sqlite', path }, redis)
  })
  afterAll(() => service.clear())

  test('has its queue drained by the process that serves it', async () => {
    const api = (await ApiClient.of(service.url)).inMode('async')
    const { cash, alice } = await openPeople(api)

    const answer = await api.postTransaction(
      payment({ debit: cash, credit: alice, amount: '1.00' }),
    )

    expect(answer.status).toBe(201)
    expect(answer.body.status_history.map(({ status }) => status)).toEqual(['queued', 'posted'])
  })

  test('is not given to a worker, which says why', async () => {
    const worker = await runProgram('services/worker/main.ts', {
      DATABASE_URL: sqliteUrl(path),
      ...redis,
    })

    expect(worker).toMatchObject({ code: 1, stdout: '' })
    expect(worker.stderr).toMatch(/^LedgerFlow cannot start: a worker needs Postgres/)
  })
})

test('a worker without Redis says that it needs it, and opens nothing', async () => {
  const path = createSqlitePath()

  const worker = await runProgram('services/worker/main.ts', { DATABASE_URL: sqliteUrl(path) })

  expect(worker).toMatchObject({ code: 1, stdout: '' })
  expect(worker.stderr).toMatch(/^LedgerFlow cannot start: a worker needs REDIS_URL/)
})
