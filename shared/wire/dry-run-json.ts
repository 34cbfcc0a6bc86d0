import { z } from 'zod'
import type { TransactionRecord } from '../engine/transaction-record.ts'
import type { LockedAccount } from '../ledger/account.ts'
import { balanceJson, balanceJsonSchema, exampleBalance } from './account-json.ts'
import { exampleTransaction, transactionJson, transactionJsonSchema } from './transaction-json.ts'

/** What a transaction would be, and what it would leave. */
export const dryRunJsonSchema = transactionJsonSchema
  .extend({
    dry_run: z.literal(true),
    balances: z
      .array(balanceJsonSchema)
      .meta({ description: 'Of each account that it touches, in the order of its entries.' }),
  })
  .meta({
    id: 'DryRun',
    description:
      'A transaction as it would be, with the balances that it would leave. Its id is the name of nothing.',
    examples: [{ ...exampleTransaction, dry_run: true, balances: [exampleBalance] }],
  })
export type DryRunJson = z.input<typeof dryRunJsonSchema>

/** Writes a transaction that would be posted or held, with the accounts as they would stand. */
export function dryRunJson(
  transaction: TransactionRecord,
  accounts: readonly LockedAccount[],
): DryRunJson {
  const byId = new Map(accounts.map((account) => [account.id, account]))
  const touched = new Set(transaction.requestedEntries.map(({ accountId }) => accountId))
  for (const { accountId } of transaction.entries) touched.add(accountId)
  const balances = [...touched].flatMap((id) => {
    const account = byId.get(id)
    return account === undefined ? [] : balanceJson(account, transaction.createdAt)
  })
  return { ...transactionJson(transaction), dry_run: true, balances }
}
