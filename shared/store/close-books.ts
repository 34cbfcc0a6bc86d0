import type { Witness } from '../engine/audit-record.ts'
import { StoreFailure } from '../engine/store-failure.ts'
import { recordSteps } from './audit-log.ts'
import type { BooksClock } from './books-clock.ts'
import type { BooksClosing } from './ledger-store.ts'
import type { Reader, Statement } from './reader.ts'
import type { Writer } from './writer.ts'

/** Moves the closing time forward, through `ledgers_pkey`; waits for batches that were judged by the time before. */
const moveClosing: Statement = {
  name: 'close_books',
  text: `update ledgers set books_closed_until = $2
          where id = $1 and (books_closed_until is null or books_closed_until <= $2) returning id`,
}

/**
 * Closes a ledger's books: once this resolves, nothing can take effect at or before `until` (ms since 1970) any more, in
 * whichever process it is posted.
 *
 * What names an effective time is judged under a lock on the closing time. What names none takes effect when it is posted,
 * reads no closing time and pays nothing for this: instead the books are closed for the past only, and those who were
 * writing at that moment, perhaps by a clock they read before it, are waited for. Rejects with `StoreFailure`, `unknown`
 * when they took too long: closing again is safe.
 */
export async function closeBooks(
  access: Reader & Writer & BooksClock,
  ledgerId: number,
  until: number,
  witness?: Witness,
): Promise<BooksClosing> {
  if (until > (await access.now())) return 'ahead'
  const parameters = [ledgerId, access.timeParameter(until)]
  const record = witness?.({ kind: 'ledger', id: await nameOf(access, ledgerId), end: 'done' })
  const steps = [{ statement: moveClosing, parameters }, ...recordSteps(record)]
  const moved = await access.apply(steps)
  if (moved === undefined) return 'earlier'
  await access.settle(until).catch((error: unknown) => {
    throw new StoreFailure('unknown', error)
  })
  return 'closed'
}

const ledgerName: Statement = {
  name: 'ledger_name',
  text: `select name from ledgers where id = $1`,
}

async function nameOf(reader: Reader, ledgerId: number): Promise<string> {
  const [row] = await reader.rows(ledgerName, [ledgerId])
  return row === undefined ? '' : (row['name'] as string)
}
