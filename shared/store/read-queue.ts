import type { Standing } from '../engine/posting-store.ts'
import type { QueueStanding, SlotBacklog } from '../engine/queue-store.ts'
import { slotCount } from '../engine/slot.ts'
import type { QueuePlace, TransactionRecord } from '../engine/transaction-record.ts'
import type { Page } from './ledger-store.ts'
import type { Reader, Statement } from './reader.ts'
import { holdChangeOf, standingTransactionOf, time, transactionOf } from './rows.ts'

/** One place in the queue and how many are before it in its slot, through `queued_transactions_pkey`. */
const placeInQueue: Statement = {
  name: 'place_in_queue',
  text: `select q.*, (select count(*) from queued_transactions b
                       where b.ledger_id = $1 and b.slot = $2 and b.sequence < $3) as ahead
           from queued_transactions q
          where q.ledger_id = $1 and q.slot = $2 and q.sequence = $3`,
}

/** What waits in each slot: one pass over the queue, which is narrow. */
const backlogBySlot: Statement = {
  name: 'backlog_by_slot',
  text: `select ledger_id, slot, count(*) as queued, count(parked_at) as parked,
                min(enqueued_at) as oldest_at
           from queued_transactions group by ledger_id, slot`,
}

const allLedgers: Statement = { name: 'all_ledgers', text: `select id from ledgers` }

/**
 * The slots of a ledger whose oldest row that may be drained has waited since before a time: one probe of
 * `queued_transactions_pkey` a slot, however long the queue is.
 */
const slotsWaitingSince: Statement = {
  name: 'slots_waiting_since',
  text: `with recursive slots (slot) as (
           select 0 union all select slot + 1 from slots where slot + 1 < ${slotCount}
         )
         select s.slot from slots s
          where (select q.enqueued_at from queued_transactions q
                  where q.ledger_id = $1 and q.slot = s.slot and q.parked_at is null
                    and not exists (select 1 from queued_transactions p
                                     where p.ledger_id = $1 and p.slot = s.slot
                                       and p.ordering_key = q.ordering_key
                                       and p.parked_at is not null and p.sequence < q.sequence)
                  order by q.sequence limit 1) <= $2`,
}

/** Parked transactions, newest first, through `queued_parked`. */
const parkedPage: Statement = {
  name: 'parked_page',
  text: `select t.* from queued_transactions q
           join transactions t on t.ledger_id = $1 and t.id = q.transaction_id
          where q.ledger_id = $1 and q.parked_at is not null and q.transaction_id < $2
          order by q.transaction_id desc limit $3`,
}

/** The transaction under a key, through `transactions_idempotency_key`. */
const byKey: Statement = {
  name: 'transaction_by_key',
  text: `select id, idempotency_key, fingerprint, status from transactions
          where ledger_id = $1 and idempotency_key = $2`,
}

/** The change of a hold under a key, through `hold_changes_idempotency_key`. */
const changeByKey: Statement = {
  name: 'hold_change_by_key',
  text: `select * from hold_changes where ledger_id = $1 and idempotency_key = $2`,
}

/** How far a queued transaction has come; undefined when it is not queued. One round trip. */
export async function queueStanding(
  reader: Reader,
  ledgerId: number,
  place: QueuePlace,
): Promise<QueueStanding | undefined> {
  const [row] = await reader.rows(placeInQueue, [ledgerId, place.slot, place.sequence])
  if (row === undefined) return undefined
  return {
    ahead: Number(row['ahead']),
    enqueuedAt: time(row['enqueued_at']) ?? 0,
    attempts: row['attempts'] as number,
    lastError: row['last_error'] as string | null,
    parkedAt: time(row['parked_at']),
    parkedReason: row['parked_reason'] as string | null,
    batchId: row['batch_id'] as string | null,
  }
}

/** What waits, by slot. One pass over the whole queue: 0.1 s for a million rows. */
export async function backlog(reader: Reader): Promise<SlotBacklog[]> {
  const rows = await reader.rows(backlogBySlot, [])
  return rows.map((row) => ({
    ledgerId: row['ledger_id'] as number,
    slot: row['slot'] as number,
    queued: Number(row['queued']),
    parked: Number(row['parked']),
    oldestAt: time(row['oldest_at']) ?? 0,
  }))
}

/** The ids of all ledgers. One round trip. */
export async function ledgerIds(reader: Reader): Promise<number[]> {
  const rows = await reader.rows(allLedgers, [])
  return rows.map((row) => row['id'] as number)
}

/** The slots that have had work waiting for `ageMs` or longer, by ledger. One round trip a ledger. */
export async function slotsWaiting(
  reader: Reader,
  ageMs: number,
): Promise<{ ledgerId: number; slots: number[] }[]> {
  const since = reader.timeParameter(Date.now() - ageMs)
  const waiting: { ledgerId: number; slots: number[] }[] = []
  for (const id of await ledgerIds(reader)) {
    const rows = await reader.rows(slotsWaitingSince, [id, since])
    if (rows.length > 0)
      waiting.push({ ledgerId: id, slots: rows.map((row) => row['slot'] as number) })
  }
  return waiting
}

const lastUuid = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** One page of parked transactions, newest first. */
export async function listParked(
  reader: Reader,
  ledgerId: number,
  page: Page<string>,
): Promise<TransactionRecord[]> {
  const rows = await reader.rows(parkedPage, [ledgerId, page.before ?? lastUuid, page.size])
  return rows.map((row) => transactionOf(row, []))
}

/** Those of these transactions that have ended, by ledger through `transactions_pkey`. One round trip a ledger. */
export async function endedAmong(
  reader: Reader,
  wanted: readonly { ledgerId: number; id: string }[],
): Promise<string[]> {
  const ended: string[] = []
  for (const [ledgerId, ids] of byLedger(wanted)) {
    const places = ids.map((_, index) => `$${index + 2}`).join(', ')
    const text = `select id from transactions
                   where ledger_id = $1 and id in (${places}) and status <> 'queued'`
    const rows = await reader.rows({ name: 'ended_among', text }, [ledgerId, ...ids])
    ended.push(...rows.map((row) => row['id'] as string))
  }
  return ended
}

/** The transaction, or else the change of a hold, that stands under a key. One round trip, or two. */
export async function findByKey(
  reader: Reader,
  ledgerId: number,
  idempotencyKey: string,
): Promise<Standing | undefined> {
  const [row] = await reader.rows(byKey, [ledgerId, idempotencyKey])
  if (row !== undefined) return standingTransactionOf(row)
  const [change] = await reader.rows(changeByKey, [ledgerId, idempotencyKey])
  return change === undefined ? undefined : holdChangeOf(change)
}

function byLedger(
  wanted: readonly { ledgerId: number; id: string }[],
): ReadonlyMap<number, readonly string[]> {
  const ids = new Map<number, string[]>()
  for (const { ledgerId, id } of wanted) ids.set(ledgerId, [...(ids.get(ledgerId) ?? []), id])
  return ids
}
