import type { Statement } from '../reader.ts'
import type { Differences } from './differences.ts'
import type { VerifyingReader } from './verifying-reader.ts'

/** All ledgers, through `ledgers_pkey`. */
const allLedgers: Statement = { name: 'verify_ledgers', text: `select id from ledgers order by id` }

const owned = [
  'events',
  'currencies',
  'accounts',
  'transactions',
  'entries',
  'queued_transactions',
  'hold_changes',
  'anchors',
] as const

/** The next ledger that a table has rows of, through the first column of its primary key. */
function nextLedgerIn(table: (typeof owned)[number]): Statement {
  return {
    name: `verify_ledger_in_${table}`,
    text: `select ledger_id from ${table} where ledger_id > $1 order by ledger_id limit 1`,
  }
}

/** A ledger id that no other one comes before; a column of four bytes. */
const beforeLedgers = -2_147_483_648

/**
 * Gives the ids of all ledgers, those too that are no ledger but have rows, which is a difference. A few round trips for
 * each ledger.
 */
export async function verifyLedgers(
  reader: VerifyingReader,
  differences: Differences,
): Promise<number[]> {
  const found = new Map<number, string>()
  for (const table of owned) {
    for (let after = beforeLedgers; ;) {
      const [row] = await reader.rows(nextLedgerIn(table), [after])
      if (row === undefined) break
      after = row['ledger_id'] as number
      found.set(after, table)
    }
  }
  // Read last: a ledger is there before its first row is.
  const ledgers = new Set((await reader.rows(allLedgers, [])).map((row) => row['id'] as number))
  for (const [id, table] of found) {
    if (!ledgers.has(id)) differences.add(id, `ledger ${id}`, `does not exist and has ${table}`)
  }
  return [...new Set([...ledgers, ...found.keys()])].sort((a, b) => a - b)
}
