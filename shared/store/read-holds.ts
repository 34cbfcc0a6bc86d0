import type { TransactionRecord } from '../engine/transaction-record.ts'
import { ledgerIds } from './read-queue.ts'
import type { Reader, Statement } from './reader.ts'
import { transactionOf } from './rows.ts'

/** Open holds whose time is over, the longest over first, through `transactions_holds_due`. No lock. */
const holdsDueBefore: Statement = {
  name: 'holds_due_before',
  text: `select * from transactions
          where ledger_id = $1 and expires_at is not null and resolved_at is null
            and expires_at <= $2
          order by expires_at, id limit $3`,
}

/**
 * Reads the open holds of all ledgers whose time was over at `at` (ms since 1970), up to `size` of each ledger. One round trip a
 * ledger.
 */
export async function holdsDue(
  reader: Reader,
  at: number,
  size: number,
): Promise<TransactionRecord[]> {
  const due: TransactionRecord[] = []
  for (const ledgerId of await ledgerIds(reader)) {
    const rows = await reader.rows(holdsDueBefore, [ledgerId, reader.timeParameter(at), size])
    due.push(...rows.map((row) => transactionOf(row, [])))
  }
  return due
}
