import type { TransactionRecord } from '../engine/transaction-record.ts'
import type { TransactionStatus } from '../ledger/transaction.ts'
import type { Reader, Statement } from './reader.ts'
import { entryOf, transactionOf, type Row } from './rows.ts'

/** One transaction by its id, through `transactions_pkey`. No lock. */
const transactionById: Statement = {
  name: 'transaction_by_id',
  text: `select * from transactions where ledger_id = $1 and id = $2`,
}

/** The entries of one transaction in the order given, through `entries_transaction`. No lock. */
const entriesOfTransaction: Statement = {
  name: 'entries_of_transaction',
  text: `select * from entries where ledger_id = $1 and transaction_id = $2 order by position`,
}

/**
 * Reads one transaction with its entries, or undefined. Up to two round trips: entries are read after the row says
 * that they are there, and they never change, so that no snapshot is needed.
 */
export async function findTransaction(
  reader: Reader,
  ledgerId: number,
  id: string,
): Promise<TransactionRecord | undefined> {
  const [row] = await reader.rows(transactionById, [ledgerId, id])
  if (row === undefined) return undefined
  const entries =
    row['posted_at'] === null ? [] : await reader.rows(entriesOfTransaction, [ledgerId, id])
  return transactionOf(row, entries.map(entryOf))
}

/** How many are read at a time by their ids. */
const readTogether = 25

/**
 * Transactions by their ids, each probed by itself through `transactions_pkey`: with `id in (…)` a large table that was never
 * analysed was planned as a walk over the whole ledger. No lock.
 */
const transactionsById: Statement = {
  name: 'transactions_by_id',
  text: Array.from(
    { length: readTogether },
    (_, index) => `select * from transactions where ledger_id = $1 and id = $${index + 2}`,
  ).join(' union all '),
}

/** Reads those of some transactions that are there, by their ids. Two round trips for each 25. */
export async function findTransactions(
  reader: Reader,
  ledgerId: number,
  ids: readonly string[],
): Promise<ReadonlyMap<string, TransactionRecord>> {
  const found = new Map<string, TransactionRecord>()
  for (let start = 0; start < ids.length; start += readTogether) {
    const some = ids.slice(start, start + readTogether)
    // One text for all: what is too few is filled up with the last one.
    const last = some.at(-1) ?? ''
    const filled = [...some, ...Array<string>(readTogether - some.length).fill(last)]
    const rows = await reader.rows(transactionsById, [ledgerId, ...filled])
    for (const transaction of await withEntries(reader, ledgerId, rows)) {
      found.set(transaction.id, transaction)
    }
  }
  return found
}

async function withEntries(
  reader: Reader,
  ledgerId: number,
  rows: readonly Row[],
): Promise<TransactionRecord[]> {
  const posted = rows.filter((row) => row['posted_at'] !== null).map((row) => row['id'] as string)
  const entries = await entriesOf(reader, ledgerId, posted)
  return rows.map((row) =>
    transactionOf(row, (entries.get(row['id'] as string) ?? []).map(entryOf)),
  )
}

/** Names the column that a status sets: what is said of it is said of the state. */
export function timeSet(status: TransactionStatus): string {
  const conditions = {
    queued: `t.posted_at is null and t.failed_at is null and t.canceled_at is null and t.held_at is null`,
    held: 't.expires_at is not null and t.resolved_at is null',
    captured: 't.resolved_at is not null',
    voided: 't.resolved_at is not null',
    expired: 't.resolved_at is not null',
    posted: 't.posted_at is not null',
    failed: 't.failed_at is not null',
    canceled: 't.canceled_at is not null',
  } satisfies Record<TransactionStatus, string>
  return conditions[status]
}

/**
 * The SQL that gives 1 for a transaction that has entries on an account, through `entries_transaction`. The account is compared as a text, so that nobody
 * looks among all of its entries instead.
 */
export function postedTo(transaction: string, account: string): string {
  return `select 1 from entries n
           where n.ledger_id = $1 and n.transaction_id = ${transaction}
                 and cast(n.account_id as text) = cast(${account} as text) limit 1`
}

/**
 * Reads the entries of some transactions, by transaction in their order, through `entries_transaction`. One round trip.
 * Each by itself: for a list of fifty ids PostgreSQL 18 skipped through an index that had accounts before transactions, account by account.
 */
export async function entriesOf(
  reader: Reader,
  ledgerId: number,
  transactionIds: readonly string[],
): Promise<Map<string, Row[]>> {
  const byTransaction = new Map<string, Row[]>()
  const ids = [...new Set(transactionIds)]
  if (ids.length === 0) return byTransaction
  const rows = await reader.rows(
    {
      name: 'entries_of_transactions',
      text: `select e.* from ${reader.idRows(2, ids.length)}
              cross join entries e
              where e.ledger_id = $1 and e.transaction_id = wanted.id
              order by e.transaction_id, e.position`,
    },
    [ledgerId, ...ids],
  )
  for (const row of rows) {
    const id = row['transaction_id'] as string
    const own = byTransaction.get(id)
    if (own === undefined) byTransaction.set(id, [row])
    else own.push(row)
  }
  return byTransaction
}
