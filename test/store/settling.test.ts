import { Client } from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { payment } from '../support/people.ts'
import { until } from '../support/until.ts'
import { decidedBy, sendDecided, stateFor } from './decided-batch.ts'

/** What somebody who posts holds while its database transaction is open. */
const lockAccount = 'select * from accounts for no key update'
const lockClosing = 'select books_closed_until from ledgers for share'

describe('on Postgres', () => {
  let url: string
  let store: LedgerStore
  let poster: Client
  /** Not in a database transaction, in which it would see the same for ever. */
  let watcher: Client
  beforeAll(async () => {
    url = await createPostgresDatabase()
    store = (await openStore({ dialect: 'postgres', url })).store
    await openAccount(store, 'asset')
    watcher = new Client({ connectionString: url })
    await watcher.connect()
  })
  afterAll(async () => {
    await watcher.end()
    await store.close()
  })
  beforeEach(async () => {
    poster = new Client({ connectionString: url })
    await poster.connect()
  })
  afterEach(() => poster.end())

  /** Begins something that must wait for the poster, and gives what it waits for. */
  async function mustWait(work: Promise<unknown>, isWaiting: () => Promise<boolean>) {
    let done = false
    const ended = work.finally(() => {
      done = true
    })
    await until('it waits', isWaiting)
    expect(done).toBe(false)
    await poster.query('commit')
    return ended
  }

  /** Looks at the lock table as `settle` does: if it is seen there, `settle` has looked in vain at least once. */
  const looks = async () => {
    const { rows } = await watcher.query<{ seen: boolean }>(
      `select bool_or(query like '%pg_locks%' and pid <> pg_backend_pid()) as seen
         from pg_stat_activity where application_name = 'ledgerflow-reading'`,
    )
    return rows[0]?.seen === true
  }
  const waitsForLock = async () => {
    const { rows } = await watcher.query<{ seen: boolean }>(
      `select bool_or(wait_event_type = 'Lock') as seen from pg_stat_activity
        where application_name = 'ledgerflow-posting'`,
    )
    return rows[0]?.seen === true
  }

  it('a time is settled when those who were writing by then have ended', async () => {
    await poster.query(`begin; ${lockAccount}`)
    await expect(mustWait(store.settle(await store.now()), looks)).resolves.toBeUndefined()
  })

  it('those who begin meanwhile are not waited for', async () => {
    const late = new Client({ connectionString: url })
    await late.connect()
    await poster.query(`begin; ${lockAccount}`)
    const lateBegins = async () => {
      if (!(await looks())) return false
      await late.query(`begin; select * from accounts where false for no key update`)
      return true
    }
    const settling = mustWait(store.settle(await store.now()), lateBegins)
    await expect(settling).resolves.toBeUndefined()
    await late.end()
  })

  it('a time that has not come yet is waited for', async () => {
    const at = (await store.now()) + 30
    await store.settle(at)
    expect(await store.now()).toBeGreaterThan(at)
  })

  it('nobody who estimates the time can post at one that is settled', async () => {
    const connection = await PostingConnection.open(url)
    const one = await openAccount(store, 'asset')
    const command = commandOf(
      payment({ debit: one, credit: await openAccount(store, 'asset'), amount: '1.00' }),
    )
    const state = await stateFor(connection, [command])
    await store.settle(state.now)
    expect(await sendDecided(connection, decidedBy(state, [command]))).toBe(false)
    await until('it is posted at a later time', async () => {
      const now = await store.now()
      return sendDecided(connection, decidedBy({ ...state, now }, [command]))
    })
    connection.close()
  })

  it('who only reads is not waited for', async () => {
    await poster.query('begin; select * from accounts; select * from ledgers')
    await expect(store.settle(await store.now())).resolves.toBeUndefined()
  })

  it('books are closed after those have ended who were judged by the time before', async () => {
    await poster.query(`begin; ${lockClosing}`)
    const closed = await mustWait(
      store.closeBooks(ledgerId, Date.parse('2020-01-01')),
      waitsForLock,
    )
    expect(closed).toBe('closed')
  })

  it('books are closed after those have ended who name no time', async () => {
    await poster.query(`begin; ${lockAccount}`)
    expect(await mustWait(store.closeBooks(ledgerId, Date.parse('2020-01-02')), looks)).toBe(
      'closed',
    )
  })
})
