import type { AccountStatus, AccountType, LockedAccount } from '../ledger/account.ts'
import { money } from './rows.ts'

/** What posting reads of an account, in the order in which `lockedAccountOf` takes it; after it comes `last_posted_at` in ms. */
export const lockedColumns = `id, account_type, currency, exponent, status, min_available, posted_debits,
                   posted_credits, held_debits, held_credits, version`

/** Reads an account from a row of values. The money comes as text, other numbers of any size may. */
export function lockedAccountOf(row: readonly unknown[]): LockedAccount {
  const lastPostedAt = row[11] as string | number | null
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
  }
}
