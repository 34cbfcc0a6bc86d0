import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { newId } from '../../shared/engine/new-id.ts'
import { PostgresReader } from '../../shared/store/postgres/reader.ts'
import { ReadsTogether } from '../../shared/store/postgres/reads-together.ts'
import { balanceAt, findAccount, listEntries } from '../../shared/store/read-accounts.ts'
import { findTransaction, listTransactions } from '../../shared/store/read-transactions.ts'
import type { Row } from '../../shared/store/rows.ts'
import { verifyAccounts } from '../../shared/store/verify/verify-accounts.ts'
import { Differences } from '../../shared/store/verify/differences.ts'
import { verifyTotals } from '../../shared/store/verify/verify-totals.ts'
import { verifyQueue } from '../../shared/store/verify/verify-queue.ts'
import { verifyTransactions } from '../../shared/store/verify/verify-transactions.ts'
import { openVerifyingReader } from '../../shared/store/verify/verifying-reader.ts'
import { ledgerId } from '../support/commands.ts'
import {
  Explaining,
  planOf,
  readIndexColumns,
  scansIn,
  shortOf,
  type IndexColumns,
  type Scan,
} from './plan-scans.ts'
import { openPlannedLedger, tableStates, type PlannedLedger } from './planned-ledger.ts'

let ledger: PlannedLedger
let indexColumns: IndexColumns

beforeAll(async () => {
  ledger = await openPlannedLedger()
  indexColumns = await readIndexColumns(ledger.url)
})
afterAll(() => ledger.store.close())

describe.each(tableStates)('on tables that are $state', ({ state, prepare }) => {
  beforeAll(async () => {
    await prepare(ledger)
  })

  test('every read goes through the index it should', async () => {
    const plans = await scansOfReads()
    // Reads are planned each time, so with next to no rows it does not matter how.
    if (state === 'empty') expect(Object.values(plans).flat().join()).not.toMatch(/Seq|Bitmap/)
    else expect(plans).toEqual(expectedOfReads)
  })

  test('verification walks along indexes', async () => {
    const reader = openVerifyingReader({ dialect: 'postgres', url: ledger.url })
    const explaining = new Explaining(reader)
    const verifying = Object.assign(explaining, { close: () => reader.close() })
    try {
      const differences = new Differences()
      const atOnce = <Result>(read: () => Promise<Result>) => read()
      const cut = { accountsAtOnceMax: 1, trailMs: 0 }
      await verifyTotals(verifying, ledgerId, differences, { pace: atOnce, cut })
      await verifyAccounts(verifying, ledgerId, differences, atOnce)
      await verifyTransactions(verifying, ledgerId, differences, atOnce)
      await verifyQueue(verifying, ledgerId, differences, atOnce)
      expect(differences.named).toEqual([])
    } finally {
      await reader.close()
    }
    const found = new Set(explaining.scans.map(short))
    expect([...found].filter((scan) => !expectedOfVerification.includes(scan))).toEqual([])
    expect(found.size).toBeGreaterThan(4)
  })
})

test('without its settings a connection would scan: the control', async () => {
  const scans = await withClient(ledger.url, async (client) => {
    await client.query('set enable_indexscan = off')
    await client.query('set enable_bitmapscan = off')
    await client.query('set plan_cache_mode = force_generic_plan')
    await client.query(`prepare find (integer, uuid[]) as
      select id from accounts where ledger_id = $1 and id = any($2)`)
    const { rows } = await client.query('explain (format json) execute find (1, null)')
    return scansIn('find', planOf(rows[0] as Row))
  })
  expect(scans.map(({ kind }) => kind)).not.toEqual(['Index Scan'])
})

const short = (scan: Scan) => shortOf(scan, indexColumns)

/** Every read of the API, on the reader's own connections. */
async function scansOfReads(): Promise<Record<string, string[]>> {
  const postgres = new PostgresReader(ledger.url)
  const reader = new Explaining(postgres)
  const plans: Record<string, string[]> = {}
  const explain = async (title: string, read: () => Promise<unknown>) => {
    reader.scans.length = 0
    await read()
    plans[title] = [...new Set(reader.scans.map(short))].toSorted()
  }
  const page = { before: undefined, size: 51 }
  const next = { before: newId(), size: 51 }
  try {
    const account = await findAccount(reader, ledgerId, ledger.alice)
    if (account === undefined) throw new Error('no account')
    const [entry] = await listEntries(reader, ledgerId, ledger.alice, page)
    const id = entry?.transactionId ?? newId()
    await explain('account', () => findAccount(reader, ledgerId, ledger.alice))
    await explain('entries', () => listEntries(reader, ledgerId, ledger.alice, page))
    await explain('balance at', () => balanceAt(reader, account, Date.now()))
    await explain('transaction', () => findTransaction(reader, ledgerId, id))
    const together = new ReadsTogether(reader)
    await explain('accounts together', () => together.account(ledgerId, ledger.alice))
    await explain('transactions together', () => together.transaction(ledgerId, id))
    for (const [title, filter] of [
      ['transactions', {}],
      ['failed', { status: 'failed' }],
      ['canceled', { status: 'canceled' }],
      ['by reference', { reference: 'order-4711' }],
    ] as const) {
      await explain(title, () => listTransactions(reader, ledgerId, filter, page))
      await explain(`${title}, next`, () => listTransactions(reader, ledgerId, filter, next))
    }
    return plans
  } finally {
    await postgres.close()
  }
}

const ofPage = ['entries_transaction (ledger_id, transaction_id)']
const expectedOfReads: Record<string, string[]> = {
  account: ['accounts_pkey (ledger_id, id)'],
  entries: ['entries_pkey (ledger_id, account_id, account_version)'],
  'balance at': ['entries_pkey (ledger_id, account_id, account_version)'],
  transaction: [...ofPage, 'transactions_pkey (ledger_id, id)'],
  'accounts together': ['accounts_pkey (ledger_id, id)'],
  'transactions together': [...ofPage, 'transactions_pkey (ledger_id, id)'],
  transactions: [...ofPage, 'transactions_pkey (ledger_id)'],
  'transactions, next': [...ofPage, 'transactions_pkey (ledger_id, id)'],
  failed: ['transactions_failed (ledger_id)'],
  'failed, next': ['transactions_failed (ledger_id, id)'],
  canceled: ['transactions_canceled (ledger_id)'],
  'canceled, next': ['transactions_canceled (ledger_id, id)'],
  'by reference': ['transactions_reference (ledger_id, reference)'],
  'by reference, next': ['transactions_reference (ledger_id, reference, id)'],
}

const expectedOfVerification: readonly string[] = [
  'accounts_pkey (ledger_id)',
  'accounts_pkey (ledger_id, id)',
  'entries_pkey (ledger_id, account_id, account_version)',
  'entries_transaction (ledger_id)',
  'entries_transaction (ledger_id, transaction_id)',
  'transactions_pkey (ledger_id)',
  'transactions_pkey (ledger_id, id)',
  'queued_transactions_pkey (ledger_id, slot, sequence)',
]
