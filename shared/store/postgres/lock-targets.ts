import type { AccountEntry } from '../../engine/account-record.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import { entryOf, transactionOf } from '../rows.ts'
import type { Prepared, PostingConnection } from './posting-connection.ts'

/**
 * Locks the transactions that others are about, in the order of their ids and always before the accounts, so that two
 * batches never deadlock. Through `transactions_pkey`; FOR NO KEY UPDATE. Parameters: ledger id, transaction ids.
 *
 * One that is still queued is passed over: whoever is draining it may be waiting for accounts that we hold.
 */
const lockTargets: Prepared = {
  name: 'lock_targets',
  text: `select target.*
           from (select id from unnest($2::uuid[]) as wanted (id) order by id) wanted
          cross join lateral (
            select * from transactions
             where ledger_id = $1 and id = wanted.id and status <> 'queued'
             limit 1
               for no key update
          ) target`,
}

/**
 * The entries of those that are posted, through `entries_transaction`. They never change: no lock. As a range with an order, for
 * the reason that `oneByKey` gives.
 */
const entriesOfTargets: Prepared = {
  name: 'entries_of_targets',
  text: `select entry.*
           from unnest($2::uuid[]) as wanted (id)
          cross join lateral (
            select * from entries
             where ledger_id = $1 and transaction_id >= wanted.id and transaction_id <= wanted.id
             order by transaction_id
          ) entry`,
}

/** Sends both statements without waiting for those before them, and resolves with the locked targets and their entries. */
export async function lockTargetsOn(
  connection: PostingConnection,
  ledgerId: number,
  ids: readonly string[],
): Promise<readonly TransactionRecord[]> {
  if (ids.length === 0) return []
  const parameters = [ledgerId, `{${ids.join(',')}}`]
  const [rows, entries] = await Promise.all([
    connection.sendObjects(lockTargets, [...parameters]),
    connection.sendObjects(entriesOfTargets, [...parameters]),
  ])
  const byTarget = new Map(rows.map((row) => [row['id'] as string, [] as AccountEntry[]]))
  const inOrder = entries.toSorted((a, b) => (a['position'] as number) - (b['position'] as number))
  for (const entry of inOrder) byTarget.get(entry['transaction_id'] as string)?.push(entryOf(entry))
  return rows.map((row) => transactionOf(row, byTarget.get(row['id'] as string) ?? []))
}
