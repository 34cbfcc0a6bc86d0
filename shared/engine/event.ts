import type { AccountRecord } from './account-record.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** What may become of a transaction, and of a hold, which is one. */
export const transactionEventTypes = [
  'transaction.posted',
  'transaction.failed',
  'transaction.canceled',
  'transaction.held',
  'hold.captured',
  'hold.voided',
  'hold.expired',
  'hold.extended',
] as const

export const accountEventTypes = ['account.created', 'account.updated'] as const

/** Every type of event. Stable and public: receivers branch on it. */
export const eventTypes = [...transactionEventTypes, ...accountEventTypes] as const

type TransactionEventType = (typeof transactionEventTypes)[number]
type AccountEventType = (typeof accountEventTypes)[number]
export type EventType = (typeof eventTypes)[number]

/**
 * Where an event stands among those of its ledger: greater than of all that were told before it. It is what is stored, as a number of
 * 63 bits or its text, to go on behind it. Positions have gaps.
 */
export type EventPosition = bigint

/** An event of a transaction as it is written: what happened to whom. Its time is that of the write. */
export interface NewEvent {
  readonly type: TransactionEventType
  readonly subjectId: string
  /** What the transaction itself does not say later on. */
  readonly details: HoldDetails | null
}

/** How a hold stood then: when it was to end by itself (ms since 1970), and minor units captured of each entry, by position. */
export interface HoldDetails {
  readonly expiresAt: number | null
  readonly resolved: readonly string[] | null
}

interface ToldEvent {
  readonly position: EventPosition
  readonly ledgerId: number
  /** Ms since 1970. */
  readonly createdAt: number
}

/** What has become of a transaction, with the transaction as it was then. */
export interface TransactionEvent extends ToldEvent {
  readonly type: TransactionEventType
  readonly transaction: TransactionRecord
}

/** What has become of an account, with the account as it was then, but for its balance, which is that of now. */
export interface AccountEvent extends ToldEvent {
  readonly type: AccountEventType
  readonly account: AccountRecord
}

/** Something that happened in a ledger. */
export type LedgerEvent = TransactionEvent | AccountEvent

/** The accounts that an event is about: events of one account are to be told in their order. */
export function accountIdsOf(event: LedgerEvent): readonly string[] {
  if ('account' in event) return [event.account.id]
  const { transaction } = event
  const entries =
    transaction.status === 'posted' ? transaction.entries : transaction.requestedEntries
  return [...new Set(entries.map(({ accountId }) => accountId))]
}

/**
 * The events of a write, in the order in which it was decided: of transactions that are new or have left the queue, then of those
 * that others are about, `before` and after. Of what befell one of these within the same write, only the end is told. Pure.
 */
export function eventsOf(
  transactions: readonly TransactionRecord[],
  targets: readonly TransactionRecord[] = [],
  before: readonly TransactionRecord[] = [],
): NewEvent[] {
  const events = transactions.flatMap(eventsOfTransaction)
  if (targets.length === 0) return events
  const earlier = new Map(before.map((target) => [target.id, target]))
  return [...events, ...targets.flatMap((target) => eventsOfTarget(target, earlier.get(target.id)))]
}

function eventsOfTransaction(transaction: TransactionRecord): NewEvent[] {
  const { id: subjectId, status, expiresAt } = transaction
  const held = {
    type: 'transaction.held',
    subjectId,
    details: { expiresAt, resolved: null },
  } as const
  switch (status) {
    case 'queued':
      return []
    case 'posted':
    case 'failed':
    case 'canceled':
      return [{ type: `transaction.${status}`, subjectId, details: null }]
    case 'held':
      return [held]
    // Placed and ended within one write.
    case 'captured':
    case 'voided':
    case 'expired':
      return [held, { type: `hold.${status}`, subjectId, details: null }]
  }
}

function eventsOfTarget(
  { id: subjectId, status, expiresAt, resolved }: TransactionRecord,
  before: TransactionRecord | undefined,
): NewEvent[] {
  if (before === undefined || before.status !== 'held') return []
  if (status === 'captured' || status === 'voided' || status === 'expired') {
    return [{ type: `hold.${status}`, subjectId, details: null }]
  }
  if (expiresAt === before.expiresAt) return []
  const details = { expiresAt, resolved: resolved?.map(String) ?? null }
  return [{ type: 'hold.extended', subjectId, details }]
}
