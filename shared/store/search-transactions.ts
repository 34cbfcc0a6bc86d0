import type { TransactionRecord } from '../engine/transaction-record.ts'
import { timeMax, timeMin } from '../ledger/axis.ts'
import { totalDebitsWithin } from '../engine/total-debits.ts'
import { wayOfAccount, wayOfAccountEffective, wayOfAccountPosted } from './account-ways.ts'
import type { TimeSpan, TransactionFilter, TransactionPage } from './ledger-store.ts'
import { balanceAt, findAccount } from './read-accounts.ts'
import { entriesOf, postedTo, timeSet } from './read-transactions.ts'
import type { Reader } from './reader.ts'
import { entryOf, transactionOf, type Row } from './rows.ts'
import {
  wayOfAll,
  wayOfEffective,
  wayOfMetadata,
  wayOfPosted,
  wayOfReference,
} from './transaction-ways.ts'
import { Parameters, within, type Way } from './way.ts'

/** Transactions that one read looks at: few at first, more when few of them are chosen. */
const candidatesPerReadMin = 100
const candidatesPerReadMax = 1000

/** Transactions that one page looks at. What lies behind them is the next page's, however few were found. */
const candidatesPerPageMax = 10_000

/** What a way leads to: the transaction's row, which is empty where the rest of the filter does not choose it, and the key behind it. */
interface Candidate {
  readonly row: Row
  readonly key: string
}

/**
 * Reads one page of the transactions that a filter chooses, newest first: by the time of an axis where a span of it is given and
 * neither a reference nor metadata, else by id (a UUID of version 7 begins with its time).
 *
 * One index leads (reference, metadata, span of time, account, or all by id) and the other conditions are asked of what it
 * leads to, in short reads. A search that finds little looks at 10,000 transactions and gives what it has: then a page is
 * short although more may follow. Two round trips for a page that needs no search, two more where an account's versions bound it.
 */
export async function searchTransactions(
  reader: Reader,
  ledgerId: number,
  filter: TransactionFilter,
  page: { readonly after: string | undefined; readonly size: number },
): Promise<TransactionPage> {
  const way = await wayFor(reader, ledgerId, filter, page.after)
  if (way === undefined) return { transactions: [], next: undefined }
  const needsSearch = conditionsOf(new Parameters(reader, ledgerId), filter, way).length > 0
  const found: { transaction: TransactionRecord; key: string }[] = []
  let { after } = page
  let step = page.size + 1
  if (needsSearch || filter.amount !== undefined) step = Math.max(step, candidatesPerReadMin)
  for (let looked = 0; looked < candidatesPerPageMax; looked += step) {
    const read = await candidates(reader, ledgerId, { way, filter, after, size: step })
    const wanted = page.size + 1 - found.length
    const lastId = found.at(-1)?.transaction.id ?? idIn(page.after)
    found.push(...(await chosenAmong(reader, ledgerId, { read, filter, wanted, lastId })))
    if (found.length > page.size) {
      const shown = found.slice(0, page.size)
      return { transactions: shown.map(({ transaction }) => transaction), next: shown.at(-1)?.key }
    }
    after = read.length < step ? undefined : read.at(-1)?.key
    if (after === undefined) break
    step = Math.min(step * 2, candidatesPerReadMax)
  }
  return { transactions: found.map(({ transaction }) => transaction), next: after }
}

/** The way that a filter leads along; undefined when it names an account that is not there. */
async function wayFor(
  reader: Reader,
  ledgerId: number,
  filter: TransactionFilter,
  after: string | undefined,
): Promise<Way | undefined> {
  const { reference, metadata: [first] = [], accountId, status, posted, effective } = filter
  if (reference !== undefined) return wayOfReference(reference)
  if (first !== undefined) return wayOfMetadata(first)
  const span = posted ?? effective
  if (span === undefined) {
    return accountId === undefined ? wayOfAll(status) : wayOfAccount(accountId, status)
  }
  if (accountId === undefined) {
    return posted === undefined ? wayOfEffective(span) : wayOfPosted(posted)
  }
  const account = await findAccount(reader, ledgerId, accountId)
  if (account === undefined) return undefined
  const versionAt = async (at: number) => (await balanceAt(reader, account, at)).version
  const { from = timeMin, to = timeMax } = span
  const last = after === undefined ? to - 1 : Number(after.split('/')[0])
  const versions = {
    after: from <= timeMin ? 0 : await versionAt(from - 1),
    until: await versionAt(Math.max(Math.min(to - 1, last), timeMin)),
  }
  return posted === undefined
    ? wayOfAccountEffective(accountId, versions, span)
    : wayOfAccountPosted(accountId, versions)
}

/** What the way leads to next: its keys, and beside them the transaction if all other conditions hold. */
async function candidates(
  reader: Reader,
  ledgerId: number,
  search: { way: Way; filter: TransactionFilter; after: string | undefined; size: number },
): Promise<readonly Candidate[]> {
  const { way, filter, after, size } = search
  const parameters = new Parameters(reader, ledgerId)
  const led = way.text(parameters, after, size)
  const fits = ['t.ledger_id = $1 and t.id = led.id', ...conditionsOf(parameters, filter, way)]
  const transaction = reader.probe('transactions', 't', fits.join(' and '))
  const order = way.order.map((column) => `led.${column} desc`).join(', ')
  const keys = way.columns.map((column) => `led.${column}, `)
  const text = `
    select led.id as found_id, ${keys.join('')}t.* from (${led}) led
      ${transaction}
     order by ${order}`
  const rows = await reader.rows({ name: way.name, text }, parameters.values)
  const behind = way.keysOf(rows, after)
  return rows.map((row, index) => ({ row, key: behind[index] ?? '' }))
}

/** The conditions of a filter that a way does not see to. */
function conditionsOf(parameters: Parameters, filter: TransactionFilter, way: Way): string[] {
  const { status, reference, accountId, currency, posted, effective } = filter
  const { expiresBefore, expiresAfter } = filter
  const conditions: string[] = []
  const asked = (name: keyof TransactionFilter) => !way.covers.includes(name)
  if (status !== undefined && asked('status')) {
    conditions.push(`t.status = ${parameters.of(status)} and ${timeSet(status)}`)
  }
  if (reference !== undefined && asked('reference')) {
    conditions.push(`t.reference = ${parameters.of(reference)}`)
  }
  if (currency !== undefined) conditions.push(hasCurrency(parameters, currency))
  if (accountId !== undefined && asked('accountId')) {
    const account = parameters.of(accountId)
    conditions.push(`((${postedTo('t.id', account)}) = 1
                      or cast(t.requested_entries as text) like '%' || ${account} || '%')`)
  }
  const pairs = filter.metadata ?? []
  for (const [name, value] of asked('metadata') ? pairs : pairs.slice(1)) {
    conditions.push(`(select 1 from transaction_metadata m
                              where m.ledger_id = $1 and m.name = ${parameters.of(name)}
                                and m.value = ${parameters.of(value)} and m.transaction_id = t.id) = 1`)
  }
  if (posted !== undefined && asked('posted')) {
    conditions.push(`t.posted_at is not null ${within('t.posted_at', parameters, posted)}`)
  }
  if (expiresBefore !== undefined) {
    conditions.push(`t.expires_at < ${parameters.ofTime(expiresBefore)}`)
  }
  if (expiresAfter !== undefined) {
    conditions.push(`t.expires_at >= ${parameters.ofTime(expiresAfter)}`)
  }
  if (effective !== undefined) conditions.push(...effectiveConditions(parameters, effective, way))
  return conditions
}

/**
 * Whether a transaction or one of its entries is in a currency. Entries of several currencies are kept as JSON of our own making, in
 * which the code, which needs no escaping, stands between these signs and nowhere else.
 */
function hasCurrency(parameters: Parameters, code: string): string {
  const has = (column: string, text: string) =>
    `replace(cast(${column} as text), ${parameters.of(text)}, '') <> cast(${column} as text)`
  return `(t.currency = ${parameters.of(code)} or ${has('t.currencies', `["${code}",`)}
           or ${has('t.requested_entries', `"currency":"${code}"`)})`
}

/** Only what is posted takes effect. Where two orders are merged, each gives only what stands in it. */
function effectiveConditions(parameters: Parameters, span: TimeSpan, way: Way): string[] {
  if (way.covers.includes('effective')) {
    return [
      `case led.dated when 1 then t.effective_at <> t.posted_at
                      else coalesce(t.effective_at, t.posted_at) = t.posted_at end`,
    ]
  }
  const spanned = within('coalesce(t.effective_at, t.posted_at)', parameters, span)
  return [`t.posted_at is not null ${spanned}`]
}

/** Those of the candidates that are chosen, whole. */
async function chosenAmong(
  reader: Reader,
  ledgerId: number,
  search: {
    read: readonly Candidate[]
    filter: TransactionFilter
    wanted: number
    lastId: string | undefined
  },
): Promise<{ transaction: TransactionRecord; key: string }[]> {
  const { read, filter, wanted, lastId } = search
  const { amount } = filter
  const fitting = read
    .filter(({ row }) => row['id'] !== null)
    // One with several entries on the account comes several times in a row.
    .filter(({ row }, index, all) => row['id'] !== (all[index - 1]?.row['id'] ?? lastId))
    // What an amount is asked of is known with its entries only.
    .slice(0, amount === undefined ? wanted : undefined)
  const posted = fitting.filter(({ row }) => row['posted_at'] !== null)
  const entries = await entriesOf(
    reader,
    ledgerId,
    posted.map(({ row }) => row['id'] as string),
  )
  return fitting
    .map(({ row, key }) => ({
      transaction: transactionOf(row, (entries.get(row['id'] as string) ?? []).map(entryOf)),
      key,
    }))
    .filter(({ transaction }) => amount === undefined || totalDebitsWithin(transaction, amount))
}

/** The id of the transaction that a key is of. */
function idIn(key: string | undefined): string | undefined {
  return key?.split('/').at(-1)
}
