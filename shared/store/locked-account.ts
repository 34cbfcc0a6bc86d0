import type { ChainedAccount } from '../engine/entry-chain.ts'
import type { AccountStatus, AccountType } from '../ledger/account.ts'
import { money } from './rows.ts'

/** What posting reads of an account, in the order in which `lockedAccountOf` takes it; after it come `last_posted_at` in ms and the head of the chain in hex. */
export const lockedColumns = `id, account_type, currency, exponent, status, min_available, posted_debits,
                   posted_credits, held_debits, held_credits, version, newest_transaction_id,
                   newest_transaction_version`

/**
 * The head of an account's chain, if it is of the newest entry. It is not where a version of this service that makes no hashes has posted
 * since, as may be while one takes the place of the other; the chain begins anew then.
 */
export const chainHead = (hex: string) =>
  `case when chain_version = version and chain_hash is not null then ${hex} end`

/** Reads an account from a row of values. The money comes as text, other numbers of any size may. */
export function lockedAccountOf(row: readonly unknown[]): ChainedAccount {
  const newestId = row[11] as string | null
  const lastPostedAt = row[13] as string | number | null
  return {
    id: row[0] as string,
    accountType: row[1] as AccountType,
    currency: row[2] as string,
    exponent: row[3] as number,
    status: row[4] as AccountStatus,
    minAvailable: row[5] === null ? null : money(row[5]),
    postedDebits: money(row[6]),
    postedCredits: money(row[7]),
    heldDebits: money(row[8]),
    heldCredits: money(row[9]),
    version: Number(row[10]),
    lastPostedAt: lastPostedAt === null ? null : Number(lastPostedAt),
    chainHash: row[14] as string | null,
    newestTransaction: newestId === null ? null : { id: newestId, version: Number(row[12]) },
  }
}
