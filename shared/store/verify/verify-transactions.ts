import type { Direction } from '../../ledger/account.ts'
import { entriesMin } from '../../ledger/command.ts'
import type { TransactionStatus } from '../../ledger/transaction.ts'
import type { Statement } from '../reader.ts'
import { time, type Row } from '../rows.ts'
import type { Differences } from './differences.ts'
import type { Pace } from './pace.ts'
import type { VerifyingReader } from './verifying-reader.ts'
import { wholeNumber } from './whole-number.ts'

/** Rows of one short read. */
const transactionsPerRead = 1000
const sumsPerRead = 2000

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
                  case when t.status = 'queued' then (
                    select q.transaction_id from queued_transactions q
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

/** When a transaction was posted, as it stands now, through `transactions_pkey`. No lock. */
const postedAt: Statement = {
  name: 'verify_posted_at',
  text: `select posted_at from transactions where ledger_id = $1 and id = $2 and status = 'posted'`,
}

/**
 * Recomputes every transaction of a ledger from its entries: a posted one has two at least, balances in its currency,
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
    for (const book of books.values()) book.end(counts)
    if (!full) break
    after = span.last
  }
  return counts
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
  readonly #ledgerId: number
  readonly #row: Row
  readonly #differences: Differences
  #entries = 0
  #debits = 0n
  #credits = 0n

  constructor(ledgerId: number, row: Row, differences: Differences) {
    this.#ledgerId = ledgerId
    this.#row = row
    this.#differences = differences
    this.posted = row['status'] === 'posted'
  }

  add(sums: Row): void {
    this.#entries = Number(sums['entries'])
    const strangers = this.#entries - Number(sums['of_accounts'])
    if (strangers > 0) this.#tell(`has ${strangers} entries of accounts that do not exist`)
    for (const currency of new Set([sums['currency'], sums['other_currency']]) as Set<
      string | null
    >) {
      if (currency === null || currency === this.#row['currency']) continue
      this.#tell(`has entries in ${currency}`)
    }
    const at = time(this.#row['posted_at'])
    if (time(sums['first_at']) !== at || time(sums['last_at']) !== at) {
      this.#tell('has entries of another time than its own')
    }
    const debits = wholeNumber(sums['debits'])
    const credits = wholeNumber(sums['credits'])
    if (debits === undefined || credits === undefined) this.#tell('has an amount that is no number')
    else if (debits !== credits) this.#tell(`has debits ${debits} and credits ${credits}`)
    this.#debits = debits ?? 0n
    this.#credits = credits ?? 0n
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
    const currency = this.#row['currency'] as string
    const sum = counts.sums.get(currency) ?? { debits: 0n, credits: 0n }
    sum.debits += this.#debits
    sum.credits += this.#credits
    if (this.posted) counts.sums.set(currency, sum)
  }

  /** Each status that is an end has its own time, and no other one. */
  #judgeTimes(status: TransactionStatus): void {
    for (const [ended, column] of endTimes) {
      const there = this.#row[column] !== null
      if (there === (status === ended)) continue
      this.#tell(`is ${status} and has ${there ? 'a' : 'no'} time ${column}`)
    }
  }

  #tell(detail: string): void {
    this.#differences.add(this.#ledgerId, `transaction ${idOf(this.#row)}`, detail)
  }
}

const endTimes = [
  ['posted', 'posted_at'],
  ['failed', 'failed_at'],
  ['canceled', 'canceled_at'],
] as const satisfies readonly (readonly [TransactionStatus, string])[]

function idOf(row: Row | undefined): string {
  return row?.['id'] as string
}
