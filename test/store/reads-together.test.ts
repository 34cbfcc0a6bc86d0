import { afterAll, beforeAll, expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { newId } from '../../shared/engine/new-id.ts'
import { Posting } from '../../shared/engine/post.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { PostgresReader } from '../../shared/store/postgres/reader.ts'
import { ReadsTogether } from '../../shared/store/postgres/reads-together.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { postgres } from '../support/service.ts'

let url: string
let store: LedgerStore
let reader: PostgresReader
let cash: string
let wallets: string[]

beforeAll(async () => {
  const location = await postgres()
  if (location.dialect !== 'postgres') throw new Error('this is about Postgres')
  store = (await openStore(location)).store
  url = location.url
  reader = new PostgresReader(url)
  cash = await openAccount(store, 'asset')
  wallets = await Promise.all(Array.from({ length: 60 }, () => openAccount(store, 'liability')))
})
afterAll(async () => {
  await reader.close()
  await store.close()
})

/** Reads whose statements are counted. */
function counted(): { reads: ReadsTogether; count: () => number } {
  let count = 0
  const reads = new ReadsTogether({
    rows: (statement, parameters) => {
      count += 1
      return reader.rows(statement, parameters)
    },
    timeParameter: (ms) => reader.timeParameter(ms),
    exactSum: (column) => reader.exactSum(column),
    idRows: (...asked) => reader.idRows(...asked),
    keyRange: (...asked) => reader.keyRange(...asked),
    probe: (...asked) => reader.probe(...asked),
  })
  return { reads, count: () => count }
}

test('what many ask for at once is read by few statements, and each is given its own', async () => {
  const { reads, count } = counted()
  const unknown = newId()
  const asked = [...wallets, unknown, ...wallets]
  const found = await Promise.all(asked.map((id) => reads.account(ledgerId, id)))
  expect(found.map((account) => account?.id)).toEqual(
    asked.map((id) => (id === unknown ? undefined : id)),
  )
  expect(count()).toBeLessThan(5)
})

test('an account of another ledger is not there', async () => {
  const { reads } = counted()
  const asked = [ledgerId, ledgerId + 1].map((ledger) => reads.account(ledger, cash))
  expect((await Promise.all(asked)).map((account) => account?.id)).toEqual([cash, undefined])
})

test('a transaction is read back at once with its own entries, among others and beside reads under way', async () => {
  const { reads } = counted()
  const posting = new Posting(store, new Metrics().posting)
  await Promise.all(
    wallets.map(async (wallet) => {
      const request = payment({ debit: cash, credit: wallet, amount: '1.00' })
      const outcome = await posting.post(commandOf(request))
      if (outcome.kind !== 'written') throw new Error('not posted')
      const { id } = outcome.transaction
      const transaction = await reads.transaction(ledgerId, id)
      expect(transaction).toMatchObject({ id, status: 'posted' })
      expect(transaction?.entries.map(({ accountId }) => accountId)).toEqual([cash, wallet])
    }),
  )
})

test('none waits for a table that somebody keeps locked, and its readers are told to come back', async () => {
  const { reads } = counted()
  await withClient(url, async (client) => {
    await client.query('begin; lock table accounts in access exclusive mode')
    const asked = wallets.map((id) => reads.account(ledgerId, id))
    // Did one wait for the lock, it would end with the time of its statement, which is another failure.
    for (const end of await Promise.allSettled(asked)) {
      expect(end).toMatchObject({ status: 'rejected', reason: { kind: 'blocked', code: '55P03' } })
    }
    await client.query('rollback')
  })
  expect((await reads.account(ledgerId, cash))?.id).toBe(cash)
})
