import { eventsOf } from '../../engine/event.ts'
import type { DrainDecider, DrainOrder, DrainRest, DrainWrites } from '../../engine/queue-store.ts'
import type { TransactionRecord } from '../../engine/transaction-record.ts'
import { currenciesText, isSpecial, resolvedText } from '../stored-columns.ts'
import { jsonText, plainArray } from './array-text.ts'
import { commitWith, type Write } from './commit.ts'
import type { DrainFloors } from './drain-floors.ts'
import { findStanding, standingOf } from './find-standing.ts'
import { lockAccounts, lockedAccountsOf } from './lock-accounts.ts'
import { lockClosingOn } from './lock-closing.ts'
import { lockTargetsOn } from './lock-targets.ts'
import { movementParameters, movementParametersCount, moveMoney } from './move-money.ts'
import {
  movementAndHoldParameters,
  moveMoneyAndHolds,
  movementAndHoldParametersCount,
  timeOrNull,
} from './move-money-and-holds.ts'
import type { Prepared, PostingConnection } from './posting-connection.ts'
import { eventParameters, tellEvents } from './tell-events.ts'
import { storeFailureOf } from './sqlstate.ts'
import { takeOldestRows, takeTheseRows } from './take-rows.ts'

/**
 * Writes how a drain ended its transactions (each probed by itself: as a join it was planned, on an empty table, as a walk
 * over the whole ledger a row, and kept that plan), with their entries and the accounts' new totals. Through
 * `transactions_pkey`; no index of `transactions` but the partial ones over ends is touched.
 */
const writeDrained: Prepared = {
  name: 'write_drained',
  text: `with ended as (
           update transactions t
              set status = e.status,
                  posted_at = case e.status when 'posted' then $2::timestamptz end,
                  failed_at = case e.status when 'failed' then $2::timestamptz end,
                  failure = e.failure,
                  requested_entries = case e.status when 'failed' then t.requested_entries end
             from (
               select row.place, ends.status, ends.failure
                 from unnest($20::uuid[], $21::text[], $22::json[]) as ends (id, status, failure)
                cross join lateral (
                  select ctid as place from transactions
                   where ledger_id = $1 and id = ends.id and status = 'queued' limit 1
                ) row
             ) e
            where t.ctid = e.place
         ), ${tellEvents(movementParametersCount + 4)}, ${moveMoney()}`,
}

/** The same for a drain in which money is set aside or released, or something is captured or reversed. */
const writeMixedDrained: Prepared = {
  name: 'write_mixed_drained',
  text: `with ended as (
           update transactions t
              set status = e.status,
                  posted_at = case e.status when 'posted' then $2::timestamptz end,
                  failed_at = case e.status when 'failed' then $2::timestamptz end,
                  held_at = case when e.expires_at is not null then $2::timestamptz end,
                  failure = e.failure, currencies = e.currencies, expires_at = e.expires_at,
                  resolved_entries = e.resolved_entries, resolved_at = e.resolved_at,
                  requested_entries = case when e.status <> 'posted' then t.requested_entries end
             from (
               select row.place, ends.*
                 from unnest(${end(1)}::uuid[], ${end(2)}::text[], ${end(3)}::json[], ${end(4)}::json[],
                             ${end(5)}::timestamptz[], ${end(6)}::json[], ${end(7)}::timestamptz[])
                        as ends (id, status, failure, currencies, expires_at, resolved_entries,
                                 resolved_at)
                cross join lateral (
                  select ctid as place from transactions
                   where ledger_id = $1 and id = ends.id and status = 'queued' limit 1
                ) row
             ) e
            where t.ctid = e.place
         ), ${tellEvents(movementAndHoldParametersCount + 8)}, ${moveMoneyAndHolds()}`,
}

function end(place: number): string {
  return `$${movementAndHoldParametersCount + place}`
}

/**
 * Runs one drain as one database transaction, in four round trips, or five when something of it is about other transactions. Rejects
 * with `StoreFailure`, or what the decider throws.
 */
export async function drainOn(
  connection: PostingConnection,
  order: DrainOrder,
  decider: DrainDecider,
  floors: DrainFloors,
): Promise<DrainRest> {
  const { ledgerId } = order
  const before = <Result>(work: Promise<Result>) =>
    work.catch((error: unknown): never => {
      throw storeFailureOf(error, 'before_commit')
    })

  const { taken, ...rest } =
    'places' in order
      ? await before(takeTheseRows(connection, ledgerId, order.places))
      : await before(takeOldestRows(connection, ledgerId, order.slots, floors))
  if (taken.length === 0) {
    await commitWith(connection, undefined)
    return rest
  }
  const targetIds = decider.targetsOf(taken)
  const targets = await before(lockTargetsOn(connection, ledgerId, targetIds))
  const accountIds = decider.accountsOf(taken, targets)
  const [booksClosedUntil, locked, found] = await before(
    Promise.all(
      connection.together(
        () =>
          [
            lockClosingOn(connection, ledgerId, decider.closingMatters(taken)),
            connection.sendPrepared(lockAccounts, [ledgerId, `{${accountIds.join(',')}}`]),
            connection.sendPrepared(findStanding, [ledgerId, [], '{}']),
          ] as const,
      ),
    ),
  )
  const { now } = standingOf(found.rows)
  const accounts = lockedAccountsOf(locked.rows)
  const writes = decider.decide({ now, accounts, targets, taken, booksClosedUntil })
  await commitWith(connection, writeOf(ledgerId, writes, targets))
  return rest
}

function writeOf(
  ledgerId: number,
  writes: DrainWrites,
  targetsBefore: readonly TransactionRecord[],
): Write {
  const { ended, targets } = writes
  const events = eventParameters(eventsOf(ended, targets, targetsBefore))
  const ends = [
    plainArray(ended, (t: TransactionRecord) => t.id),
    plainArray(ended, (t: TransactionRecord) => t.status),
    ended.map((t) => jsonText(t.failure)),
  ]
  if (!ended.some(isSpecial)) {
    const parameters = [...movementParameters(ledgerId, ended, writes), ...ends, ...events]
    return { statement: writeDrained, parameters }
  }
  return {
    statement: writeMixedDrained,
    parameters: [
      ...movementAndHoldParameters(ledgerId, ended, writes),
      ...ends,
      ended.map(currenciesText),
      plainArray(ended, (t: TransactionRecord) => timeOrNull(t.expiresAt)),
      ended.map(resolvedText),
      plainArray(ended, (t: TransactionRecord) => timeOrNull(t.resolvedAt)),
      ...events,
    ],
  }
}
