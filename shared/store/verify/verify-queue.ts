import type { Statement } from '../reader.ts'
import type { Differences } from './differences.ts'
import type { Pace } from './pace.ts'
import type { VerifyingReader } from './verifying-reader.ts'

/** Rows of one short read. */
const placesPerRead = 2000

/** A slot that no other one comes before; a column of two bytes. */
const beforeSlots = -32_768

/**
 * Places in the queue in their order, through `queued_transactions_pkey`, each with its transaction as it stands at the
 * same instant, through `transactions_pkey`. No lock.
 */
const placePage: Statement = {
  name: 'verify_queue',
  text: `select q.slot, q.sequence, q.transaction_id, t.status,
                t.slot as own_slot, t.sequence as own_sequence
           from queued_transactions q
           left join transactions t on t.ledger_id = q.ledger_id and t.id = q.transaction_id
          where q.ledger_id = $1 and (q.slot, q.sequence) > ($2, $3)
          order by q.slot, q.sequence limit $4`,
}

/**
 * Checks that every place in a ledger's queue is held by a queued transaction that names it; gives the number of places.
 * That every queued transaction has its place is checked where transactions are walked.
 */
export async function verifyQueue(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  pace: Pace,
): Promise<number> {
  let places = 0
  let from: readonly [number, number] = [beforeSlots, Number.MIN_SAFE_INTEGER]
  for (;;) {
    const rows = await pace(() => reader.rows(placePage, [ledgerId, ...from, placesPerRead]))
    for (const row of rows) {
      const place = `slot ${String(row['slot'])}, sequence ${String(row['sequence'])}`
      const subject = `transaction ${String(row['transaction_id'])}`
      const own = `slot ${String(row['own_slot'])}, sequence ${String(row['own_sequence'])}`
      if (row['status'] !== 'queued') {
        differences.add(ledgerId, subject, `is in the queue at ${place} and not queued`)
      } else if (own !== place) {
        differences.add(ledgerId, subject, `is in the queue at ${place} and says ${own}`)
      }
    }
    places += rows.length
    const end = rows.at(-1)
    if (end === undefined || rows.length < placesPerRead) return places
    from = [Number(end['slot']), Number(end['sequence'])]
  }
}
