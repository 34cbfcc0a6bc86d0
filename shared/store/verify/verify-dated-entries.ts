import { timeMin } from '../../ledger/axis.ts'
import type { Statement } from '../reader.ts'
import { time } from '../rows.ts'
import type { Differences } from './differences.ts'
import type { Pace } from './pace.ts'
import type { VerifyingReader } from './verifying-reader.ts'

/** Rows of one short read. */
const transactionsPerRead = 500
const entriesPerRead = 2000

/**
 * Posted transactions that name an effective time, in its order, each with the number of its entries and of those that are noted
 * beside the books just so. Through `transactions_effective`, `entries_transaction` and `dated_entries_pkey`. No lock.
 */
const datedTransactions = (reader: VerifyingReader): Statement => ({
  name: 'verify_dated_transactions',
  text: `select t.id, t.effective_at, t.posted_at,
                (select count(*) from entries e
                  where e.ledger_id = $1 and e.transaction_id = t.id) as entries,
                (select count(d.account_id) from entries e
                   ${reader.probe('dated_entries', 'd', 'd.ledger_id = $1 and d.account_id = e.account_id and d.account_version = e.account_version and d.effective_at = t.effective_at and d.posted_at = e.posted_at and d.direction = e.direction and d.amount = e.amount')}
                  where e.ledger_id = $1 and e.transaction_id = t.id) as noted
           from transactions t
          where t.ledger_id = $1 and t.effective_at is not null
            and (t.effective_at, t.id) > ($2, $3)
          order by t.effective_at, t.id limit $4`,
})

/** Dated entries in the order of their key, each with the transaction of its entry. Through three primary keys. No lock. */
const datedEntries = (reader: VerifyingReader): Statement => ({
  name: 'verify_dated_entries',
  text: `select d.account_id, d.account_version, d.effective_at, t.effective_at as own
           from dated_entries d
           ${reader.probe('entries', 'e', 'e.ledger_id = $1 and e.account_id = d.account_id and e.account_version = d.account_version')}
           ${reader.probe('transactions', 't', 't.ledger_id = $1 and t.id = e.transaction_id')}
          where d.ledger_id = $1 and (d.account_id, d.account_version) > ($2, $3)
          order by d.account_id, d.account_version limit $4`,
})

const firstUuid = '00000000-0000-0000-0000-000000000000'

/**
 * Checks what stands beside the books for the effective axis: every entry that takes effect at another time than it was posted
 * is noted with that time, and nothing else is.
 */
export async function verifyDatedEntries(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  pace: Pace,
): Promise<void> {
  await verifyNoted(reader, ledgerId, differences, pace)
  await verifyNothingElse(reader, ledgerId, differences, pace)
}

async function verifyNoted(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  pace: Pace,
): Promise<void> {
  const statement = datedTransactions(reader)
  let [from, id] = [timeMin, firstUuid]
  for (;;) {
    const parameters = [ledgerId, reader.timeParameter(from), id, transactionsPerRead]
    const rows = await pace(() => reader.rows(statement, parameters))
    for (const row of rows) {
      const isDated = time(row['effective_at']) !== time(row['posted_at'])
      const expected = isDated ? Number(row['entries']) : 0
      const noted = Number(row['noted'])
      if (noted === expected) continue
      const detail = `has ${expected} entries that take effect at another time, ${noted} are noted`
      differences.add(ledgerId, `transaction ${String(row['id'])}`, detail)
    }
    const end = rows.at(-1)
    if (end === undefined || rows.length < transactionsPerRead) return
    from = time(end['effective_at']) ?? timeMin
    id = end['id'] as string
  }
}

async function verifyNothingElse(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  pace: Pace,
): Promise<void> {
  const statement = datedEntries(reader)
  let [account, version] = [firstUuid, 0]
  for (;;) {
    const parameters = [ledgerId, account, version, entriesPerRead]
    const rows = await pace(() => reader.rows(statement, parameters))
    for (const row of rows) {
      if (time(row['effective_at']) === time(row['own'])) continue
      const entry = `entry ${Number(row['account_version'])}`
      const detail = `${entry} is noted with an effective time that is not its transaction's`
      differences.add(ledgerId, `account ${String(row['account_id'])}`, detail)
    }
    const end = rows.at(-1)
    if (end === undefined || rows.length < entriesPerRead) return
    account = end['account_id'] as string
    version = Number(end['account_version'])
  }
}
