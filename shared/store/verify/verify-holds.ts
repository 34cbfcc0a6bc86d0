import type { Statement } from '../reader.ts'
import type { Row } from '../rows.ts'
import type { Differences } from './differences.ts'
import type { Pace } from './pace.ts'
import { addTo, requestedAmounts, resolvedAmounts, sideOf } from './resolved-amounts.ts'
import type { VerifyingReader } from './verifying-reader.ts'
import { wholeNumber } from './whole-number.ts'

/** Rows of one short read. */
const holdsPerRead = 1000
const accountsPerRead = 1000

/** A UUID that none comes before. */
const firstUuid = '00000000-0000-0000-0000-000000000000'

/** One page of open holds by id, through `transactions_holds_open`. No lock. */
const openHolds: Statement = {
  name: 'verify_open_holds',
  text: `select id, requested_entries, resolved_entries, exponent, currencies from transactions
          where ledger_id = $1 and expires_at is not null and resolved_at is null and id > $2
          order by id limit $3`,
}

/** One page of accounts with what is held on them, through `accounts_pkey`. No lock. */
const heldTotals: Statement = {
  name: 'verify_held_totals',
  text: `select id, held_debits, held_credits from accounts
          where ledger_id = $1 and id > $2 order by id limit $3`,
}

/**
 * One account with all open holds that name it, at one instant: through `accounts_pkey`, and over all open holds of the
 * ledger through `transactions_holds_open`. No lock.
 */
const holdsOfAccount: Statement = {
  name: 'verify_holds_of_account',
  text: `select a.held_debits, a.held_credits, t.id, t.requested_entries, t.resolved_entries,
                t.exponent, t.currencies
           from accounts a
           left join transactions t
             on t.ledger_id = a.ledger_id and t.expires_at is not null and t.resolved_at is null
                and cast(t.requested_entries as text) like $3
          where a.ledger_id = $1 and a.id = $2`,
}

/**
 * Checks that what is held on each account of a ledger is what its open holds have left to set aside; gives the number of open
 * holds. An account that seems wrong while holds come and go is looked at again, with its holds at one instant. Needs
 * memory for the accounts that open holds name.
 */
export async function verifyHolds(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  pace: Pace,
): Promise<number> {
  const sums = new Map<string, bigint>()
  let holds = 0
  for await (const page of pagesOf(reader, openHolds, ledgerId, holdsPerRead, pace)) {
    for (const row of page) addHold(sums, row)
    holds += page.length
  }
  for await (const page of pagesOf(reader, heldTotals, ledgerId, accountsPerRead, pace)) {
    for (const row of page) {
      const id = row['id'] as string
      if (faultOf(id, row, sums) === undefined) continue
      const again = await pace(() => reader.rows(holdsOfAccount, [ledgerId, id, `%${id}%`]))
      const own = new Map<string, bigint>()
      for (const hold of again) if (hold['id'] !== null) addHold(own, hold)
      const fault = faultOf(id, again[0] ?? row, own)
      if (fault !== undefined) differences.add(ledgerId, `account ${id}`, fault)
    }
  }
  return holds
}

async function* pagesOf(
  reader: VerifyingReader,
  statement: Statement,
  ledgerId: number,
  size: number,
  pace: Pace,
): AsyncGenerator<readonly Row[]> {
  let after = firstUuid
  for (;;) {
    const from = after
    const rows = await pace(() => reader.rows(statement, [ledgerId, from, size]))
    yield rows
    if (rows.length < size) return
    after = rows.at(-1)?.['id'] as string
  }
}

/** Adds what is left of a hold to the sums of its sides. */
function addHold(sums: Map<string, bigint>, row: Row): void {
  const resolved = resolvedAmounts(row)
  for (const [position, entry] of requestedAmounts(row).entries()) {
    addTo(sums, sideOf(entry), entry.amount - (resolved[position] ?? 0n))
  }
}

function faultOf(id: string, row: Row, sums: ReadonlyMap<string, bigint>): string | undefined {
  for (const [direction, column] of [
    ['debit', 'held_debits'],
    ['credit', 'held_credits'],
  ] as const) {
    const left = sums.get(sideOf({ accountId: id, direction })) ?? 0n
    if (wholeNumber(row[column]) !== left) {
      return `has ${column} ${String(row[column])}, its open holds add up to ${left}`
    }
  }
  return undefined
}
