import type { AdministrativeSource } from '../data-source.ts'

/**
 * The greatest position that was ever given, of an event that is kept or forgotten, and whether the next database transaction will
 * give a smaller one. Through `events_pkey` backwards, one probe a ledger.
 */
const standing = `
  select newest.position,
         newest.position >> 20 >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint + n.base as behind
    from event_numbering n
   cross join (
     select max(told.position) as position
       from ledgers l
      cross join lateral (
        (select position from events where ledger_id = l.id order by position desc limit 1)
        union all select position from pruned_events where ledger_id = l.id
      ) told
   ) newest
   where n.id = 1`

/** Whoever writes an event waits for this lock, and reads the new base once it has it. */
const lock = `lock table events in share row exclusive mode`

const raise = `
  update event_numbering
     set base = ($1::bigint >> 20) + 1 - pg_current_xact_id()::text::bigint
   where id = 1`

/**
 * Sees to it that positions of events go on growing in a cluster whose xids are behind those of the cluster that the ledger comes from, as
 * after a restore of a dump: else new events would lie before old ones, and readers would never come to them. One round trip when
 * there is nothing to do, as always but then.
 */
export async function keepPositionsGrowing({ dataSource }: AdministrativeSource): Promise<void> {
  const [before] = await dataSource.query<{ behind: boolean | null }[]>(standing)
  if (before?.behind !== true) return
  await dataSource.transaction(async (db) => {
    await db.query(lock)
    const [now] = await db.query<{ position: string; behind: boolean | null }[]>(standing)
    if (now?.behind === true) await db.query(raise, [now.position])
  })
}
