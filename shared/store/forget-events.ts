import type { EventReader } from './read-events.ts'
import type { Statement } from './reader.ts'
import type { Step, Writer } from './writer.ts'

/** The last of the oldest events before the first that was told at a time or later, along `events_pkey`. No lock. */
const lastForgotten: Statement = {
  name: 'last_forgotten',
  text: `with oldest as (
           select position, created_at from events where ledger_id = $1 order by position limit $3
         )
         select max(position) as position from oldest
          where not exists (select 1 from oldest kept
                             where kept.created_at >= $2 and kept.position <= oldest.position)`,
}

/** Notes how far the events of a ledger are forgotten, through `pruned_events_pkey`. */
const noteForgotten: Statement = {
  name: 'note_forgotten',
  text: `insert into pruned_events (ledger_id, position) values ($1, $2)
         on conflict (ledger_id) do update set position = excluded.position
          where pruned_events.position < excluded.position
         returning position`,
}

/** Through `events_pkey`. */
const forget: Statement = {
  name: 'forget_events',
  text: `delete from events where ledger_id = $1 and position <= $2 returning position`,
}

/**
 * Forgets the oldest events of a ledger that were told before `before` (ms since 1970), up to `size`; gives how many. That they are
 * forgotten is noted by the same database transaction: nobody reads past them without hearing of it.
 */
export async function forgetEvents(
  access: EventReader & Writer,
  ledgerId: number,
  before: number,
  size: number,
): Promise<number> {
  const [row] = await access.rows(lastForgotten, [ledgerId, access.timeParameter(before), size])
  const last = row?.['position'] as string | number | null | undefined
  if (last === null || last === undefined) return 0
  const parameters = [ledgerId, String(last)]
  const steps: Step[] = [
    { statement: noteForgotten, parameters },
    { statement: forget, parameters },
  ]
  const forgotten = await access.apply(steps)
  return forgotten?.length ?? 0
}
