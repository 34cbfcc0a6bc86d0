import { afterEach, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { queueBacklog } from '../support/backlog.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { balanceOf, openPeople, payment, type People } from '../support/people.ts'
import { bullmq, postgres, shapes, startService, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

describe('two workers on the same slots', () => {
  it('post everything once, in the order of each key, though all bells ring for both', async () => {
    const location = await postgres()
    const queue = bullmq()
    const one = await startService(location, { queue })
    const other = await startService(location, { queue })
    try {
      const { cash, alice } = await openPeople(one.api)
      const keys = Array.from({ length: 8 }, (_, n) => `key ${n}`)
      const queued = await Promise.all(
        keys.map(async (ordering_key, n) => {
          const ids: string[] = []
          for (let turn = 0; turn < 20; turn += 1) {
            const { api } = (n + turn) % 2 === 0 ? one : other
            const request = payment({ debit: cash, credit: alice, amount: '1.00', ordering_key })
            ids.push((await api.queueTransaction(request)).body.id)
          }
          return ids
        }),
      )
      for (const ids of queued) {
        const versions: number[] = []
        for (const id of ids) {
          const { entries } = (await one.api.transaction(id, { wait: 20 })).body
          versions.push(entries[0]?.account_version ?? 0)
        }
        expect(versions).toEqual(versions.toSorted((a, b) => a - b))
      }
      expect(await balanceOf(other.api, alice)).toBe('160.00')
    } finally {
      await one.close()
      await other.close()
    }
  })
})

describe('two processes that drain their own queue on one Postgres', () => {
  it('need no sweep for what rings in one while the other is at its slot', async () => {
    const url = await createPostgresDatabase()
    const location = { dialect: 'postgres', url } as const
    const unswept = { slotsWaiting: () => Promise.resolve([]) }
    let looks = 0
    const one = await startService(location, { interpose: () => unswept })
    const other = await startService(location, {
      interpose: (store) => ({
        ...unswept,
        drain: async (...order) => {
          const rest = await store.drain(...order)
          looks += 1
          return rest
        },
      }),
    })
    try {
      const { cash, alice } = await openPeople(one.api)
      const request = payment({ debit: cash, credit: alice, amount: '1.00', ordering_key: 'k' })
      // Once each: a process is careful the first time it drains a slot.
      for (const { api } of [one, other]) {
        const { id } = (await api.queueTransaction(request)).body
        expect((await api.transaction(id, { wait: 10 })).body.status).toBe('posted')
      }
      looks = 0
      const second = await withClient(url, async (client) => {
        // The drain of the first has the slot and waits for this account.
        await client.query('begin')
        await client.query('select 1 from accounts where id = $1 for update', [cash])
        await one.api.queueTransaction(request)
        await until('the slot is taken', async () => {
          const { rows } = await client.query(
            `select 1 from pg_locks where locktype = 'advisory' and granted and objsubid = 1
              and database = (select oid from pg_database where datname = current_database())`,
          )
          return rows.length > 0
        })
        const { id } = (await other.api.queueTransaction(request)).body
        await until('the other has looked in vain', () => looks > 0)
        await client.query('commit')
        return id
      })
      expect((await one.api.transaction(second, { wait: 10 })).body.status).toBe('posted')
    } finally {
      await one.close()
      await other.close()
    }
  })
})

describe.each(shapes)('a worker that stops in the midst of a backlog on $name', (shape) => {
  let ledger: Service
  let people: People
  afterEach(() => ledger.close())

  it('ends what it is at, takes no more, and leaves the rest to the next one', async () => {
    ledger = await shape.start({ worker: false })
    people = await openPeople(ledger.api)
    const count = 3000
    const ids = await queueBacklog(
      ledger.store,
      Array.from({ length: count }, () =>
        payment({ debit: people.cash, credit: people.alice, amount: '1.00', ordering_key: 'k' }),
      ),
    )
    const posted = async () => Number(await balanceOf(ledger.api, people.alice))

    await ledger.startWorker()
    await until('the drain has begun', async () => (await posted()) > 0)
    const begun = performance.now()
    await ledger.stopWorker()
    expect(performance.now() - begun).toBeLessThan(5000)

    const done = await posted()
    expect(done).toBeLessThan(count)
    const { version } = (await ledger.api.account(people.alice)).body
    expect(version).toBe(done)
    // What is done is the beginning of the queue, and what is not done is whole.
    expect((await ledger.api.transaction(ids[done - 1] ?? '')).body.status).toBe('posted')
    expect((await ledger.api.transaction(ids[done] ?? '')).body).toMatchObject({
      status: 'queued',
      queue: { ahead: 0, attempts: 0 },
    })

    await ledger.startWorker()
    const last = (await ledger.api.transaction(ids.at(-1) ?? '', { wait: 30 })).body
    expect(last.entries[0]).toMatchObject({ account_version: count })
    expect(await posted()).toBe(count)
  })
})
