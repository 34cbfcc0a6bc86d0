import type { AccountRecord } from '../engine/account-record.ts'
import type { Witness } from '../engine/audit-record.ts'
import { recordSteps } from './audit-log.ts'
import type { QueueAccess } from './change-queue.ts'
import { insertUnlessTaken } from './insert-unless-taken.ts'
import type {
  AccountChange,
  AccountChangeOutcome,
  ClosingBlocker,
  NewAccount,
} from './ledger-store.ts'
import { findAccount } from './read-accounts.ts'
import type { Parameter, Statement } from './reader.ts'

/** How often closing an account is tried while nothing stands in its way any more by the time one looks. */
const closingTriesMax = 3

const insertAccount: Statement = {
  name: 'insert_account',
  text: `insert into accounts
           (ledger_id, id, code, name, account_type, currency, exponent, min_available, metadata, created_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict do nothing returning id`,
}

/**
 * Inserts an account, with the record of who asked for it in the same database transaction; false when another account of the
 * ledger has its code. Rejects with `StoreFailure`.
 */
export function createAccount(
  access: QueueAccess,
  account: NewAccount,
  witness?: Witness,
): Promise<boolean> {
  const { ledgerId, id, code, name, accountType, currency, minAvailable, createdAt } = account
  const parameters = [
    ledgerId,
    id,
    code,
    name,
    accountType,
    currency.code,
    currency.exponent,
    minAvailable?.toString() ?? null,
    metadataText(account.metadata),
    access.timeParameter(createdAt),
  ]
  const record = witness?.({ kind: 'account', id, end: 'done' })
  return insertUnlessTaken(access, [
    { statement: insertAccount, parameters },
    ...recordSteps(record),
  ])
}

/**
 * Changes what a caller may change of an account. The conditions are part of the one update, so that a payment
 * that comes between cannot be passed over: a closed account stays closed, and only an empty one is closed. The record of who asked
 * for it is in the same database transaction. Rejects with `StoreFailure`.
 */
export async function changeAccount(
  access: QueueAccess,
  { ledgerId, id }: { readonly ledgerId: number; readonly id: string },
  change: AccountChange,
  witness?: Witness,
): Promise<AccountChangeOutcome> {
  for (let tries = 1; ; tries += 1) {
    const isChanged = await update(access, { ledgerId, id }, change, witness)
    const account = await findAccount(access, ledgerId, id)
    if (account === undefined) return { kind: 'not_found' }
    if (isChanged) return { kind: 'changed', account }
    if (account.status === 'closed') return { kind: 'closed' }
    const blockers = await blockersOf(access, account)
    // What stood in the way may have gone since: then it is tried again.
    if (blockers.length > 0 || tries === closingTriesMax) {
      return { kind: 'not_empty', account, blockers }
    }
  }
}

async function update(
  access: QueueAccess,
  { ledgerId, id }: { readonly ledgerId: number; readonly id: string },
  change: AccountChange,
  witness: Witness | undefined,
): Promise<boolean> {
  const changed = columnsOf(change)
  if (changed.length === 0) return true
  const record = witness?.({ kind: 'account', id, end: 'done' })
  const isClosing = change.status === 'closed'
  const parameters = [ledgerId, id, ...changed.map(([, value]) => value)]
  const rows = await access.apply([
    {
      statement: updateOf(
        changed.map(([column]) => column),
        isClosing,
      ),
      parameters: isClosing ? [...parameters, `%${id}%`] : parameters,
    },
    ...recordSteps(record),
  ])
  return rows !== undefined
}

/** The update of some columns, through `accounts_pkey`; each set of them has a name of its own. */
function updateOf(columns: readonly string[], isClosing: boolean): Statement {
  const set = columns.map((column, index) => `${column} = $${index + 3}`).join(', ')
  const named = `$${columns.length + 3}`
  const isEmpty = `and posted_debits = posted_credits and held_debits = '0' and held_credits = '0'
            and not exists (select 1 from queued_transactions q
                             where q.ledger_id = $1 and ${isQueuedFor(named)})`
  return {
    name: ['change_account', ...columns, ...(isClosing ? ['closing'] : [])].join('_'),
    text: `update accounts set ${set}
          where ledger_id = $1 and id = $2 and status <> 'closed' ${isClosing ? isEmpty : ''}
         returning id`,
  }
}

function columnsOf({ name, status, minAvailable, metadata }: AccountChange) {
  const columns: (readonly [column: string, value: Parameter])[] = []
  if (name !== undefined) columns.push(['name', name])
  if (status !== undefined) columns.push(['status', status])
  if (minAvailable !== undefined) columns.push(['min_available', minAvailable?.toString() ?? null])
  if (metadata !== undefined) columns.push(['metadata', metadataText(metadata)])
  return columns
}

/** A queued transaction names its accounts in what it asks for, as UUIDs, which nothing else in it looks like. */
function isQueuedFor(named: string): string {
  return `(exists (select 1 from transactions t
    where t.ledger_id = q.ledger_id and t.id = q.transaction_id
      and cast(t.requested_entries as text) like ${named})
  or exists (select 1 from batch_members m
      join transactions t on t.ledger_id = m.ledger_id and t.id = m.transaction_id
     where m.ledger_id = q.ledger_id and m.batch_id = q.batch_id and m.replayed = 0
       and cast(t.requested_entries as text) like ${named}))`
}

const queuedFor: Statement = {
  name: 'queued_for_account',
  text: `select 1 as is_queued from queued_transactions q
          where q.ledger_id = $1 and ${isQueuedFor('$2')} limit 1`,
}

/** What stands in the way of closing an account now. One statement. */
async function blockersOf(access: QueueAccess, account: AccountRecord): Promise<ClosingBlocker[]> {
  const { ledgerId, id, heldDebits, heldCredits } = account
  const queued = await access.rows(queuedFor, [ledgerId, `%${id}%`])
  const blockers: ClosingBlocker[] = []
  if (account.postedDebits !== account.postedCredits) blockers.push('balance')
  if (heldDebits !== 0n || heldCredits !== 0n) blockers.push('holds')
  if (queued.length > 0) blockers.push('queued')
  return blockers
}

function metadataText(metadata: AccountRecord['metadata']): string | null {
  return Object.keys(metadata).length > 0 ? JSON.stringify(metadata) : null
}
