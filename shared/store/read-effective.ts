import type { AccountRecord, BalanceAt } from '../engine/account-record.ts'
import { balanceOf, type Direction } from '../ledger/account.ts'
import { creditsAfter } from '../ledger/decide.ts'
import type { MinorUnits } from '../ledger/money.ts'
import { balanceAt } from './read-accounts.ts'
import type { Reader, Statement } from './reader.ts'
import { money, time, type Row } from './rows.ts'

/** Dated entries of one short read. */
const rowsPerRead = 2000

/** Dated entries of an account beyond a version, up to another, through `dated_entries_pkey`. No lock. */
const datedByVersion: Statement = {
  name: 'dated_by_version',
  text: `select account_version, effective_at, direction, amount from dated_entries
          where ledger_id = $1 and account_id = $2 and account_version > $3 and account_version <= $4
          order by account_version limit $5`,
}

/** Dated entries of an account that take effect beyond a time, through `dated_entries_of_account`. No lock. */
const datedByEffect = (reader: Reader): Statement => ({
  name: 'dated_by_effect',
  text: `select account_version, effective_at, direction, amount from dated_entries
          where ledger_id = $1 and ${reader.keyRange(['account_id', '$2'], '>', [
            ['effective_at', '$3'],
            ['account_version', '$4'],
          ])}
          order by effective_at, account_version limit $5`,
})

/**
 * Reads an account's totals on the effective axis at `at` (ms since 1970, inclusive), of all that `account` had when it was read.
 *
 * The totals by the time of posting are the start; added is what was posted later and takes effect by then, taken away what was
 * posted by then and takes effect later. Both are among the dated entries from `at` on, read in short pieces: entries up to the
 * account's version never change, so that nothing needs to hold still. One round trip, and two for each 2,000 of them.
 */
export async function effectiveBalanceAt(
  reader: Reader,
  account: AccountRecord,
  at: number,
): Promise<BalanceAt> {
  const posted = await balanceAt(reader, account, at)
  let debits: bigint = posted.debits
  let credits: bigint = creditsAfter(account.accountType, posted.balance, posted.debits)
  const count = (row: Row, sign: 1n | -1n) => {
    const units = sign * money(row['amount'])
    if ((row['direction'] as Direction) === 'debit') debits += units
    else credits += units
  }
  for await (const row of postedAfter(reader, account, posted.version)) {
    if ((time(row['effective_at']) ?? at) <= at) count(row, 1n)
  }
  for await (const row of effectiveAfter(reader, account, at)) {
    if (Number(row['account_version']) <= posted.version) count(row, -1n)
  }
  const totals = {
    postedDebits: debits as MinorUnits,
    postedCredits: credits as MinorUnits,
    heldDebits: 0n as MinorUnits,
    heldCredits: 0n as MinorUnits,
    version: account.version,
  }
  return {
    version: account.version,
    balance: balanceOf(account.accountType, totals),
    debits: totals.postedDebits,
  }
}

async function* postedAfter(
  reader: Reader,
  { ledgerId, id, version }: AccountRecord,
  beyond: number,
): AsyncGenerator<Row> {
  let after = beyond
  for (;;) {
    const parameters = [ledgerId, id, after, version, rowsPerRead]
    const rows = await reader.rows(datedByVersion, parameters)
    yield* rows
    if (rows.length < rowsPerRead) return
    after = Number(rows.at(-1)?.['account_version'])
  }
}

async function* effectiveAfter(
  reader: Reader,
  { ledgerId, id }: AccountRecord,
  at: number,
): AsyncGenerator<Row> {
  let after: readonly [number, number] = [at, Number.MAX_SAFE_INTEGER]
  for (;;) {
    const key = [reader.timeParameter(after[0]), after[1]]
    const rows = await reader.rows(datedByEffect(reader), [ledgerId, id, ...key, rowsPerRead])
    yield* rows
    const last = rows.at(-1)
    if (last === undefined || rows.length < rowsPerRead) return
    after = [time(last['effective_at']) ?? at, Number(last['account_version'])]
  }
}
