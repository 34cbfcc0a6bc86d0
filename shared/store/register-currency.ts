import type { Witness } from '../engine/audit-record.ts'
import type { Currency } from '../ledger/currency.ts'
import { recordSteps } from './audit-log.ts'
import type { QueueAccess } from './change-queue.ts'
import { insertUnlessTaken } from './insert-unless-taken.ts'
import type { Statement } from './reader.ts'

const insertCurrency: Statement = {
  name: 'insert_currency',
  text: `insert into currencies (ledger_id, code, exponent, created_at)
         values ($1, $2, $3, $4) on conflict do nothing returning code`,
}

/**
 * Registers a currency, with the record of who asked for it in the same database transaction; false when the ledger has one of this
 * code already. Rejects with `StoreFailure`.
 */
export function registerCurrency(
  access: QueueAccess,
  ledgerId: number,
  { code, exponent }: Currency,
  { createdAt, witness }: { readonly createdAt: number; readonly witness?: Witness | undefined },
): Promise<boolean> {
  const parameters = [ledgerId, code, exponent, access.timeParameter(createdAt)]
  const record = witness?.({ kind: 'currency', id: code, end: 'done' })
  return insertUnlessTaken(access, [
    { statement: insertCurrency, parameters },
    ...recordSteps(record),
  ])
}
