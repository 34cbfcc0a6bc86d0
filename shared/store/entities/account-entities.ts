import {
  accountStatuses,
  accountTypes,
  type AccountStatus,
  type AccountType,
} from '../../ledger/account.ts'
import type { MinorUnits } from '../../ledger/money.ts'
import type { Metadata } from '../../engine/transaction-record.ts'
import type { ColumnKinds } from '../dialect.ts'
import { oneOf, schema } from './entity-schema.ts'

/** A book: everything else belongs to exactly one. */
export interface LedgerRow {
  id: number
  name: string
  /** Signs this ledger's cursors, so that one of another ledger is not taken for ours. */
  cursorSecret: Buffer
  /** Nothing takes effect at or before this time any more; null while the books were never closed. */
  booksClosedUntil: number | null
  createdAt: number
}

/** A currency that a ledger registered besides ISO 4217. */
export interface CurrencyRow {
  ledgerId: number
  code: string
  exponent: number
  createdAt: number
}

/** An account with its running totals. Times are ms since 1970, money is minor units. */
export interface AccountRow {
  ledgerId: number
  id: string
  code: string | null
  name: string
  accountType: AccountType
  currency: string
  exponent: number
  status: AccountStatus
  minAvailable: MinorUnits | null
  metadata: Metadata | null
  postedDebits: MinorUnits
  postedCredits: MinorUnits
  heldDebits: MinorUnits
  heldCredits: MinorUnits
  version: number
  lastPostedAt: number | null
  /** The hash of the entry of version `chainVersion`: the newest one, unless that was posted without. */
  chainHash: Buffer | null
  chainVersion: number | null
  /** The transaction with the greatest id among those posted to it, and the version of its last entry here. */
  newestTransactionId: string | null
  newestTransactionVersion: number | null
  createdAt: number
}

/** The tables of ledgers, their currencies and their accounts. */
export function accountEntities(kinds: ColumnKinds) {
  const text = { type: 'text' } as const
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  return {
    ledgers: schema<LedgerRow>({
      name: 'ledgers',
      columns: {
        id: { type: 'integer', primary: true },
        name: text,
        cursorSecret: { ...kinds.bytes, name: 'cursor_secret' },
        booksClosedUntil: { ...kinds.time, name: 'books_closed_until', nullable: true },
        createdAt: { ...kinds.time, name: 'created_at' },
      },
      uniques: [{ name: 'ledgers_name_key', columns: ['name'] }],
    }),
    currencies: schema<CurrencyRow>({
      name: 'currencies',
      columns: {
        ledgerId,
        code: { ...text, primary: true },
        exponent: kinds.small,
        createdAt: { ...kinds.time, name: 'created_at' },
      },
    }),
    accounts: schema<AccountRow>({
      name: 'accounts',
      columns: {
        ledgerId,
        id: { ...kinds.id, primary: true },
        code: { ...text, nullable: true },
        name: text,
        accountType: { ...text, name: 'account_type' },
        currency: text,
        exponent: kinds.small,
        status: { ...text, default: 'active' },
        minAvailable: { ...kinds.money, name: 'min_available', nullable: true },
        metadata: { ...kinds.json, nullable: true },
        postedDebits: { ...kinds.money, name: 'posted_debits', default: '0' },
        postedCredits: { ...kinds.money, name: 'posted_credits', default: '0' },
        heldDebits: { ...kinds.money, name: 'held_debits', default: '0' },
        heldCredits: { ...kinds.money, name: 'held_credits', default: '0' },
        version: { ...kinds.count, default: 0 },
        lastPostedAt: { ...kinds.time, name: 'last_posted_at', nullable: true },
        chainHash: { ...kinds.bytes, name: 'chain_hash', nullable: true },
        chainVersion: { ...kinds.count, name: 'chain_version', nullable: true },
        newestTransactionId: { ...kinds.id, name: 'newest_transaction_id', nullable: true },
        newestTransactionVersion: {
          ...kinds.count,
          name: 'newest_transaction_version',
          nullable: true,
        },
        createdAt: { ...kinds.time, name: 'created_at' },
      },
      uniques: [{ name: 'accounts_code_key', columns: ['ledgerId', 'code'] }],
      checks: [
        oneOf('accounts_account_type_check', 'account_type', accountTypes),
        oneOf('accounts_status_check', 'status', accountStatuses),
      ],
    }),
  }
}
