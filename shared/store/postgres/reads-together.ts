import type { AccountRecord } from '../../engine/account-record.ts'
import { GroupCommit } from '../../engine/group-commit.ts'
import { StoreFailure, Unavailable } from '../../engine/store-failure.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import type { Reader, Statement } from '../reader.ts'
import { accountOf, entryOf, transactionOf, type Row } from '../rows.ts'
import { plainArray } from './array-text.ts'
import { newestAccount } from './newest-account.ts'

/** Accounts by their ids, one probe of `accounts_pkey` each. No lock. */
const accountsById: Statement = {
  name: 'accounts_by_id',
  text: `select account.* from unnest($2::uuid[]) as wanted (id)
          cross join lateral (
            select * ${newestAccount('wanted.id')}
          ) account`,
}

/** Transactions by their ids, one probe of `transactions_pkey` each. No lock. */
const transactionsById: Statement = {
  name: 'transactions_by_id',
  text: `select transaction.* from unnest($2::uuid[]) as wanted (id)
          cross join lateral (
            select * from transactions where ledger_id = $1 and id = wanted.id limit 1
          ) transaction`,
}

/** The entries of some transactions, each one's in the order given, through `entries_transaction`. No lock. */
const entriesOfTransactions: Statement = {
  name: 'entries_of_wanted_transactions',
  text: `select entry.* from unnest($2::uuid[]) as wanted (id)
          cross join lateral (
            select * from entries where ledger_id = $1 and transaction_id = wanted.id
             order by position
          ) entry`,
}

/** The most rows that are looked up together, and how many such reads may be under way at once. */
const togetherMax = 200
const readsMax = 2

/** One row that somebody asks for. */
interface Wanted {
  readonly ledgerId: number
  readonly id: string
}

/**
 * Reads of a single row, made together: what is asked for while a read is under way is looked up by the next one, so that
 * under load a round trip serves many. A lone read is made at once. Each sees all that was committed before it was asked for.
 */
export class ReadsTogether {
  readonly #accounts: GroupCommit<Wanted, AccountRecord | undefined>
  readonly #transactions: GroupCommit<Wanted, TransactionRecord | undefined>

  constructor(reader: Reader) {
    this.#accounts = together((ledgerId, ids) => readAccounts(reader, ledgerId, ids))
    this.#transactions = together((ledgerId, ids) => readTransactions(reader, ledgerId, ids))
  }

  /** Reads one account, or undefined. Rejects with `StoreFailure`, also when no read could begin within a second. */
  account(ledgerId: number, id: string): Promise<AccountRecord | undefined> {
    return this.#accounts.submit({ ledgerId, id }).catch(storeFailure)
  }

  /** Reads one transaction with its entries, or undefined. Rejects as `account` does. */
  transaction(ledgerId: number, id: string): Promise<TransactionRecord | undefined> {
    return this.#transactions.submit({ ledgerId, id }).catch(storeFailure)
  }
}

/** Reads pile up when the database does not answer. */
function storeFailure(error: unknown): never {
  throw error instanceof Unavailable ? new StoreFailure('not_done', error) : error
}

/** Forms groups of what is wanted and has them read, a ledger at a time. */
function together<Found extends { readonly id: string }>(
  read: (ledgerId: number, ids: readonly string[]) => Promise<readonly Found[]>,
): GroupCommit<Wanted, Found | undefined> {
  return new GroupCommit({
    batchSizeMax: togetherMax,
    batchesMax: readsMax,
    turnsBefore: 1,
    flush: async (wanted) => {
      const found = new Map<string, Found>()
      for (const ledgerId of new Set(wanted.map((one) => one.ledgerId))) {
        const ids = wanted.filter((one) => one.ledgerId === ledgerId).map(({ id }) => id)
        for (const one of await read(ledgerId, [...new Set(ids)])) {
          found.set(keyOf(ledgerId, one.id), one)
        }
      }
      return wanted.map(({ ledgerId, id }) => ({
        status: 'fulfilled',
        value: found.get(keyOf(ledgerId, id)),
      }))
    },
  })
}

function keyOf(ledgerId: number, id: string): string {
  return `${ledgerId}:${id}`
}

async function readAccounts(
  reader: Reader,
  ledgerId: number,
  ids: readonly string[],
): Promise<AccountRecord[]> {
  return (await reader.rows(accountsById, [ledgerId, arrayOf(ids)])).map(accountOf)
}

/** Entries are read after the rows say that they are there, and they never change, so that no snapshot is needed. */
async function readTransactions(
  reader: Reader,
  ledgerId: number,
  ids: readonly string[],
): Promise<TransactionRecord[]> {
  const rows = await reader.rows(transactionsById, [ledgerId, arrayOf(ids)])
  const posted = rows.filter((row) => row['posted_at'] !== null).map((row) => row['id'] as string)
  const entries = new Map<string, Row[]>(posted.map((id) => [id, []]))
  if (posted.length > 0) {
    const found = await reader.rows(entriesOfTransactions, [ledgerId, arrayOf(posted)])
    for (const row of found) entries.get(row['transaction_id'] as string)?.push(row)
  }
  return rows.map((row) =>
    transactionOf(row, (entries.get(row['id'] as string) ?? []).map(entryOf)),
  )
}

function arrayOf(ids: readonly string[]): string {
  return plainArray(ids, (id) => id)
}
