import type { DrainRest, TakenTransaction } from '../../engine/queue-store.ts'
import { StoreFailure } from '../../engine/store-failure.ts'
import { traced } from '../../engine/traced.ts'
import { transactionOf, type Row } from '../rows.ts'
import { plainArray } from './array-text.ts'
import type { DrainFloors } from './drain-floors.ts'
import type { Prepared, PostingConnection } from './posting-connection.ts'

/** The most rows of one drain; shared fairly among the slots taken, but a slot always gets some. */
export const rowsMax = 1000
const rowsOfSlotMin = 4

/** The most entries of one drain, unless a single row has more: its time is bounded, whatever the rows are. */
export const entriesMax = 5000

/** Our advisory locks, apart from those of others in the same database: "LF" above the ledger and the slot. */
const lockSpace = "(x'4c46'::bigint << 48)"

/**
 * Takes the advisory locks of those slots that have work, and says of each whether it is ours or somebody else is
 * draining it. They are held until the database transaction ends, also when its client dies. A statement of its own:
 * what the next one reads is newer than the locks, so that nothing is drained twice. One probe of
 * `queued_transactions_pkey` a slot, and one of `queued_parked`, as a range for the reason that `oneByKey` gives.
 */
export const takeSlots: Prepared = {
  name: 'take_slots',
  text: `with waiting as materialized (
           select wanted.slot
             from unnest($2::smallint[], $3::bigint[]) as wanted (slot, floor)
            cross join lateral (
              select 1 from queued_transactions q
               where q.ledger_id = $1 and q.slot = wanted.slot and q.sequence > wanted.floor
                 and q.parked_at is null
               order by q.sequence limit 1
            ) oldest
         )
         select waiting.slot,
                pg_try_advisory_xact_lock(${lockSpace} | ($1::bigint << 16) | waiting.slot),
                (select true from queued_transactions p
                  where p.ledger_id = $1 and p.slot >= waiting.slot and p.slot <= waiting.slot
                    and p.parked_at is not null
                  order by p.slot, p.ordering_key limit 1) is not null
           from waiting`,
}

/**
 * What both ways of taking rows share: the row goes out of the queue, its transaction is read. By row address
 * alone: with a key beside it the delete was planned as a pass over the whole queue for each row taken.
 *
 * Whoever changes a row between our choice and our delete (a cancel, a parking, a noted attempt) makes the delete pass it over,
 * and those behind it would go first. So each row says whether all were taken that were chosen.
 */
const takeChosen = `
         ), gone as (
           delete from queued_transactions q
            where q.ctid = any (array(select row_id from chosen)) and q.parked_at is null
           returning q.slot, q.sequence, q.transaction_id, q.batch_id, q.deaths, q.traceparent
         )
         select t.*, gone.slot as taken_slot, gone.sequence as taken_sequence, gone.deaths,
                gone.batch_id as taken_batch, gone.traceparent,
                (select count(*) from chosen) = (select count(*) from gone) as whole
           from gone
          cross join lateral (
            select * from transactions
             where ledger_id = $1 and id = gone.transaction_id and status = 'queued' limit 1
          ) t
          order by gone.slot, gone.sequence`

/** A row whose ordering key has a parked row before it waits for that one. Through `queued_parked`, mostly empty; as a range, too. */
export const notBehindParked = (row: string) => `
              (select true from queued_transactions p
                where p.ledger_id = $1 and p.slot = ${row}.slot
                  and p.ordering_key >= ${row}.ordering_key and p.ordering_key <= ${row}.ordering_key
                  and p.parked_at is not null and p.sequence < ${row}.sequence
                order by p.ordering_key limit 1) is null`

/**
 * Takes the oldest rows of the locked slots, each slot's first before anybody's second. The delete is what decides between us and a cancel: whoever is first has the
 * row, the other finds none. Through `queued_transactions_pkey` and `transactions_pkey`.
 */
const takeOldest: Prepared = {
  name: 'take_oldest',
  text: `with chosen as materialized (
           select ranked.row_id
             from (
               select oldest.*, sum(oldest.entry_count) over (order by oldest.rank, oldest.slot) as entries
                 from unnest($2::smallint[], $3::bigint[]) as wanted (slot, floor)
                cross join lateral (
                  select q.ctid as row_id, q.slot, q.entry_count,
                         row_number() over (order by q.sequence) as rank
                    from queued_transactions q
                   where q.ledger_id = $1 and q.slot = wanted.slot and q.sequence > wanted.floor
                     and q.parked_at is null and ${notBehindParked('q')}
                   order by q.sequence limit $4::integer
                ) oldest
             ) ranked
            where ranked.entries - ranked.entry_count < ${entriesMax}
            order by ranked.rank, ranked.slot
            limit ${rowsMax}${takeChosen}`,
}

/** Takes exactly these rows, as far as they are still there: for halving a batch. The same indexes. */
const takePlaces: Prepared = {
  name: 'take_places',
  text: `with chosen as materialized (
           select q.row_id
             from unnest($2::smallint[], $3::bigint[]) as wanted (slot, sequence)
            cross join lateral (
              select q.ctid as row_id from queued_transactions q
               where q.ledger_id = $1 and q.slot = wanted.slot and q.sequence = wanted.sequence
                 and q.parked_at is null and ${notBehindParked('q')}
               limit 1
            ) q${takeChosen}`,
}

/**
 * The transactions of atomic batches whose places are taken: their own ones, not those that stood under a key before. Through
 * `batch_members_pkey` and `transactions_pkey`; what is queued belongs to who has its place.
 */
const membersOfBatches: Prepared = {
  name: 'members_of_batches',
  text: `select t.*, m.batch_id as taken_batch, m.position as taken_position
           from unnest($2::uuid[]) as wanted (batch_id)
          cross join lateral (
            select batch_id, position, transaction_id from batch_members
             where ledger_id = $1 and batch_id = wanted.batch_id
               and transaction_id is not null and replayed = 0
             order by position
          ) m
          cross join lateral (
            select * from transactions
             where ledger_id = $1 and id = m.transaction_id and status = 'queued' limit 1
          ) t
          order by m.batch_id, m.position`,
}

/** Takes the locks of some slots without asking for work in them. */
const lockSlots: Prepared = {
  name: 'lock_slots',
  text: `select wanted.slot from unnest($2::smallint[]) as wanted (slot)
          where pg_try_advisory_xact_lock(${lockSpace} | ($1::bigint << 16) | wanted.slot)`,
}

/** What was taken, and what was left. */
export interface TakenRows extends DrainRest {
  readonly taken: readonly TakenTransaction[]
}

/**
 * Begins a database transaction and takes the oldest rows of those wanted slots that nobody else is draining, in two round trips.
 * Where somebody has come between, nothing is taken, and it is rolled back.
 */
export async function takeOldestRows(
  connection: PostingConnection,
  ledgerId: number,
  wanted: readonly number[],
  floors: DrainFloors,
): Promise<TakenRows> {
  const floorOf = (slot: number) => floors.floorOf(ledgerId, slot)
  const [begun, locked] = connection.together(() => [
    connection.send('begin'),
    connection.sendPrepared(takeSlots, [
      ledgerId,
      plainArray(wanted, (slot) => slot),
      plainArray(wanted, floorOf),
    ]),
  ])
  await Promise.allSettled([begun, locked])
  await begun
  const waiting = (await locked).rows as [slot: number, ours: boolean, hasParked: boolean][]
  const rows = waiting.filter(([, ours]) => ours)
  const takenElsewhere = waiting.flatMap(([slot, ours]) => (ours ? [] : [slot]))
  if (rows.length === 0) return { taken: [], mayHaveMore: [], takenElsewhere, suspect: [] }
  const slots = rows.map(([slot]) => slot)
  const rowsOfSlot = rowsOfEachSlot(slots.length)
  const chosen = await connection.sendObjects(takeOldest, [
    ledgerId,
    plainArray(slots, (slot) => slot),
    plainArray(slots, floorOf),
    rowsOfSlot,
  ])
  const suspect = new Set(
    chosen.flatMap(({ deaths, taken_slot }) => (deaths === 0 ? [] : (taken_slot as number))),
  )
  if (!isWhole(chosen) || suspect.size > 0) {
    // Nothing is written yet: let them go, and take them anew as they are by now.
    await connection.send('rollback')
    const mayHaveMore = slots.filter((slot) => !suspect.has(slot))
    return { taken: [], mayHaveMore, takenElsewhere, suspect: [...suspect] }
  }
  const taken = await takenOf(connection, ledgerId, chosen)
  const entries = taken.reduce((sum, row) => sum + row.transaction.requestedEntries.length, 0)
  const full = taken.length >= rowsMax || entries >= entriesMax
  const mayHaveMore: number[] = []
  for (const [slot, , hasParked] of rows) {
    const own = taken.filter((row) => row.place.slot === slot)
    if (own.length >= rowsOfSlot || full) mayHaveMore.push(slot)
    const [oldest] = own
    if (!hasParked && oldest !== undefined) floors.seen(ledgerId, slot, oldest.place.sequence)
  }
  return { taken, mayHaveMore, takenElsewhere, suspect: [] }
}

/** How many rows one drain takes of a slot when it takes so many slots. */
export function rowsOfEachSlot(slots: number): number {
  return Math.max(rowsOfSlotMin, Math.floor(rowsMax / slots))
}

/**
 * Begins a database transaction and takes exactly these rows, as far as they are still there. Rejects with `rows_taken` where somebody
 * else is at them.
 */
export async function takeTheseRows(
  connection: PostingConnection,
  ledgerId: number,
  places: readonly { slot: number; sequence: number }[],
): Promise<TakenRows> {
  const wanted = [...new Set(places.map((place) => place.slot))]
  const [begun, locked] = connection.together(() => [
    connection.send('begin'),
    connection.sendPrepared(lockSlots, [ledgerId, plainArray(wanted, (slot) => slot)]),
  ])
  await Promise.allSettled([begun, locked])
  await begun
  const ours = new Set((await locked).rows.map(([slot]) => slot as number))
  // The second half must not be taken while somebody else has the first.
  if (ours.size < wanted.length) throw takenElsewhere()
  const rows = await connection.sendObjects(takePlaces, [
    ledgerId,
    plainArray(places, (place) => place.slot),
    plainArray(places, (place) => place.sequence),
  ])
  if (!isWhole(rows)) throw takenElsewhere()
  const taken = await takenOf(connection, ledgerId, rows)
  return { taken, mayHaveMore: [], takenElsewhere: [], suspect: [] }
}

/** Whether all rows were taken that were chosen; where none was, none can have passed another. */
function isWhole([first]: readonly Row[]): boolean {
  return first === undefined || first['whole'] === true
}

function takenElsewhere(): StoreFailure {
  const cause = new Error('somebody else is at these rows of the queue')
  return new StoreFailure('not_done', cause, { code: 'rows_taken' })
}

/** What stands at the places taken. One round trip more when one of them is an atomic batch's. */
async function takenOf(
  connection: PostingConnection,
  ledgerId: number,
  rows: readonly Row[],
): Promise<TakenTransaction[]> {
  const batchIds = rows.flatMap((row) => (row['taken_batch'] as string | null) ?? [])
  const members = new Map(batchIds.map((id) => [id, [] as Row[]]))
  if (batchIds.length > 0) {
    const found = await connection.sendObjects(membersOfBatches, [
      ledgerId,
      `{${batchIds.join(',')}}`,
    ])
    for (const row of found) members.get(row['taken_batch'] as string)?.push(row)
  }
  return rows.flatMap((row): TakenTransaction | TakenTransaction[] => {
    const place = { slot: row['taken_slot'] as number, sequence: Number(row['taken_sequence']) }
    const batchId = row['taken_batch'] as string | null
    const traceparent = row['traceparent'] as string | null
    if (batchId === null) {
      const transaction = traced(transactionOf(row, []), traceparent)
      return { transaction, place, batchId, position: null }
    }
    return (members.get(batchId) ?? []).map((member) => ({
      transaction: traced(transactionOf(member, []), traceparent),
      place,
      batchId,
      position: member['taken_position'] as number,
    }))
  })
}
