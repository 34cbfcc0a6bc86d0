import { z } from 'zod'
import { targetOf } from '../engine/target-of.ts'
import type { TransactionRecord } from '../engine/transaction-record.ts'
import { sumOfSide } from '../ledger/part-of-target.ts'
import { formatMinorUnits, type MinorUnits } from '../ledger/money.ts'
import { isHoldStatus } from '../ledger/transaction.ts'
import { timeJson } from './fields.ts'

const decimal = z.string().meta({ example: '125.00' })

/** What is set aside and what has become of it. */
export const holdBlockSchema = z
  .strictObject({
    expires_at: z.iso.datetime().nullable(),
    amount: decimal.nullable(),
    captured_amount: decimal.nullable(),
    remaining_amount: decimal.nullable(),
  })
  .meta({
    id: 'Hold',
    description:
      'The sums of one side. They are null where one figure cannot say it: over several currencies, and of a hold that was ' +
      'refused. `remaining_amount` is what is still set aside: nothing, once the hold has ended.',
  })

/** Writes the hold of a transaction that is one, or is to become one; undefined for any other. */
export function holdBlock(
  transaction: TransactionRecord,
): z.input<typeof holdBlockSchema> | undefined {
  const { wish, status, expiresAt, currencies, exponent } = transaction
  if (wish?.kind !== 'hold') return undefined
  const wished = 'expiresAt' in wish.terms ? wish.terms.expiresAt : null
  const ends = expiresAt ?? wished
  const expires_at = ends === null ? null : timeJson(ends)
  if (status === 'failed' || currencies !== null || exponent === null) {
    return { expires_at, amount: null, captured_amount: null, remaining_amount: null }
  }
  const target = targetOf(transaction)
  const amount = sumOfSide(
    target,
    target.entries.map((entry) => entry.amount),
    'debit',
  )
  const captured = sumOfSide(target, target.resolved, 'debit')
  const isOpen = status === 'held' || status === 'queued'
  const remaining = (isOpen ? amount - captured : 0n) as MinorUnits
  const decimalOf = (units: MinorUnits) => formatMinorUnits(units, exponent)
  return {
    expires_at,
    amount: decimalOf(amount),
    captured_amount: decimalOf(captured),
    remaining_amount: decimalOf(remaining),
  }
}

/** How much of a posted transaction has been reversed; undefined when nothing is, or one figure cannot say it. */
export function reversedAmount(transaction: TransactionRecord): string | undefined {
  const { status, resolved, currencies, exponent } = transaction
  if (status !== 'posted' || resolved === null || currencies !== null || exponent === null) {
    return undefined
  }
  return formatMinorUnits(sumOfSide(targetOf(transaction), resolved, 'debit'), exponent)
}

/** What has become of one entry, by its position: captured of a hold, reversed of a posted transaction if anything is. */
export function resolvedOfEntry(
  { status, resolved }: TransactionRecord,
  position: number,
  exponent: number,
): { captured_amount: string } | { reversed_amount: string } | undefined {
  const amount = formatMinorUnits(resolved?.[position] ?? (0n as MinorUnits), exponent)
  if (isHoldStatus(status)) return { captured_amount: amount }
  return status === 'posted' && resolved !== null ? { reversed_amount: amount } : undefined
}
