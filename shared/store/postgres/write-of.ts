import { eventsOf } from '../../engine/event.ts'
import type { BatchWrites } from '../../engine/posting-store.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import { isSpecial } from '../stored-columns.ts'
import type { Write } from './commit.ts'
import type { Prepared } from './posting-connection.ts'
import { writeBatch, writeBatchIfAgreed, writeBatchParameters } from './write-batch.ts'
import {
  writeMixedBatch,
  writeMixedBatchIfAgreed,
  writeMixedBatchParameters,
} from './write-mixed-batch.ts'

/** The statement that writes a decided batch, whose targets stood as given before; undefined when there is nothing to write. */
export function writeOf(
  ledgerId: number,
  writes: BatchWrites,
  targetsBefore: readonly TransactionRecord[],
): Write | undefined {
  return write(ledgerId, writes, targetsBefore, { plain: writeBatch, mixed: writeMixedBatch })
}

/** The same for a batch without targets that was decided before its accounts were locked: it writes if `agree` has said so. */
export function writeIfAgreedOf(ledgerId: number, writes: BatchWrites): Write | undefined {
  return write(ledgerId, writes, [], {
    plain: writeBatchIfAgreed,
    mixed: writeMixedBatchIfAgreed,
  })
}

function write(
  ledgerId: number,
  writes: BatchWrites,
  targetsBefore: readonly TransactionRecord[],
  statements: { readonly plain: Prepared; readonly mixed: Prepared },
): Write | undefined {
  const { transactions, targets, holdChanges } = writes
  const events = eventsOf(transactions, targets, targetsBefore)
  if (targets.length > 0 || holdChanges.length > 0 || transactions.some(isSpecial)) {
    return {
      statement: statements.mixed,
      parameters: writeMixedBatchParameters(ledgerId, writes, events),
    }
  }
  return transactions.length === 0
    ? undefined
    : { statement: statements.plain, parameters: writeBatchParameters(ledgerId, writes, events) }
}
