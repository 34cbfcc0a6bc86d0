import { createHash } from 'node:crypto'
import type { StoreLocation } from '../../shared/store/open.ts'
import { readRows } from './read-rows.ts'

/** Entries as their rows and those of their transactions say it, times in ms; but for those that a test wrote by hand. */
const entries = (ms: (column: string) => string, hex: (column: string) => string) => `
  select e.ledger_id, e.account_id, e.account_version, e.transaction_id, e.position, e.direction,
         e.amount, e.balance_after, e.debits_after, ${ms('e.posted_at')} as ms,
         ${hex('e.hash')} as hash, ${hex('t.fingerprint')} as fingerprint,
         ${hex('a.chain_hash')} as head, a.version, a.chain_version
    from entries e
    join accounts a on a.ledger_id = e.ledger_id and a.id = e.account_id
    join transactions t on t.ledger_id = e.ledger_id and t.id = e.transaction_id
   where not (e.hash is null and coalesce(t.idempotency_key, '') like 'key of %')
   order by e.ledger_id, e.account_id, e.account_version`

/**
 * Recomputes the hash chain of every account by what is published of it (SECURITY.md), and says where it is not what is stored. Empty
 * when all entries are chained and each account has the hash of its last one.
 */
export async function chainFaults(location: StoreLocation): Promise<string[]> {
  const isPostgres = location.dialect === 'postgres'
  const text = isPostgres
    ? entries(
        (column) => `(extract(epoch from ${column}) * 1000)::bigint`,
        (column) => `encode(${column}, 'hex')`,
      )
    : entries(
        (column) => column,
        (column) => `iif(${column} is null, null, lower(hex(${column})))`,
      )
  const [rows] = await readRows(location, [text])
  const faults: string[] = []
  let account: unknown
  let last = ''
  for (const row of rows ?? []) {
    const place = `${row['account_id']} at version ${row['account_version']}`
    if (row['account_id'] !== account) {
      account = row['account_id']
      last = sha256(
        `ledgerflow entries 1 ${row['ledger_id']} ${row['account_id']} ${Number(row['account_version']) - 1}`,
      )
    }
    const columns = ['account_version', 'transaction_id', 'position', 'direction', 'amount']
    const texts = [...columns, 'balance_after', 'debits_after', 'ms', 'fingerprint']
    last = sha256([last, ...texts.map((name) => row[name])].map(String).join(' '))
    if (row['hash'] !== last) faults.push(`${place} has not the hash of the chain`)
    const isLast = row['account_version'] === row['version']
    if (isLast && (row['chain_version'] !== row['version'] || row['head'] !== last)) {
      faults.push(`${place} is not the head of its chain`)
    }
  }
  return faults
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
