import type { DrainRest, QueuedCandidate } from '../../engine/queue-store.ts'
import type { QueuePlace } from '../../engine/transaction-record.ts'
import { plainArray } from './array-text.ts'
import { commitWith } from './commit.ts'
import { entriesMax, notBehindParked, rowsMax, rowsOfEachSlot, takeSlots } from './take-rows.ts'
import type { DrainFloors } from './drain-floors.ts'
import type { Prepared, PostingConnection } from './posting-connection.ts'
import { storeFailureOf } from './sqlstate.ts'

/** The rows that one drain would take of the locked slots, in its order, left where they are. Through `queued_transactions_pkey`. */
const lookAtOldest: Prepared = {
  name: 'look_at_oldest',
  text: `select ranked.slot, ranked.sequence, ranked.transaction_id, ranked.ordering_key, ranked.deaths
           from (
             select oldest.*, sum(oldest.entry_count) over (order by oldest.rank, oldest.slot) as entries
               from unnest($2::smallint[], $3::bigint[]) as wanted (slot, floor)
              cross join lateral (
                select q.slot, q.sequence, q.transaction_id, q.ordering_key, q.deaths, q.entry_count,
                       row_number() over (order by q.sequence) as rank
                  from queued_transactions q
                 where q.ledger_id = $1 and q.slot = wanted.slot and q.sequence > wanted.floor
                   and q.parked_at is null and ${notBehindParked('q')}
                 order by q.sequence limit $4::integer
              ) oldest
           ) ranked
          where ranked.entries - ranked.entry_count < ${entriesMax}
          order by ranked.rank, ranked.slot
          limit ${rowsMax}`,
}

/** Counts deaths up or down, by row address after a probe of `queued_transactions_pkey` each; locks the rows. */
const addDeaths: Prepared = {
  name: 'add_deaths',
  text: `update queued_transactions q
            set deaths = greatest(0, q.deaths + $4::integer)
           from (
             select row.place
               from unnest($2::smallint[], $3::bigint[]) as marked (slot, sequence)
              cross join lateral (
                select ctid as place from queued_transactions
                 where ledger_id = $1 and slot = marked.slot and sequence = marked.sequence limit 1
              ) row
           ) found
          where q.ctid = found.place`,
}

/** Marks rows as being in hand, in four round trips. Rejects with `StoreFailure`, or what `choose` throws. */
export async function markInHandOn(
  connection: PostingConnection,
  { ledgerId, slots: wanted }: { readonly ledgerId: number; readonly slots: readonly number[] },
  choose: (candidates: readonly QueuedCandidate[]) => readonly QueuePlace[],
  floors: DrainFloors,
): Promise<DrainRest> {
  const floorOf = (slot: number) => floors.floorOf(ledgerId, slot)
  const { ours, takenElsewhere } = await locked(connection, ledgerId, wanted, floorOf)
  const rowsOfSlot = rowsOfEachSlot(ours.length)
  const rows =
    ours.length === 0
      ? []
      : await beforeCommit(
          connection.sendObjects(lookAtOldest, [
            ledgerId,
            plainArray(ours, (slot) => slot),
            plainArray(ours, floorOf),
            rowsOfSlot,
          ]),
        )
  const candidates = rows.map((row): QueuedCandidate => ({
    place: { slot: row['slot'] as number, sequence: Number(row['sequence']) },
    transactionId: row['transaction_id'] as string,
    orderingKey: row['ordering_key'] as string,
    deaths: row['deaths'] as number,
  }))
  const marked = choose(candidates)
  await commitWith(connection, marked.length === 0 ? undefined : adding(1, ledgerId, marked))
  const full = candidates.length >= rowsMax
  const mayHaveMore = ours.filter(
    (slot) => full || candidates.filter(({ place }) => place.slot === slot).length >= rowsOfSlot,
  )
  return { mayHaveMore, takenElsewhere, suspect: [] }
}

/** Takes marks back, of those rows that are still there. Rejects with `StoreFailure`. */
export async function unmarkInHandOn(
  connection: PostingConnection,
  ledgerId: number,
  places: readonly QueuePlace[],
): Promise<void> {
  await beforeCommit(connection.send('begin'))
  await commitWith(connection, adding(-1, ledgerId, places))
}

async function locked(
  connection: PostingConnection,
  ledgerId: number,
  wanted: readonly number[],
  floorOf: (slot: number) => number,
): Promise<{ ours: number[]; takenElsewhere: number[] }> {
  await beforeCommit(connection.send('begin'))
  const { rows } = await beforeCommit(
    connection.sendPrepared(takeSlots, [
      ledgerId,
      plainArray(wanted, (slot) => slot),
      plainArray(wanted, floorOf),
    ]),
  )
  const waiting = rows as [slot: number, ours: boolean][]
  return {
    ours: waiting.flatMap(([slot, ours]) => (ours ? slot : [])),
    takenElsewhere: waiting.flatMap(([slot, ours]) => (ours ? [] : slot)),
  }
}

function adding(deaths: 1 | -1, ledgerId: number, places: readonly QueuePlace[]) {
  return {
    statement: addDeaths,
    parameters: [
      ledgerId,
      plainArray(places, ({ slot }) => slot),
      plainArray(places, ({ sequence }) => sequence),
      deaths,
    ],
  }
}

function beforeCommit<Result>(work: Promise<Result>): Promise<Result> {
  return work.catch((error: unknown): never => {
    throw storeFailureOf(error, 'before_commit')
  })
}
