import { setImmediate as nextTurn } from 'node:timers/promises'
import type { TrialBalance, TrialBalanceRow } from '../engine/trial-balance.ts'
import type { AccountType } from '../ledger/account.ts'
import { creditsAfter } from '../ledger/decide.ts'
import type { Axis } from '../ledger/axis.ts'
import { minorUnits } from '../ledger/money.ts'
import type { BooksClock } from './books-clock.ts'
import { middleTimeOf } from './read-accounts.ts'
import type { Parameter, Reader, Statement } from './reader.ts'
import { money, time, type Row } from './rows.ts'

/** Rows of one short read. */
const accountsPerRead = 500
const datedPerRead = 2000

/** How often a trial balance is read again that does not balance, before it is taken for a defect. */
const attemptsMax = 3

/**
 * One page of accounts, each with its totals as they stood at a time, added up by currency and type. Through `accounts_pkey`; for
 * accounts that moved later, a binary search over their versions, and one probe of `entries_pkey` for each. No lock.
 */
function accountsPage(reader: Reader, after: boolean): Statement {
  const middleTime = middleTimeOf('a.ledger_id', 'a.id')
  const versionAt = `
    case when a.last_posted_at <= $2 then a.version
         else (with recursive search (low, high) as (
                 select cast(0 as bigint), cast(a.version as bigint)
                 union all
                 select case when ${middleTime} <= $2 then (low + high + 1) / 2 else low end,
                        case when ${middleTime} <= $2 then high else (low + high + 1) / 2 - 1 end
                   from search where low < high
               )
               select low from search where low = high)
    end`
  const entryThen = reader.probe(
    'entries',
    'e',
    'e.ledger_id = $1 and e.account_id = page.id and e.account_version = page.version_then',
  )
  return {
    name: after ? 'trial_balance_page' : 'trial_balance_first_page',
    text: `select page.currency, page.exponent, page.account_type, count(*) as accounts,
                  max(cast(page.id as text)) as last_id,
                  ${reader.exactSum(`coalesce(e.debits_after, '0')`)} as debits,
                  ${reader.exactSum(`coalesce(e.balance_after, '0')`)} as balance
             from (
               select a.id, a.currency, a.exponent, a.account_type, ${versionAt} as version_then
                 from accounts a
                where a.ledger_id = $1 ${after ? 'and a.id > $4' : ''}
                order by a.id limit $3
             ) page
             ${entryThen}
            group by page.currency, page.exponent, page.account_type`,
  }
}

/**
 * Dated entries of a ledger beyond a time of one axis, in its order, with their accounts. Through `dated_entries_posted` or
 * `dated_entries_effective`, and `accounts_pkey` for each. No lock.
 */
function datedPage(reader: Reader, column: 'posted_at' | 'effective_at'): Statement {
  const account = reader.probe('accounts', 'a', 'a.ledger_id = $1 and a.id = d.account_id')
  return {
    name: `trial_balance_by_${column}`,
    text: `select d.*, a.currency, a.exponent, a.account_type from dated_entries d ${account}
            where d.ledger_id = $1 and (d.${column}, d.account_id, d.account_version) > ($2, $3, $4)
            order by d.${column}, d.account_id, d.account_version limit $5`,
  }
}

/**
 * Reads what all accounts have together at a time (ms since 1970; undefined: now), by currency and type: debits equal credits.
 *
 * Nothing holds still for it, and no snapshot is kept. All entries of a transaction have one time, so that a cut by a time
 * never divides a transaction, once that time is settled: once nobody can post at it or before any more. Then what lies before
 * never changes, and it is read page by page while posting goes on. By effect, the cut is the same, of now: of all that was
 * posted up to it counts what takes effect by the time asked for.
 *
 * Costs one short read for 500 accounts, and one for 2,000 dated entries posted or taking effect after the time. Rejects with
 * `StoreFailure`. Should a clock be set back meanwhile, the sums differ and it begins again.
 */
export async function trialBalance(
  reader: Reader & BooksClock,
  ledgerId: number,
  { axis, at }: { axis: Axis; at: number | undefined },
): Promise<TrialBalance> {
  for (let attempt = 1; ; attempt += 1) {
    const now = await reader.now()
    const asOf = axis === 'posted' ? Math.min(at ?? now, now) : (at ?? now)
    await reader.settle(axis === 'posted' ? asOf : now)
    const sums = new Sums()
    await addAccounts(reader, ledgerId, Math.min(asOf, now), sums)
    if (axis === 'effective') await addDated(reader, ledgerId, { asOf, now }, sums)
    if (sums.balance()) return { asOf, rows: sums.rows() }
    if (attempt === attemptsMax) throw new Error('the accounts together do not balance')
  }
}

async function addAccounts(
  reader: Reader,
  ledgerId: number,
  at: number,
  sums: Sums,
): Promise<void> {
  let after: string | undefined
  for (;;) {
    const parameters: Parameter[] = [ledgerId, reader.timeParameter(at), accountsPerRead]
    if (after !== undefined) parameters.push(after)
    const rows = await reader.rows(accountsPage(reader, after !== undefined), parameters)
    let accounts = 0
    for (const row of rows) {
      accounts += Number(row['accounts'])
      const lastId = row['last_id'] as string
      if (after === undefined || lastId > after) after = lastId
      const debits = money(row['debits'])
      const accountType = row['account_type'] as AccountType
      sums.add(row, debits, creditsAfter(accountType, money(row['balance']), debits))
    }
    if (accounts < accountsPerRead) return
    // In a process that does more than this, a page takes its turn.
    await nextTurn()
  }
}

/** Adds what was posted after the time and takes effect by it, takes away what was posted by it and takes effect later. */
async function addDated(
  reader: Reader,
  ledgerId: number,
  { asOf, now }: { asOf: number; now: number },
  sums: Sums,
): Promise<void> {
  const cut = Math.min(asOf, now)
  for await (const row of datedAfter(reader, ledgerId, 'posted_at', cut)) {
    const postedAt = timeOf(row, 'posted_at')
    if (postedAt > now) break
    if (timeOf(row, 'effective_at') <= asOf) sums.addEntry(row, 1n)
  }
  for await (const row of datedAfter(reader, ledgerId, 'effective_at', asOf)) {
    if (timeOf(row, 'posted_at') <= cut) sums.addEntry(row, -1n)
  }
}

const lastUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

async function* datedAfter(
  reader: Reader,
  ledgerId: number,
  column: 'posted_at' | 'effective_at',
  at: number,
): AsyncGenerator<Row> {
  const statement = datedPage(reader, column)
  let key: readonly [number, string, number] = [at, lastUuid, Number.MAX_SAFE_INTEGER]
  for (;;) {
    const [from, account, version] = key
    const after = [reader.timeParameter(from), account, version]
    const rows = await reader.rows(statement, [ledgerId, ...after, datedPerRead])
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < datedPerRead) return
    key = [timeOf(last, column), last['account_id'] as string, Number(last['account_version'])]
    await nextTurn()
  }
}

function timeOf(row: Row, column: string): number {
  const ms = time(row[column])
  if (ms === null) throw new Error('a dated entry lacks a time')
  return ms
}

/** The sums by currency and type. */
class Sums {
  readonly #sums = new Map<string, TrialBalanceRow>()

  add(row: Row, debits: bigint, credits: bigint): void {
    const currency = row['currency'] as string
    const accountType = row['account_type'] as AccountType
    const key = `${currency} ${accountType}`
    const before = this.#sums.get(key)
    this.#sums.set(key, {
      currency,
      exponent: row['exponent'] as number,
      accountType,
      debits: minorUnits((before?.debits ?? 0n) + debits),
      credits: minorUnits((before?.credits ?? 0n) + credits),
    })
  }

  addEntry(row: Row, sign: 1n | -1n): void {
    const units = sign * money(row['amount'])
    if (row['direction'] === 'debit') this.add(row, units, 0n)
    else this.add(row, 0n, units)
  }

  /** Whether debits equal credits in each currency. */
  balance(): boolean {
    const over = new Map<string, bigint>()
    for (const { currency, debits, credits } of this.#sums.values()) {
      over.set(currency, (over.get(currency) ?? 0n) + debits - credits)
    }
    return [...over.values()].every((units) => units === 0n)
  }

  rows(): TrialBalanceRow[] {
    return [...this.#sums.values()]
  }
}
