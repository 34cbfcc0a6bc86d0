import { minorUnits } from '../ledger/money.ts'
import type { AccountRecord, BalanceAt, ListedEntry } from '../engine/account-record.ts'
import type { AccountFilter, Page } from './ledger-store.ts'
import type { Parameter, Reader, Statement } from './reader.ts'
import { accountOf, listedEntryOf, money, type Row } from './rows.ts'

/** One account by its id, through `accounts_pkey`. No lock. */
const accountById: Statement = {
  name: 'account_by_id',
  text: `select * from accounts where ledger_id = $1 and id = $2`,
}

/** One page of an account's entries, newest first, through `entries_pkey` backwards and `dated_entries_pkey`. No lock. */
const entryPage: Statement = {
  name: 'entry_page',
  text: `select e.*, (select d.effective_at from dated_entries d
                        where d.ledger_id = $1 and d.account_id = $2
                          and d.account_version = e.account_version) as effective_at
           from entries e
          where e.ledger_id = $1 and e.account_id = $2 and e.account_version < $3
          order by e.account_version desc limit $4`,
}

/** The time of the version in the middle: a subquery, because a join was planned to read all of the account's entries. */
export function middleTimeOf(ledgerId: string, accountId: string): string {
  return `(select posted_at from entries where ledger_id = ${ledgerId} and account_id = ${accountId}
             and account_version = (low + high + 1) / 2)`
}

const middleTime = middleTimeOf('$1', '$2')

/**
 * The last entry of an account at or before a time, by binary search over its versions: they have no gaps, and times
 * grow with them. Twice log2(versions) probes of `entries_pkey`, no index over times, no lock.
 */
const entryAt: Statement = {
  name: 'entry_at',
  text: `with recursive search (low, high) as (
           select cast(0 as bigint), cast($3 as bigint)
           union all
           select case when ${middleTime} <= $4 then (low + high + 1) / 2 else low end,
                  case when ${middleTime} <= $4 then high else (low + high + 1) / 2 - 1 end
             from search where low < high
         )
         select * from entries
          where ledger_id = $1 and account_id = $2
            and account_version = (select low from search where low = high)`,
}

/** Reads one account, or undefined. One round trip. */
export async function findAccount(
  reader: Reader,
  ledgerId: number,
  id: string,
): Promise<AccountRecord | undefined> {
  const [row] = await reader.rows(accountById, [ledgerId, id])
  return row === undefined ? undefined : accountOf(row)
}

/**
 * Reads one page of accounts, newest first by id: through `account_metadata_pkey` where metadata is asked for, through
 * `accounts_code_key` where a code is, else along `accounts_pkey` backwards. No lock. One round trip.
 */
export async function listAccounts(
  reader: Reader,
  ledgerId: number,
  filter: AccountFilter,
  page: Page<string>,
): Promise<AccountRecord[]> {
  const parameters: Parameter[] = [ledgerId]
  const parameter = (value: Parameter) => `$${parameters.push(value)}`
  const [first, ...others] = filter.metadata ?? []
  const pairIs = (pair: readonly [string, string]) =>
    `m.ledger_id = $1 and m.name = ${parameter(pair[0])} and m.value = ${parameter(pair[1])}`
  const id = first === undefined ? 'a.id' : 'm.account_id'
  const from =
    first === undefined
      ? 'accounts a where a.ledger_id = $1'
      : `account_metadata m
         ${reader.probe('accounts', 'a', 'a.ledger_id = $1 and a.id = m.account_id')}
         where ${pairIs(first)}`
  const conditions = others.map(
    (pair) =>
      `(select 1 from account_metadata m where ${pairIs(pair)} and m.account_id = a.id) = 1`,
  )
  const columns = {
    'a.currency': filter.currency,
    'a.account_type': filter.accountType,
    'a.status': filter.status,
    'a.code': filter.code,
  }
  for (const [column, value] of Object.entries(columns)) {
    if (value !== undefined) conditions.push(`${column} = ${parameter(value)}`)
  }
  if (page.before !== undefined) conditions.push(`${id} < ${parameter(page.before)}`)
  const text = `select a.* from ${[from, ...conditions].join(' and ')}
                 order by ${id} desc limit ${parameter(page.size)}`
  const rows = await reader.rows({ name: 'account_page', text }, parameters)
  return rows.map(accountOf)
}

/** Reads one page of an account's entries, newest first by version. One round trip. */
export async function listEntries(
  reader: Reader,
  ledgerId: number,
  accountId: string,
  page: Page<number>,
): Promise<ListedEntry[]> {
  const before = page.before ?? Number.MAX_SAFE_INTEGER
  const rows = await reader.rows(entryPage, [ledgerId, accountId, before, page.size])
  return rows.map(listedEntryOf)
}

/** An account as far as its entries are looked for: they are known up to a version. */
export type VersionedAccount = Pick<AccountRecord, 'ledgerId' | 'id' | 'version'>

/** Reads an account's last entry at or before `at` (ms since 1970), or undefined. One round trip. */
export async function lastEntryAt(
  reader: Reader,
  { ledgerId, id, version }: VersionedAccount,
  at: number,
): Promise<Row | undefined> {
  const [row] = await reader.rows(entryAt, [ledgerId, id, version, reader.timeParameter(at)])
  return row
}

/** Reads an account's totals as they stood at `at` (ms since 1970, inclusive). One round trip. */
export async function balanceAt(
  reader: Reader,
  account: VersionedAccount,
  at: number,
): Promise<BalanceAt> {
  const row = await lastEntryAt(reader, account, at)
  if (row === undefined) return { version: 0, balance: minorUnits(0n), debits: minorUnits(0n) }
  return {
    version: Number(row['account_version']),
    balance: money(row['balance_after']),
    debits: money(row['debits_after']),
  }
}
