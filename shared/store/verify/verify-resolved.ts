import type { Statement } from '../reader.ts'
import type { Row } from '../rows.ts'
import type { Differences } from './differences.ts'
import type { Pace } from './pace.ts'
import {
  addTo,
  requestedAmounts,
  resolvedAmounts,
  sideOf,
  type SidedAmount,
} from './resolved-amounts.ts'
import type { VerifyingReader } from './verifying-reader.ts'

/** Transactions of one short read. */
const targetsPerRead = 100

/**
 * Transactions with their entries, and the entries of all that captures or reverses them, at one instant. Through
 * `transactions_pkey`, `transactions_reversals`, `transactions_captures` and `entries_transaction`. No lock.
 */
function partsOf(count: number): Statement {
  const ids = Array.from({ length: count }, (_, index) => `$${index + 2}`).join(', ')
  const entry = `cast(e.account_id as text) as account_id, e.direction, cast(e.amount as text) as amount`
  const nothing = `null as requested_entries, null as resolved_entries, null as currencies, null as exponent`
  const parts = (kind: string, link: string) => `
    select c.${link} as target, '${kind}' as kind, ${entry}, e.position, ${nothing}
      from transactions c
      join entries e on e.ledger_id = $1 and e.transaction_id = c.id
     where c.ledger_id = $1 and c.${link} is not null and c.${link} in (${ids})`
  return {
    name: 'verify_parts',
    text: `
    select t.id as target, t.status as kind, null as account_id, null as direction, null as amount,
           null as position, cast(t.requested_entries as text) as requested_entries,
           cast(t.resolved_entries as text) as resolved_entries,
           cast(t.currencies as text) as currencies, t.exponent
      from transactions t where t.ledger_id = $1 and t.id in (${ids})
    union all
    select e.transaction_id as target, 'own' as kind, ${entry}, e.position, ${nothing}
      from entries e where e.ledger_id = $1 and e.transaction_id in (${ids})
    union all ${parts('reversal', 'reversal_of')}
    union all ${parts('capture', 'hold_id')}`,
  }
}

/**
 * Checks of some transactions that what is captured or reversed of each entry is what the captures and reversals of it moved, and no more
 * than the entry itself. One round trip a hundred.
 */
export async function verifyResolved(
  reader: VerifyingReader,
  ledgerId: number,
  ids: readonly string[],
  differences: Differences,
  pace: Pace,
): Promise<void> {
  for (let from = 0; from < ids.length; from += targetsPerRead) {
    const wanted = ids.slice(from, from + targetsPerRead)
    const rows = await pace(() => reader.rows(partsOf(wanted.length), [ledgerId, ...wanted]))
    for (const id of wanted) {
      const own = rows.filter((row) => row['target'] === id)
      for (const fault of faultsOf(own)) differences.add(ledgerId, `transaction ${id}`, fault)
    }
  }
}

function faultsOf(rows: readonly Row[]): string[] {
  const target = rows.find((row) => row['account_id'] === null)
  if (target === undefined) return ['is captured or reversed by others and does not exist']
  const resolved = resolvedAmounts(target)
  const entries = target['kind'] === 'posted' ? entriesIn(rows, 'own') : requestedAmounts(target)
  const faults: string[] = []
  const sums = new Map<string, bigint>()
  for (const [position, entry] of entries.entries()) {
    const amount = resolved.length === 0 ? 0n : resolved[position]
    if (amount === undefined || amount < 0n || amount > entry.amount) {
      faults.push(`has ${String(amount)} of the ${entry.amount} of entry ${position} resolved`)
    }
    addTo(sums, sideOf(entry), amount ?? 0n)
  }
  const moved = new Map<string, bigint>()
  for (const part of entriesIn(rows, 'capture')) addTo(moved, sideOf(part), part.amount)
  for (const part of entriesIn(rows, 'reversal')) {
    const direction = part.direction === 'debit' ? 'credit' : 'debit'
    addTo(moved, sideOf({ ...part, direction }), part.amount)
  }
  for (const side of new Set([...sums.keys(), ...moved.keys()])) {
    const [said, found] = [sums.get(side) ?? 0n, moved.get(side) ?? 0n]
    if (said === found) continue
    faults.push(
      `has ${said} resolved on the ${side}, its captures and reversals add up to ${found}`,
    )
  }
  return faults
}

function entriesIn(rows: readonly Row[], kind: string): SidedAmount[] {
  return rows
    .filter((row) => row['kind'] === kind && row['account_id'] !== null)
    .toSorted((a, b) => Number(a['position']) - Number(b['position']))
    .map((row) => ({
      accountId: row['account_id'] as string,
      direction: row['direction'] as string,
      amount: BigInt(row['amount'] as string),
    }))
}
