import type { NewEvent } from '../../engine/event.ts'
import type { Statement } from '../reader.ts'
import type { Happening, Step } from '../writer.ts'
import { jsonText, plainArray } from './array-text.ts'

/** How many events one database transaction can tell: the bits of a position behind its xid. */
const rankBits = 20

/**
 * The position before the first event of this database transaction. Its xid is the 64-bit one, which never begins anew within a cluster.
 *
 * Source: PostgreSQL, "Transaction ID and Snapshot Information Functions".
 */
const beforeFirst = `(select (pg_current_xact_id()::text::bigint + base) << ${rankBits}
                        from event_numbering where id = 1)`

/**
 * The first position at which an event may still appear: that of the oldest database transaction under way. Whoever numbers by a
 * sequence has numbers that were taken early and appear late; of these xids all below the oldest under way have ended, so that
 * what a reader passes is complete. To be read in the statement that reads the events: in its snapshot.
 */
export const settledPosition = `(select (pg_snapshot_xmin(pg_current_snapshot())::text::bigint + base) << ${rankBits}
                                   from event_numbering where id = 1)`

/**
 * The part of a writing statement that tells its events, in the order given. Parameters 1 and 2 are the ledger and the time; its own
 * begin at `first`. Inserts probe `events_pkey`, at its end. `condition`: as that of `moveMoney`.
 */
export function tellEvents(first: number, condition = ''): string {
  return `told as (
           insert into events (ledger_id, position, type, subject_id, created_at, details)
           select $1::integer, ${beforeFirst} + e.rank, e.type, e.subject_id, $2::timestamptz, e.details
             from unnest($${first}::text[], $${first + 1}::uuid[], $${first + 2}::json[])
                    with ordinality as e (type, subject_id, details, rank)
             ${condition}
         )`
}

/** The parameters of `tellEvents`. */
export function eventParameters(events: readonly NewEvent[]): unknown[] {
  return [
    plainArray(events, (event) => event.type),
    plainArray(events, (event) => event.subjectId),
    events.map((event) => jsonText(event.details)),
  ]
}

const tellOne: Statement = {
  name: 'tell_one',
  text: `insert into events (ledger_id, position, type, subject_id, created_at)
         values ($1, ${beforeFirst} + $2::integer, $3, $4, $5) returning position`,
}

/** The step by which a small database transaction tells what it did; `rank` is 1 for the first, 2 for the second … */
export function tellingStep({ ledgerId, type, subjectId, at }: Happening, rank: number): Step {
  return { statement: tellOne, parameters: [ledgerId, rank, type, subjectId, at] }
}
