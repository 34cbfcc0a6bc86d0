import { afterAll, beforeAll, expect, test } from 'vitest'
import type { AccountRecord } from '../../shared/engine/account-record.ts'
import { newId } from '../../shared/engine/new-id.ts'
import type { Axis } from '../../shared/ledger/axis.ts'
import type { LedgerStore, TransactionFilter } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { effectiveBalanceAt } from '../../shared/store/read-effective.ts'
import {
  balanceAt,
  findAccount,
  listAccounts,
  listEntries,
} from '../../shared/store/read-accounts.ts'
import { statementFrame, statementLines } from '../../shared/store/read-statement.ts'
import { trialBalance } from '../../shared/store/read-trial-balance.ts'
import type { Parameter, Statement } from '../../shared/store/reader.ts'
import { searchTransactions } from '../../shared/store/search-transactions.ts'
import { SqliteReader } from '../../shared/store/sqlite/reader.ts'
import { ledgerId, openAccount } from '../support/commands.ts'
import { createSqlitePath } from '../support/databases.ts'

let store: LedgerStore
let reader: ExplainingReader
let alice: string

/** Runs reads as the service does, and keeps how each looks its tables up. */
class ExplainingReader extends SqliteReader {
  readonly ways: string[] = []

  override async rows(statement: Statement, parameters: readonly Parameter[]) {
    const text = `explain query plan ${statement.text}`
    for (const { detail } of await super.rows({ name: 'explain', text }, parameters)) {
      const way = /^(?:SEARCH|SCAN) .*/.exec(String(detail))?.[0]
      // What is not a table is small: the two ways that are merged, the steps of a binary search.
      if (
        way !== undefined &&
        !/^SCAN (?:search|led|own|block|line|elsewhere|either|page|posted|way\d|\(|CONSTANT ROW)/.test(
          way,
        )
      )
        this.ways.push(way)
    }
    return super.rows(statement, parameters)
  }

  now(): Promise<number> {
    return Promise.resolve(Date.now())
  }

  settle(): Promise<void> {
    return Promise.resolve()
  }
}

beforeAll(async () => {
  const path = createSqlitePath()
  store = (await openStore({ dialect: 'sqlite', path })).store
  alice = await openAccount(store, 'liability')
  reader = new ExplainingReader(path)
})
afterAll(async () => {
  reader.close()
  await store.close()
})

/** Walks that begin anywhere in the ledger and stop after a page: there is no more to be known of them. */
const walks = [
  'SEARCH a USING PRIMARY KEY (ledger_id=?)',
  'SEARCH t USING COVERING INDEX transactions_postings (ledger_id=?)',
  'SEARCH t USING INDEX transactions_failed (ledger_id=?)',
  'SEARCH t USING INDEX transactions_canceled (ledger_id=?)',
  // Of the queue only what waits; a queued transaction is not found by its account in another way.
  'SEARCH q USING PRIMARY KEY (ledger_id=?)',
]

const then = Date.parse('2026-01-01')
const now = Date.parse('2026-06-01')
const page = { before: undefined, size: 51 }

const reads: Record<string, (account: AccountRecord) => Promise<unknown>> = {
  'a balance at a time': (account) => balanceAt(reader, account, then),
  'a balance by effect': (account) => effectiveBalanceAt(reader, account, then),
  entries: () => listEntries(reader, ledgerId, alice, page),
  accounts: () => listAccounts(reader, ledgerId, {}, page),
  'accounts by code': () => listAccounts(reader, ledgerId, { code: 'a' }, page),
  'accounts by metadata': () =>
    listAccounts(
      reader,
      ledgerId,
      {
        metadata: [
          ['a', 'b'],
          ['c', 'd'],
        ],
      },
      page,
    ),
  'a statement by posting': (account) => statement(account, 'posted'),
  'a statement by effect': (account) => statement(account, 'effective'),
  'a trial balance by posting': () => trialBalance(reader, ledgerId, { axis: 'posted', at: then }),
  'a trial balance by effect': () =>
    trialBalance(reader, ledgerId, { axis: 'effective', at: then }),
}

test.each(Object.entries(reads))('%s: found through keys', async (_, read) => {
  expect(await surplusOf(read)).toEqual([])
})

const id = newId()
const span = { from: then, to: now }
const searches: Record<string, readonly [filter: TransactionFilter, key: string, lead: string]> = {
  all: [{}, id, 'transactions_postings (ledger_id=? AND id<?)'],
  failed: [{ status: 'failed' }, id, 'transactions_failed (ledger_id=? AND id<?)'],
  canceled: [{ status: 'canceled' }, id, 'transactions_canceled (ledger_id=? AND id<?)'],
  'by reference': [
    { reference: 'order-4711' },
    id,
    'transactions_reference (ledger_id=? AND reference=? AND id<?)',
  ],
  'by metadata': [
    { metadata: [['order', '4711']] },
    id,
    'PRIMARY KEY (ledger_id=? AND name=? AND value=? AND transaction_id<?)',
  ],
  'by account': [
    { accountId: id },
    `3/${id}`,
    'entries_late (ledger_id=? AND account_id=? AND transaction_id<?)',
  ],
  'by posting': [
    { posted: span },
    `${now}/${id}`,
    'entries_posted (ledger_id=? AND posted_at>? AND (posted_at,transaction_id)<(?,?))',
  ],
  'by effect': [
    { effective: span },
    `${now}/${id}`,
    'transactions_effective (ledger_id=? AND effective_at>? AND (effective_at,id)<(?,?))',
  ],
  'by account and posting': [
    { accountId: 'alice', posted: span },
    `${now}/3/${id}`,
    'PRIMARY KEY (ledger_id=? AND account_id=? AND account_version>? AND account_version<?)',
  ],
  'by account and effect': [
    { accountId: 'alice', effective: span },
    `${now}/3/${id}`,
    'dated_entries_of_account (ledger_id=? AND account_id=? AND effective_at>? AND (effective_at,account_version)<(?,?))',
  ],
  'by all': [
    { reference: 'x', accountId: id, currency: 'USD', metadata: [['order', '4711']] },
    id,
    'entries_transaction (ledger_id=? AND transaction_id=?)',
  ],
}

test.each(Object.entries(searches))('transactions, %s: found through keys', async (_, search) => {
  const [wanted, key, lead] = search
  const filter = wanted.accountId === 'alice' ? { ...wanted, accountId: alice } : wanted
  const read = (after: string | undefined) =>
    searchTransactions(reader, ledgerId, filter, { after, size: 50 })
  expect(await surplusOf(() => read(undefined))).toEqual([])
  expect(await surplusOf(() => read(key))).toEqual([])
  expect(reader.ways.join('\n')).toContain(lead)
})

/** What a read looks at that is neither a key's rows nor a page of a walk. */
async function surplusOf(read: (account: AccountRecord) => Promise<unknown>): Promise<string[]> {
  const account = await findAccount(reader, ledgerId, alice)
  if (account === undefined) throw new Error('no account')
  reader.ways.length = 0
  await read(account)
  expect(reader.ways).not.toEqual([])
  return reader.ways.filter(
    (way) => !walks.includes(way) && !/^SEARCH \w+ USING .*\(ledger_id=\? AND /.test(way),
  )
}

async function statement(account: AccountRecord, axis: Axis): Promise<unknown> {
  const of = { axis, after: then, until: now }
  const { opening, lastVersion } = await statementFrame(reader, account, of)
  const reading = { from: opening, lastVersion, rowsPerRead: 50 }
  return statementLines(reader, account, of, reading).next()
}
