import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { newId } from '../../shared/engine/new-id.ts'
import { PostgresReader } from '../../shared/store/postgres/reader.ts'
import { ReadsTogether } from '../../shared/store/postgres/reads-together.ts'
import { findRecords } from '../../shared/store/find-records.ts'
import type { AccountFilter, TransactionFilter } from '../../shared/store/ledger-store.ts'
import {
  balanceAt,
  findAccount,
  listAccounts,
  listEntries,
} from '../../shared/store/read-accounts.ts'
import { effectiveBalanceAt } from '../../shared/store/read-effective.ts'
import { findBatch, findBatchByFingerprint } from '../../shared/store/read-batches.ts'
import { holdsDue } from '../../shared/store/read-holds.ts'
import { statementFrame, statementLines } from '../../shared/store/read-statement.ts'
import { trialBalance } from '../../shared/store/read-trial-balance.ts'
import { findTransaction } from '../../shared/store/read-transactions.ts'
import { searchTransactions } from '../../shared/store/search-transactions.ts'
import type { Row } from '../../shared/store/rows.ts'
import { makeAnchors } from '../../shared/store/anchors/make-anchors.ts'
import { verifyAnchors } from '../../shared/store/verify/verify-anchors.ts'
import { verifyAccounts } from '../../shared/store/verify/verify-accounts.ts'
import { Differences } from '../../shared/store/verify/differences.ts'
import { verifyEvents } from '../../shared/store/verify/verify-events.ts'
import { verifyHolds } from '../../shared/store/verify/verify-holds.ts'
import { verifyResolved } from '../../shared/store/verify/verify-resolved.ts'
import { verifyTotals } from '../../shared/store/verify/verify-totals.ts'
import { verifyDatedEntries } from '../../shared/store/verify/verify-dated-entries.ts'
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
      await verifyAnchors(verifying, ledgerId, differences, { pace: atOnce, kept: [] })
      const books = Object.assign(verifying, {
        now: () => Promise.resolve(Date.now()),
        settle: () => Promise.resolve(),
        write: () => Promise.resolve(false),
      })
      await makeAnchors(books, ledgerId, atOnce)
      await verifyTransactions(verifying, ledgerId, differences, atOnce)
      await verifyDatedEntries(verifying, ledgerId, differences, atOnce)
      await verifyQueue(verifying, ledgerId, differences, atOnce)
      await verifyHolds(verifying, ledgerId, differences, atOnce)
      await verifyEvents(verifying, ledgerId, differences, { pace: atOnce })
      await verifyResolved(verifying, ledgerId, [newId(), newId()], new Differences(), atOnce)
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
/** An account has few dated entries, and both of their indexes hold them: which is taken hangs on the sample that was analysed. */
function eitherIndex(scan: string): string {
  return scan.replace(
    /^dated_entries_of_account (?=\(ledger_id, account_id, account_version\)$)/,
    'dated_entries_pkey ',
  )
}

async function scansOfReads(): Promise<Record<string, string[]>> {
  const postgres = new PostgresReader(ledger.url)
  const reader = new Explaining(postgres)
  const plans: Record<string, string[]> = {}
  const explain = async (title: string, read: () => Promise<unknown>) => {
    reader.scans.length = 0
    await read()
    plans[title] = [...new Set(reader.scans.map(short).map(eitherIndex))].toSorted()
  }
  const page = { before: undefined, size: 51 }
  const then = Date.parse('2026-01-01')
  const firstPage = { after: undefined, size: 50 }
  /** Where the next page begins, where that is not an id. */
  const nextKeys: Record<string, string> = {
    'by account': `3/${newId()}`,
    'by posting': `${Date.now()}/${newId()}`,
    'by effect': `${Date.now()}/${newId()}`,
    'by account and posting': `${Date.now()}/3/${newId()}`,
    'by account and effect': `${Date.now()}/3/${newId()}`,
  }
  try {
    const account = await findAccount(reader, ledgerId, ledger.alice)
    if (account === undefined) throw new Error('no account')
    const [entry] = await listEntries(reader, ledgerId, ledger.alice, page)
    const id = entry?.transactionId ?? newId()
    await explain('account', () => findAccount(reader, ledgerId, ledger.alice))
    await explain('entries', () => listEntries(reader, ledgerId, ledger.alice, page))
    await explain('balance at', () => balanceAt(reader, account, Date.now()))
    await explain('effective balance', () => effectiveBalanceAt(reader, account, then))
    await explain('accounts', () => listAccounts(reader, ledgerId, {}, page))
    const byMetadata = { metadata: [['tier', 'gold']] } satisfies AccountFilter
    await explain('accounts by metadata', () => listAccounts(reader, ledgerId, byMetadata, page))
    await explain('accounts by code', () => listAccounts(reader, ledgerId, { code: 'x' }, page))
    for (const axis of ['posted', 'effective'] as const) {
      const span = { axis, after: then, until: Date.now() }
      await explain(`statement, ${axis}`, async () => {
        const { opening, lastVersion } = await statementFrame(reader, account, span)
        const reading = { from: opening, lastVersion, rowsPerRead: 50 }
        await statementLines(reader, account, span, reading).next()
      })
      const access = Object.assign(reader, {
        now: () => Promise.resolve(Date.now()),
        settle: () => Promise.resolve(),
      })
      await explain(`trial balance, ${axis}`, async () => {
        await trialBalance(access, ledgerId, { axis, at: then })
      })
    }
    await explain('batch', () => findBatch(reader, ledgerId, id))
    await explain('batch of a request', () => findBatchByFingerprint(reader, ledgerId, 'f'))
    await explain('transaction', () => findTransaction(reader, ledgerId, id))
    const together = new ReadsTogether(reader)
    await explain('accounts together', () => together.account(ledgerId, ledger.alice))
    await explain('transactions together', () => together.transaction(ledgerId, id))
    for (const [title, filter] of [
      ['transactions', {}],
      ['failed', { status: 'failed' }],
      ['canceled', { status: 'canceled' }],
      ['by reference', { reference: 'order-4711' }],
      ['held', { status: 'held' }],
      ['voided', { status: 'voided' }],
      ['by metadata', { metadata: [['order', '4711']] }],
      ['by account', { accountId: ledger.alice }],
      ['by account, failed', { accountId: ledger.alice, status: 'failed' }],
      ['by posting', { posted: { to: Date.now() } }],
      ['by effect', { effective: { to: Date.now() } }],
      ['by account and posting', { accountId: ledger.alice, posted: { to: Date.now() } }],
      ['by account and effect', { accountId: ledger.alice, effective: { to: Date.now() } }],
      [
        'by all',
        { reference: 'x', accountId: ledger.alice, currency: 'USD', metadata: [['order', '4711']] },
      ],
    ] satisfies [string, TransactionFilter][]) {
      const next = { after: nextKeys[title] ?? newId(), size: 50 }
      await explain(title, () => searchTransactions(reader, ledgerId, filter, firstPage))
      await explain(`${title}, next`, () => searchTransactions(reader, ledgerId, filter, next))
    }
    await explain('audit log', () => findRecords(reader, [0, ledgerId], {}, { size: 50 }))
    await explain('holds due', () => holdsDue(reader, Date.now(), 200))
    return plans
  } finally {
    await postgres.close()
  }
}

const entriesOf = 'entries_transaction (ledger_id, transaction_id)'
const transaction = 'transactions_pkey (ledger_id, id)'
const entry = 'entries_pkey (ledger_id, account_id, account_version)'
const account = 'accounts_pkey (ledger_id, id)'
/** Members of batches too: of the few that are queued, so that on a table with nothing in it, it does not matter how. */
const ofAccount = (others: readonly string[]): unknown =>
  expect.toBeOneOf([
    [account, 'batch_members_pkey (ledger_id, batch_id)', ...others],
    [account, 'batch_members_pkey (ledger_id)', ...others],
  ])
const expectedOfReads: Record<string, unknown> = {
  account: [account],
  entries: ['dated_entries_pkey (ledger_id, account_id, account_version)', entry],
  'balance at': [entry],
  'effective balance': [
    'dated_entries_of_account (ledger_id, account_id, effective_at, account_version)',
    'dated_entries_pkey (ledger_id, account_id, account_version)',
    entry,
  ],
  accounts: ['accounts_pkey (ledger_id)'],
  'accounts by metadata': ['account_metadata_pkey (ledger_id, name, value)', account],
  'accounts by code': ['accounts_code_key (ledger_id, code)'],
  'statement, posted': [entry, transaction],
  'trial balance, posted': ['accounts_pkey (ledger_id)', account, entry],
  'statement, effective': [
    'dated_entries_of_account (ledger_id, account_id, effective_at, account_version)',
    'dated_entries_pkey (ledger_id, account_id, account_version)',
    entry,
    transaction,
  ],
  'trial balance, effective': [
    'accounts_pkey (ledger_id)',
    account,
    'dated_entries_effective (ledger_id, effective_at, account_id, account_version)',
    'dated_entries_posted (ledger_id, posted_at, account_id, account_version)',
    entry,
  ],
  transaction: [entriesOf, transaction],
  batch: ['batches_pkey (ledger_id, id)'],
  'batch of a request': ['batches_fingerprint (ledger_id, fingerprint)'],
  'accounts together': [account],
  'transactions together': [entriesOf, transaction],
  transactions: [entriesOf, 'transactions_pkey (ledger_id)', transaction],
  'transactions, next': [entriesOf, transaction],
  failed: ['transactions_failed (ledger_id)', transaction],
  'failed, next': ['transactions_failed (ledger_id, id)', transaction],
  canceled: ['transactions_canceled (ledger_id)', transaction],
  'canceled, next': ['transactions_canceled (ledger_id, id)', transaction],
  held: ['transactions_holds_open (ledger_id)', transaction],
  'held, next': ['transactions_holds_open (ledger_id, id)', transaction],
  voided: ['transactions_holds_ended (ledger_id)', 'transactions_holds_ended (ledger_id, id)'],
  'voided, next': ['transactions_holds_ended (ledger_id, id)'],
  'holds due': ['ledgers_pkey ()', 'transactions_holds_due (ledger_id, expires_at)'],
  'audit log': ['audit_log_pkey (ledger_id, id)'],
  'by reference': [transaction, 'transactions_reference (ledger_id, reference)'],
  'by reference, next': [transaction, 'transactions_reference (ledger_id, reference, id)'],
  'by metadata': ['transaction_metadata_pkey (ledger_id, name, value)', transaction],
  'by metadata, next': [
    'transaction_metadata_pkey (ledger_id, name, value, transaction_id)',
    transaction,
  ],
  'by account': ofAccount([
    'entries_late (ledger_id, account_id)',
    entry,
    entriesOf,
    'queued_transactions_pkey (ledger_id)',
    transaction,
    'unposted_accounts_pkey (ledger_id, account_id)',
  ]),
  'by account, next': ofAccount([
    'entries_late (ledger_id, account_id, transaction_id)',
    entry,
    entriesOf,
    'queued_transactions_pkey (ledger_id)',
    transaction,
    'unposted_accounts_pkey (ledger_id, account_id, transaction_id)',
  ]),
  'by account, failed': [
    'transactions_failed (ledger_id, id)',
    'unposted_accounts_pkey (ledger_id, account_id)',
  ],
  'by account, failed, next': [
    'transactions_failed (ledger_id, id)',
    'unposted_accounts_pkey (ledger_id, account_id, transaction_id)',
  ],
  'by posting': ['entries_posted (ledger_id, posted_at)', entriesOf, transaction],
  'by posting, next': [
    'entries_posted (ledger_id, posted_at, transaction_id)',
    entriesOf,
    transaction,
  ],
  'by effect': [
    'entries_posted (ledger_id, posted_at)',
    entriesOf,
    'transactions_effective (ledger_id, effective_at)',
    transaction,
  ],
  'by effect, next': [
    'entries_posted (ledger_id, posted_at, transaction_id)',
    entriesOf,
    'transactions_effective (ledger_id, effective_at, id)',
    transaction,
  ],
  'by account and posting': [account, entry, entriesOf, transaction],
  'by account and posting, next': [account, entry, entriesOf, transaction],
  'by account and effect': [
    account,
    'dated_entries_of_account (ledger_id, account_id, effective_at, account_version)',
    entry,
    entriesOf,
    transaction,
  ],
  'by account and effect, next': [
    account,
    'dated_entries_of_account (ledger_id, account_id, effective_at, account_version)',
    entry,
    entriesOf,
    transaction,
  ],
  'by all': [
    entriesOf,
    'transaction_metadata_pkey (ledger_id, name, value, transaction_id)',
    transaction,
    'transactions_reference (ledger_id, reference)',
  ],
  'by all, next': [
    entriesOf,
    'transaction_metadata_pkey (ledger_id, name, value, transaction_id)',
    transaction,
    'transactions_reference (ledger_id, reference, id)',
  ],
}

const expectedOfVerification: readonly string[] = [
  // Up to a thousand members, and only of a batch that is queued.
  'batch_members_pkey (ledger_id, batch_id)',
  'accounts_pkey (ledger_id)',
  'accounts_pkey (ledger_id, id)',
  'events_pkey (ledger_id)',
  'events_pkey (ledger_id, position)',
  'pruned_events_pkey (ledger_id)',
  'anchors_pkey (ledger_id)',
  'anchors_pkey (ledger_id, number)',
  'anchored_heads_pkey (ledger_id, anchor)',
  'anchored_heads_account (ledger_id, account_id)',
  'anchored_heads_pkey (ledger_id, anchor, account_id)',
  'entries_pkey (ledger_id, account_id, account_version)',
  'entries_transaction (ledger_id)',
  'entries_transaction (ledger_id, transaction_id)',
  'transactions_pkey (ledger_id)',
  'transactions_pkey (ledger_id, id)',
  'queued_transactions_pkey (ledger_id, slot, sequence)',
  'transactions_effective (ledger_id, effective_at, id)',
  'dated_entries_pkey (ledger_id, account_id, account_version)',
  'transactions_holds_open (ledger_id, id)',
  // With next to nothing in it, it does not matter how.
  'transactions_reversals (ledger_id)',
  'transactions_captures (ledger_id)',
  'transactions_reversals (ledger_id, reversal_of)',
  'transactions_captures (ledger_id, hold_id)',
]
