import type { Direction } from '../../ledger/account.ts'
import type { MinorUnits } from '../../ledger/money.ts'
import type { ColumnKinds } from '../dialect.ts'
import { schema } from './entity-schema.ts'

/** An entry that takes effect at another time than it was posted, as a trigger notes it beside the entry itself. */
export interface DatedEntryRow {
  ledgerId: number
  accountId: string
  accountVersion: number
  effectiveAt: number
  postedAt: number
  direction: Direction
  amount: MinorUnits
}

/** One name and value of a transaction's metadata, as a trigger notes it for whoever searches. */
export interface TransactionMetadataRow {
  ledgerId: number
  name: string
  value: string
  transactionId: string
}

/** One name and value of an account's metadata. */
export interface AccountMetadataRow {
  ledgerId: number
  name: string
  value: string
  accountId: string
}

/** An account that a transaction without entries names, one that failed for instance. */
export interface UnpostedAccountRow {
  ledgerId: number
  accountId: string
  transactionId: string
}

/** The tables beside the books, which triggers fill. */
export function searchEntities(kinds: ColumnKinds) {
  const key = { type: 'text', primary: true } as const
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  const accountId = { ...kinds.id, name: 'account_id', primary: true }
  const transactionId = { ...kinds.id, name: 'transaction_id', primary: true }
  return {
    datedEntries: schema<DatedEntryRow>({
      name: 'dated_entries',
      columns: {
        ledgerId,
        accountId,
        accountVersion: { ...kinds.count, name: 'account_version', primary: true },
        effectiveAt: { ...kinds.time, name: 'effective_at' },
        postedAt: { ...kinds.time, name: 'posted_at' },
        direction: { type: 'text' },
        amount: kinds.money,
      },
      indices: [
        {
          name: 'dated_entries_of_account',
          columns: ['ledgerId', 'accountId', 'effectiveAt', 'accountVersion'],
        },
        {
          name: 'dated_entries_posted',
          columns: ['ledgerId', 'postedAt', 'accountId', 'accountVersion'],
        },
        {
          name: 'dated_entries_effective',
          columns: ['ledgerId', 'effectiveAt', 'accountId', 'accountVersion'],
        },
      ],
    }),
    transactionMetadata: schema<TransactionMetadataRow>({
      name: 'transaction_metadata',
      columns: { ledgerId, name: key, value: key, transactionId },
    }),
    accountMetadata: schema<AccountMetadataRow>({
      name: 'account_metadata',
      columns: { ledgerId, name: key, value: key, accountId },
      indices: [{ name: 'account_metadata_of_account', columns: ['ledgerId', 'accountId'] }],
    }),
    unpostedAccounts: schema<UnpostedAccountRow>({
      name: 'unposted_accounts',
      columns: { ledgerId, accountId, transactionId },
    }),
  }
}
