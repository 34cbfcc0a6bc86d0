import type { TransactionRecord } from '../engine/transaction-record.ts'
import type { TransactionStatus } from '../ledger/transaction.ts'
import type { Page, TransactionFilter } from './ledger-store.ts'
import type { Parameter, Reader, Statement } from './reader.ts'
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

/** Reads one page of transactions, newest first by id (a UUID of version 7 begins with its time). */
export async function listTransactions(
  reader: Reader,
  ledgerId: number,
  filter: TransactionFilter,
  page: Page<string>,
): Promise<TransactionRecord[]> {
  const query = transactionPage(reader, ledgerId, filter, page)
  const rows = await reader.rows(query.statement, query.parameters)
  const posted = rows.filter((row) => row['posted_at'] !== null).map((row) => row['id'] as string)
  const entries = await entriesOf(reader, ledgerId, posted)
  return rows.map((row) =>
    transactionOf(row, (entries.get(row['id'] as string) ?? []).map(entryOf)),
  )
}

/**
 * The statement of one page. Each filter has its own way through an index: a reference through
 * `transactions_reference`, a failed or canceled one and a hold through its partial index, an account through
 * `entries_account_transaction`, everything else walks `transactions_pkey` downwards.
 */
function transactionPage(
  reader: Reader,
  ledgerId: number,
  filter: TransactionFilter,
  page: Page<string>,
): { statement: Statement; parameters: Parameter[] } {
  const parameters: Parameter[] = [ledgerId]
  const parameter = (value: Parameter) => `$${parameters.push(value)}`
  const conditions = ['t.ledger_id = $1']
  if (page.before !== undefined) conditions.push(`t.id < ${parameter(page.before)}`)
  if (filter.status !== undefined) {
    conditions.push(`t.status = ${parameter(filter.status)} and ${timeSet(filter.status)}`)
  }
  if (filter.reference !== undefined) {
    conditions.push(`t.reference is not null and t.reference = ${parameter(filter.reference)}`)
  }
  const { expiresBefore, expiresAfter } = filter
  if (expiresBefore !== undefined) {
    conditions.push(`t.expires_at < ${parameter(reader.timeParameter(expiresBefore))}`)
  }
  if (expiresAfter !== undefined) {
    conditions.push(`t.expires_at >= ${parameter(reader.timeParameter(expiresAfter))}`)
  }
  const where = conditions.join(' and ')
  const size = parameter(page.size)
  const text =
    filter.accountId === undefined
      ? `select t.* from transactions t where ${where} order by t.id desc limit ${size}`
      : pageOfAccount(where, parameter(filter.accountId), size)
  return { statement: { name: 'transaction_page', text }, parameters }
}

/** Names the column that a status sets, so that the partial index over it is used. */
function timeSet(status: TransactionStatus): string {
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
 * The page of one account: posted transactions through its entries, the others through what they asked for. Each way
 * gives its own newest, of which the newest are the page. An unposted transaction names its accounts only
 * in `requested_entries`, as UUIDs, which nothing else in it looks like.
 */
function pageOfAccount(where: string, account: string, size: string): string {
  const posted = `
    select t.id from (select distinct e.transaction_id from entries e
                       where e.ledger_id = $1 and e.account_id = ${account}) own
      join transactions t on t.ledger_id = $1 and t.id = own.transaction_id
     where ${where} order by t.id desc limit ${size}`
  const unposted = (way: string) => `
    select t.id from ${way}
     where ${where} and cast(t.requested_entries as text) like '%' || ${account} || '%'
     order by t.id desc limit ${size}`
  const ways = [
    posted,
    unposted(`(select * from transactions where failed_at is not null) t`),
    unposted(`(select * from transactions where canceled_at is not null) t`),
    unposted(`(select * from transactions where expires_at is not null and resolved_at is null) t`),
    unposted(`(select * from transactions where resolved_at is not null) t`),
    unposted(`queued_transactions q join transactions t
                on q.ledger_id = $1 and t.ledger_id = $1 and t.id = q.transaction_id`),
  ]
  const ids = ways.map((way, index) => `select id from (${way}) way${index}`).join(' union ')
  return `select t.* from transactions t where t.ledger_id = $1 and t.id in (
            select id from (${ids}) ids order by id desc limit ${size}
          ) order by t.id desc`
}

async function entriesOf(
  reader: Reader,
  ledgerId: number,
  transactionIds: readonly string[],
): Promise<Map<string, Row[]>> {
  const byTransaction = new Map<string, Row[]>()
  if (transactionIds.length === 0) return byTransaction
  const places = transactionIds.map((_, index) => `$${index + 2}`).join(', ')
  const rows = await reader.rows(
    {
      name: 'entries_of_transactions',
      text: `select * from entries where ledger_id = $1 and transaction_id in (${places})
             order by transaction_id, position`,
    },
    [ledgerId, ...transactionIds],
  )
  for (const row of rows) {
    const id = row['transaction_id'] as string
    const own = byTransaction.get(id)
    if (own === undefined) byTransaction.set(id, [row])
    else own.push(row)
  }
  return byTransaction
}
