import type { Direction } from '../../ledger/account.ts'
import { entriesMin } from '../../ledger/command.ts'
import { holdStatuses, type TransactionStatus } from '../../ledger/transaction.ts'
import type { Statement } from '../reader.ts'
import { time, type Row } from '../rows.ts'
import type { Differences } from './differences.ts'
import type { Pace } from './pace.ts'
import { verifyResolved } from './verify-resolved.ts'
import type { VerifyingReader } from './verifying-reader.ts'
import { wholeNumber } from './whole-number.ts'

/** Rows of one short read. */
const transactionsPerRead = 1000
const sumsPerRead = 2000
const severalPerRead = 100

/** A UUID that none comes before. */
const firstUuid = '00000000-0000-0000-0000-000000000000'

/** What the transactions of one currency move on each side. */
export interface Sides {
  debits: bigint
  credits: bigint
}

/** What was looked at: transactions by status, their entries, and the sums by currency. */
export interface TransactionCounts {
  readonly byStatus: Record<TransactionStatus, number>
  readonly sums: Map<string, Sides>
  entries: number
}

/** The greatest id that a transaction or an entry names now: the walk ends there. The last rows of two indexes. No lock. */
const lastTransactionId: Statement = {
  name: 'verify_last_transaction',
  text: `select (select id from transactions where ledger_id = $1
                  order by id desc limit 1) as of_transactions,
                (select transaction_id from entries where ledger_id = $1
                  order by transaction_id desc limit 1) as of_entries`,
}

/**
 * One page of transactions by id, through `transactions_pkey`; a queued one with who has its place in the queue, which one
 * statement sees at one instant. No lock.
 */
function transactionPage(after: string | undefined): Statement {
  return {
    name: after === undefined ? 'verify_first_transactions' : 'verify_transactions',
    text: `select t.id, t.status, t.currency, t.posted_at, t.failed_at, t.canceled_at,
                  t.held_at, t.expires_at, t.resolved_at, t.resolved_entries, t.currencies,
                  t.reversal_of, t.hold_id,
                  case when t.status = 'queued' then (
                    select case when q.batch_id is null then q.transaction_id else (
                             select m.transaction_id from batch_members m
                              where m.ledger_id = q.ledger_id and m.batch_id = q.batch_id
                                and m.transaction_id = t.id and m.replayed = 0
                           ) end
                      from queued_transactions q
                     where q.ledger_id = t.ledger_id and q.slot = t.slot and q.sequence = t.sequence
                  ) end as queued_as
             from transactions t
            where t.ledger_id = $1 and t.id <= $2 ${after === undefined ? '' : 'and t.id > $4'}
            order by t.id limit $3`,
  }
}

/**
 * What the entries of each transaction add up to, and the currencies of their accounts, in the order of transactions.
 * Entries through `entries_transaction`, accounts through `accounts_pkey`. No lock.
 */
function sumsPage(reader: VerifyingReader): Statement {
  const sum = (direction: Direction) =>
    reader.exactSum(`case e.direction when '${direction}' then e.amount else '0' end`)
  return {
    name: 'verify_sums_of_transactions',
    text: `select e.transaction_id, count(*) as entries, count(a.id) as of_accounts,
                  min(a.currency) as currency, max(a.currency) as other_currency,
                  ${sum('debit')} as debits, ${sum('credit')} as credits,
                  min(e.posted_at) as first_at, max(e.posted_at) as last_at
             from entries e
             left join accounts a on a.ledger_id = e.ledger_id and a.id = e.account_id
            where e.ledger_id = $1 and e.transaction_id >= $2 and e.transaction_id <= $3
            group by e.transaction_id
            order by e.transaction_id limit $4`,
  }
}

/** The same of a few transactions that are in several currencies, each currency by itself, through the same indexes. No lock. */
function sumsByCurrency(reader: VerifyingReader, count: number): Statement {
  const ids = Array.from({ length: count }, (_, index) => `$${index + 2}`).join(', ')
  const sum = (direction: Direction) =>
    reader.exactSum(`case e.direction when '${direction}' then e.amount else '0' end`)
  return {
    name: 'verify_sums_by_currency',
    text: `select e.transaction_id, a.currency, ${sum('debit')} as debits, ${sum('credit')} as credits
             from entries e
             join accounts a on a.ledger_id = e.ledger_id and a.id = e.account_id
            where e.ledger_id = $1 and e.transaction_id in (${ids})
            group by e.transaction_id, a.currency`,
  }
}

/** When a transaction was posted, as it stands now, through `transactions_pkey`. No lock. */
const postedAt: Statement = {
  name: 'verify_posted_at',
  text: `select posted_at from transactions where ledger_id = $1 and id = $2 and status = 'posted'`,
}

/**
 * Recomputes every transaction of a ledger from its entries: a posted one has two at least, balances in each currency,
 * and all are of its own time; any other has none; and no entry is without a posted transaction and an account.
 *
 * Transactions and the sums of their entries are walked side by side in the order of ids. A transaction is committed with
 * all its entries, so once a read has shown it, the next read sees them all; one that comes between the two is left
 * for the next time.
 */
export async function verifyTransactions(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  pace: Pace,
): Promise<TransactionCounts> {
  const counts: TransactionCounts = {
    byStatus: {
      queued: 0,
      held: 0,
      posted: 0,
      failed: 0,
      canceled: 0,
      captured: 0,
      voided: 0,
      expired: 0,
    },
    sums: new Map(),
    entries: 0,
  }
  const last = await findLast(reader, ledgerId)
  let after: string | undefined
  while (last !== undefined) {
    const start = after
    const parameters = [ledgerId, last, transactionsPerRead]
    const rows = await pace(() =>
      reader.rows(
        transactionPage(start),
        start === undefined ? parameters : [...parameters, start],
      ),
    )
    const full = rows.length === transactionsPerRead
    const span = { first: start ?? firstUuid, last: full ? idOf(rows.at(-1)) : last }
    const books = new Map(rows.map((row) => [idOf(row), new Book(ledgerId, row, differences)]))

    for await (const page of sumsIn(reader, ledgerId, span, pace)) {
      for (const sums of page) {
        const id = sums['transaction_id'] as string
        // The span begins with the last one of the span before.
        if (id === start) continue
        const book = books.get(id)
        if (book?.posted === true) book.add(sums)
        else await judgeStranger(reader, ledgerId, sums, differences)
      }
    }
    await verifySeveral(reader, ledgerId, books, pace)
    for (const book of books.values()) book.end(counts)
    await verifyResolved(reader, ledgerId, targetsAmong(rows), differences, pace)
    if (!full) break
    after = span.last
  }
  return counts
}

/** Judges those that are in several currencies by each of these. */
async function verifySeveral(
  reader: VerifyingReader,
  ledgerId: number,
  books: ReadonlyMap<string, Book>,
  pace: Pace,
): Promise<void> {
  const several = [...books].flatMap(([id, book]) => (book.posted && book.several ? id : []))
  for (let from = 0; from < several.length; from += severalPerRead) {
    const ids = several.slice(from, from + severalPerRead)
    const statement = sumsByCurrency(reader, ids.length)
    const rows = await pace(() => reader.rows(statement, [ledgerId, ...ids]))
    for (const row of rows) books.get(row['transaction_id'] as string)?.addCurrency(row)
  }
}

/** The transactions of which something is captured or reversed, as they or those that did it say. */
function targetsAmong(rows: readonly Row[]): string[] {
  const ids = new Set<string>()
  for (const row of rows) {
    if (row['resolved_entries'] !== null) ids.add(idOf(row))
    if (row['posted_at'] === null) continue
    for (const target of [row['reversal_of'], row['hold_id']] as (string | null)[]) {
      if (target !== null) ids.add(target)
    }
  }
  return [...ids]
}

async function findLast(reader: VerifyingReader, ledgerId: number): Promise<string | undefined> {
  const [row] = await reader.rows(lastTransactionId, [ledgerId])
  const ids = [row?.['of_transactions'], row?.['of_entries']] as (string | null | undefined)[]
  return ids
    .filter((id) => id != null)
    .toSorted()
    .at(-1)
}

/** The sums of a span of transactions, page by page; the first of a page may be the last of the one before. */
async function* sumsIn(
  reader: VerifyingReader,
  ledgerId: number,
  span: { readonly first: string; readonly last: string },
  pace: Pace,
): AsyncGenerator<readonly Row[]> {
  const statement = sumsPage(reader)
  let first = span.first
  let after: string | undefined
  for (;;) {
    const from = first
    const rows = await pace(() => reader.rows(statement, [ledgerId, from, span.last, sumsPerRead]))
    yield rows[0]?.['transaction_id'] === after ? rows.slice(1) : rows
    if (rows.length < sumsPerRead) return
    first = rows.at(-1)?.['transaction_id'] as string
    after = first
  }
}

/** Entries without a posted transaction in hand: it came after our look at the transactions, or they are orphans. */
async function judgeStranger(
  reader: VerifyingReader,
  ledgerId: number,
  sums: Row,
  differences: Differences,
): Promise<void> {
  const id = sums['transaction_id'] as string
  const [row] = await reader.rows(postedAt, [ledgerId, id])
  if (row !== undefined) return
  const detail = `has ${String(sums['entries'])} entries and is no posted transaction`
  differences.add(ledgerId, `transaction ${id}`, detail)
}

/** One transaction and what its entries add up to. */
class Book {
  readonly posted: boolean
  /** Whether its entries are in several currencies. */
  readonly several: boolean
  readonly #ledgerId: number
  readonly #row: Row
  readonly #differences: Differences
  #entries = 0
  readonly #sums = new Map<string, Sides>()

  constructor(ledgerId: number, row: Row, differences: Differences) {
    this.#ledgerId = ledgerId
    this.#row = row
    this.#differences = differences
    this.posted = row['status'] === 'posted'
    this.several = row['currencies'] !== null
  }

  add(sums: Row): void {
    this.#entries = Number(sums['entries'])
    const strangers = this.#entries - Number(sums['of_accounts'])
    if (strangers > 0) this.#tell(`has ${strangers} entries of accounts that do not exist`)
    const at = time(this.#row['posted_at'])
    if (time(sums['first_at']) !== at || time(sums['last_at']) !== at) {
      this.#tell('has entries of another time than its own')
    }
    if (this.several) return
    for (const currency of new Set([sums['currency'], sums['other_currency']]) as Set<
      string | null
    >) {
      if (currency === null || currency === this.#row['currency']) continue
      this.#tell(`has entries in ${currency}`)
    }
    this.addCurrency({ ...sums, currency: this.#row['currency'] })
  }

  /** Adds what its entries in one currency add up to. */
  addCurrency(sums: Row): void {
    const currency = sums['currency'] as string
    const debits = wholeNumber(sums['debits'])
    const credits = wholeNumber(sums['credits'])
    if (debits === undefined || credits === undefined) this.#tell('has an amount that is no number')
    else if (debits !== credits) {
      const which = this.several ? ` in ${currency}` : ''
      this.#tell(`has debits ${debits} and credits ${credits}${which}`)
    }
    this.#sums.set(currency, { debits: debits ?? 0n, credits: credits ?? 0n })
  }

  end(counts: TransactionCounts): void {
    const status = this.#row['status'] as TransactionStatus
    counts.byStatus[status] += 1
    counts.entries += this.#entries
    this.#judgeTimes(status)
    if (status === 'queued' && this.#row['queued_as'] !== this.#row['id']) {
      this.#tell('is queued and has no place of its own in the queue')
    }
    if (this.posted && this.#entries < entriesMin) {
      this.#tell(`is posted with ${this.#entries} entries`)
    }
    if (!this.posted) return
    for (const [currency, { debits, credits }] of this.#sums) {
      const sum = counts.sums.get(currency) ?? { debits: 0n, credits: 0n }
      sum.debits += debits
      sum.credits += credits
      counts.sums.set(currency, sum)
    }
  }

  /** Each status has the times of what has happened to it, and no other one. */
  #judgeTimes(status: TransactionStatus): void {
    for (const [states, column] of stateTimes) {
      const there = this.#row[column] !== null
      if (there === (states as readonly TransactionStatus[]).includes(status)) continue
      this.#tell(`is ${status} and has ${there ? 'a' : 'no'} time ${column}`)
    }
  }

  #tell(detail: string): void {
    this.#differences.add(this.#ledgerId, `transaction ${idOf(this.#row)}`, detail)
  }
}

const stateTimes = [
  [['posted'], 'posted_at'],
  [['failed'], 'failed_at'],
  [['canceled'], 'canceled_at'],
  [holdStatuses, 'held_at'],
  [holdStatuses, 'expires_at'],
  [['captured', 'voided', 'expired'], 'resolved_at'],
] as const satisfies readonly (readonly [readonly TransactionStatus[], string])[]

function idOf(row: Row | undefined): string {
  return row?.['id'] as string
}
