import type { AccountRecord } from '../engine/account-record.ts'
import {
  accountEventTypes,
  type EventPosition,
  type EventType,
  type HoldDetails,
  type LedgerEvent,
} from '../engine/event.ts'
import type { EventPage, EventReads, LostPlace } from '../engine/event-store.ts'
import type { Metadata, TransactionRecord } from '../engine/transaction-record.ts'
import type { AccountStatus } from '../ledger/account.ts'
import type { Reader } from './reader.ts'
import { postedTo } from './read-transactions.ts'
import { json, money, time, type Row } from './rows.ts'

/** What events are read from: how far they are complete depends on the database. */
export interface EventReader extends Reader {
  /** SQL that gives the first position at which an event may still appear, to be asked in the statement that reads. */
  readonly settledPosition: string
}

/** The transactions and accounts that events are about. */
export interface Subjects {
  findTransactions(
    ledgerId: number,
    ids: readonly string[],
  ): Promise<ReadonlyMap<string, TransactionRecord>>
  findAccount(ledgerId: number, id: string): Promise<AccountRecord | undefined>
}

/** How many events one search looks at, at the most. */
const searchedMax = 1000

/** Reads a page of events; `EventStore.readEvents` says what it promises. */
export async function readEvents(
  reader: EventReader,
  subjects: Subjects,
  reads: EventReads,
): Promise<EventPage | LostPlace> {
  const { ledgerId, after = 0n, size } = reads
  const searching = reads.type !== undefined || reads.accountId !== undefined
  const looked = searching ? searchedMax : size
  const rows = await reader.rows(eventsBehind(reader, reads.accountId), [
    ledgerId,
    after.toString(),
    looked,
    ...(reads.accountId === undefined ? [] : [reads.accountId]),
  ])
  const [first] = rows
  if (first === undefined) throw new Error('the numbering of events is gone')
  const settled = BigInt(first['settled'] as string)
  if (after >= settled) return 'unseen'
  if (reads.after !== undefined && after < BigInt(first['forgotten'] as string)) return 'forgotten'

  const found = rows.filter((row) => row['position'] !== null)
  const wanted = found.filter((row) => isWanted(row, reads)).slice(0, size)
  const last =
    wanted.length === size ? wanted.at(-1) : found.length === looked ? found.at(-1) : undefined
  return {
    events: await told(subjects, ledgerId, wanted),
    next: last === undefined ? settled - 1n : positionOf(last),
    more: last !== undefined,
  }
}

/** Reads a position behind which everything lies that begins from now on. */
export async function latestPosition(
  reader: EventReader,
  ledgerId: number,
): Promise<EventPosition> {
  const [row] = await reader.rows(eventsBehind(reader, undefined), [ledgerId, '0', 0])
  return BigInt(row?.['settled'] as string) - 1n
}

/**
 * Reads events in their order along `events_pkey`, and with them how far they are complete and how far they are forgotten: in one
 * statement, so that all is of one snapshot. What an account has to do with one is probed through `entries_transaction` and
 * `unposted_accounts_pkey`. Always one row at least. No lock. Parameters: ledger, position, how many; account.
 */
function eventsBehind({ settledPosition }: EventReader, accountId: string | undefined) {
  const touches = `(e.subject_id = $4
    or (${postedTo('e.subject_id', '$4')}) = 1
    or exists (select 1 from unposted_accounts u where u.ledger_id = $1 and u.account_id = $4
                 and u.transaction_id = e.subject_id))`
  return {
    name: 'events_behind',
    text: `select numbering.settled, numbering.forgotten, event.*
             from (select ${settledPosition} as settled,
                          coalesce((select position from pruned_events where ledger_id = $1), 0) as forgotten
                  ) numbering
             left join (
               select e.position, e.type, e.subject_id, e.created_at, e.details,
                      ${accountId === undefined ? 'true' : touches} as touches
                 from events e
                where e.ledger_id = $1 and e.position > $2 and e.position < ${settledPosition}
                order by e.position limit $3
             ) event on true
            order by event.position`,
  }
}

function isWanted(row: Row, { type }: EventReads): boolean {
  return Boolean(row['touches']) && (type === undefined || row['type'] === type)
}

function positionOf(row: Row): EventPosition {
  return BigInt(row['position'] as string)
}

/** Completes events by what they are about. */
async function told(
  subjects: Subjects,
  ledgerId: number,
  rows: readonly Row[],
): Promise<LedgerEvent[]> {
  const isOfAccount = (row: Row) => (accountEventTypes as readonly unknown[]).includes(row['type'])
  const idsOf = (some: readonly Row[]) => [
    ...new Set(some.map((row) => row['subject_id'] as string)),
  ]
  const ofAccounts = rows.filter(isOfAccount)
  const ofTransactions = rows.filter((row) => !isOfAccount(row))
  const transactions = await subjects.findTransactions(ledgerId, idsOf(ofTransactions))
  const accounts = new Map<string, AccountRecord>()
  for (const id of idsOf(ofAccounts)) {
    const account = await subjects.findAccount(ledgerId, id)
    if (account !== undefined) accounts.set(id, account)
  }
  return rows.map((row): LedgerEvent => {
    const id = row['subject_id'] as string
    const frame = { position: positionOf(row), ledgerId, createdAt: time(row['created_at']) ?? 0 }
    const account = accounts.get(id)
    if (account !== undefined) {
      const type = row['type'] as (typeof accountEventTypes)[number]
      return { ...frame, type, account: accountThen(account, row) }
    }
    const transaction = transactions.get(id)
    if (transaction === undefined) throw new Error('an event is about nothing that is there')
    const type = row['type'] as Exclude<EventType, (typeof accountEventTypes)[number]>
    return { ...frame, type, transaction: transactionThen(transaction, type, row) }
  })
}

/**
 * A transaction as it was when the event happened. Its money never changes; what has been captured or reversed of it since, or become
 * of the hold, is left out.
 */
function transactionThen(
  transaction: TransactionRecord,
  type: EventType,
  row: Row,
): TransactionRecord {
  if (type === 'transaction.posted') return { ...transaction, resolved: null }
  if (type !== 'transaction.held' && type !== 'hold.extended') return transaction
  const details = json<HoldDetails>(row['details'])
  return {
    ...transaction,
    status: 'held',
    expiresAt: details?.expiresAt ?? null,
    resolved: details?.resolved?.map(money) ?? null,
    resolvedAt: null,
  }
}

/** What a trigger notes of an account. */
interface AccountDetails {
  readonly name: string
  readonly status: AccountStatus
  readonly minAvailable: string | null
  readonly metadata: Metadata | null
}

function accountThen(account: AccountRecord, row: Row): AccountRecord {
  const details = json<AccountDetails>(row['details'])
  if (details === null) throw new Error('an event of an account does not say how it was')
  const { name, status, minAvailable, metadata } = details
  return {
    ...account,
    name,
    status,
    minAvailable: minAvailable === null ? null : money(minAvailable),
    metadata: metadata ?? {},
  }
}
