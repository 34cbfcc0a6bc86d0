import { afterAll, beforeAll, expect, test } from 'vitest'
import { provisionRedis, type RedisServer } from '../../scripts/provision/redis.ts'
import { openStore } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { queueBacklog } from '../support/backlog.ts'
import { openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { readRows } from '../support/read-rows.ts'
import { postgres } from '../support/service.ts'
import { until } from '../support/until.ts'
import { ServiceProcess } from './service-process.ts'

/** Enough that none of the workers that are killed can end it. */
const backlog = 6000
const rounds = 2

// Of its own: a worker answers every ring under the usual names.
let redis: RedisServer
beforeAll(async () => {
  redis = await provisionRedis({ ownServer: true })
})
afterAll(() => redis.stop())

test('a worker by itself that is killed with -9 in the midst of draining has posted all or nothing of each, in order', async () => {
  const location = await postgres()
  const { store } = await openStore(location)
  const cash = await openAccount(store, 'asset')
  const alice = await openAccount(store, 'liability')
  const ids = await queueBacklog(
    store,
    Array.from({ length: backlog }, () =>
      payment({ debit: cash, credit: alice, amount: '1.00', ordering_key: 'alice' }),
    ),
  )
  await store.close()
  const posted = async () => {
    const [rows = []] = await readRows(location, [
      `select t.id from entries e join transactions t on t.id = e.transaction_id
        where e.account_id = '${alice}' order by e.account_version`,
    ])
    return rows.map((row) => row['id'])
  }

  let before = 0
  for (let round = 0; round < rounds; round += 1) {
    const killed = await ServiceProcess.startWorker(location, redis.url())
    try {
      await until('it drains', async () => (await posted()).length > before)
      await killed.end('SIGKILL')
    } finally {
      await killed.clear()
    }
    const done = await posted()
    before = done.length
    expect(before).toBeLessThan(backlog)
    // What was accepted first was posted first, without a gap.
    expect(done).toEqual(ids.slice(0, before))
    expect((await verifyStore(location)).differences).toEqual([])
  }

  const last = await ServiceProcess.startWorker(location, redis.url())
  try {
    await until('all are posted', async () => (await posted()).length === backlog, 30_000)
    expect(await posted()).toEqual(ids)
    expect(await verifyStore(location)).toMatchObject({
      differences: [],
      ledgers: [{ queued: 0, transactions: { posted: backlog, failed: 0, queued: 0 } }],
    })
    expect(await last.end('SIGTERM')).toMatchObject({ code: 0 })
  } finally {
    await last.clear()
  }
})
