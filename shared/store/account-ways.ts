import { timeMax, timeMin } from '../ledger/axis.ts'
import type { TransactionStatus } from '../ledger/transaction.ts'
import type { TimeSpan } from './ledger-store.ts'
import type { KeyPart } from './reader.ts'
import { time, type Row } from './rows.ts'
import { before, beforePair, isOlder, unionOf, type Parameters, type Way } from './way.ts'

/** The versions of an account that its entries in a span of the posted axis have: after one, up to another. */
export interface VersionSpan {
  readonly after: number
  readonly until: number
}

/** With the transaction's id: its entries on the account follow each other, and it is found once. */
const byTimeAndVersion = {
  order: ['at', 'version'],
  keyOf: (row: Row) => `${time(row['at'])}/${Number(row['version'])}/${row['found_id'] as string}`,
}

/** With the version from which the walk along the entries in the order of their ids goes on. */
const byIdAndVersion = {
  order: ['id', 'follows'],
  keyOf: (row: Row) =>
    `${row['follows'] === null ? '' : Number(row['follows'])}/${row['found_id'] as string}`,
}

/**
 * Those of an account: posted ones from entry to entry through `entries_pkey`, beginning at the account's newest one, and late ones
 * through `entries_late`; ended ones through `unposted_accounts_pkey`; and the queue, which is walked whole: a queued transaction names
 * its accounts only in `requested_entries`, as UUIDs, which nothing else in it looks like. An atomic batch has one place for all of its
 * members.
 *
 * The walk costs a probe for each entry of the page. It goes on from the version that the key before it names, and without one, as in
 * a cursor of an earlier version of this service, it comes from the newest entry.
 */
export function wayOfAccount(accountId: string, status: TransactionStatus | undefined): Way {
  return {
    ...byIdAndVersion,
    name: 'transactions_by_account',
    covers: ['accountId'],
    text: (parameters, key, size) => {
      const [after, version] = key?.split('/').toReversed() ?? []
      const account = parameters.of(accountId)
      const limit = parameters.of(size)
      const from = parameters.of(version === undefined || version === '' ? null : Number(version))
      const older = (column: string) => before(column, parameters, after)
      const inOrder = () => `
        select line.id, line.follows from (
          with recursive line (id, follows, steps) as (
            select e.transaction_id, e.follows_version, 1
              from (${headOf(account, from)}) head
              ${entryOf(account, 'head.version', parameters)}
            union all
            select e.transaction_id, e.follows_version,
                   case when ${isOlder('line.id', parameters, after)} then line.steps + 1 else 1 end
              from line
              ${entryOf(account, 'line.follows', parameters)}
             where line.follows > 0 and line.steps <= ${limit}
          )
          select id, follows from line where id is not null ${older('line.id')}
        ) line`
      const late = () => `
        select distinct e.transaction_id as id, cast(null as bigint) as follows from entries e
         where e.ledger_id = $1 and e.account_id = ${account} and e.follows_version is null
               ${older('e.transaction_id')}
         order by e.transaction_id desc limit ${limit}`
      const unposted = () => `
        select u.transaction_id as id, cast(null as bigint) as follows from unposted_accounts u
         where u.ledger_id = $1 and u.account_id = ${account} ${older('u.transaction_id')}
         order by u.transaction_id desc limit ${limit}`
      const queued = () => `
        select t.id, cast(null as bigint) as follows from queued_transactions q
          ${ofTransaction('q.transaction_id', parameters)}
         where q.ledger_id = $1 and cast(t.requested_entries as text) like '%' || ${account} || '%'
               ${older('t.id')}
         order by t.id desc limit ${limit}`
      const queuedTogether = () => `
        select t.id, cast(null as bigint) as follows from queued_transactions q
          join batch_members m on m.ledger_id = $1 and m.batch_id = q.batch_id and m.replayed = 0
          ${ofTransaction('m.transaction_id', parameters)}
         where q.ledger_id = $1 and q.batch_id is not null
               and cast(t.requested_entries as text) like '%' || ${account} || '%' ${older('t.id')}
         order by t.id desc limit ${limit}`
      const inQueue = [queued, queuedTogether]
      const posted = [inOrder, late]
      const ofStatus = status === 'posted' ? posted : status === 'queued' ? inQueue : undefined
      const texts =
        ofStatus ?? (status === undefined ? [...posted, unposted, ...inQueue] : [unposted])
      return `
        select id, -1 as dated, coalesce(min(follows) over (order by id desc), ${from}) as follows
          from (${unionOf(
            texts.map((textOf) => textOf()),
            'union',
          )}) own
         order by id desc, follows desc limit ${limit}`
    },
  }
}

/** Those posted to an account by the time of posting: by version, through `entries_pkey`. */
export function wayOfAccountPosted(accountId: string, versions: VersionSpan): Way {
  return {
    ...byTimeAndVersion,
    name: 'transactions_by_account_and_posting',
    covers: ['accountId', 'posted'],
    text: (parameters, after, size) => {
      const until = after === undefined ? versions.until : Number(after.split('/')[1]) - 1
      return ownEntries(parameters, accountId, { ...versions, until }, '', size)
    },
  }
}

/**
 * Those posted to an account by their effective time: by version through `entries_pkey` and, dated ones, through
 * `dated_entries_of_account`.
 */
export function wayOfAccountEffective(
  accountId: string,
  versions: VersionSpan,
  span: TimeSpan,
): Way {
  return {
    ...byTimeAndVersion,
    name: 'transactions_by_account_and_effect',
    covers: ['accountId', 'effective'],
    text: (parameters, after, size) => {
      const older = beforePair(['e.posted_at', 'e.account_version'], parameters, after)
      const plain = ownEntries(parameters, accountId, versions, older, size)
      const account = parameters.of(accountId)
      const { from = timeMin, to } = span
      const [at, version] = after === undefined ? newest(to) : after.split('/').map(Number)
      const entry = `e.ledger_id = $1 and e.account_id = d.account_id and e.account_version = d.account_version`
      const own = (operator: '>=' | '<', columns: KeyPart[]) =>
        parameters.reader.keyRange(['d.account_id', account], operator, columns)
      const dated = `
        select d.effective_at as at, e.transaction_id as id, d.account_version as version, 1 as dated
          from dated_entries d ${parameters.reader.probe('entries', 'e', entry)}
         where d.ledger_id = $1
               and ${own('>=', [['d.effective_at', parameters.ofTime(from)]])}
               and ${own('<', [
                 ['d.effective_at', parameters.ofTime(at ?? timeMax)],
                 ['d.account_version', parameters.of(version ?? 0)],
               ])}
         order by d.effective_at desc, d.account_version desc
         limit ${parameters.of(size)}`
      return `
        select * from (${unionOf([plain, dated], 'union all')}) either
         order by at desc, version desc limit ${parameters.of(size)}`
    },
  }
}

/** Where the walk along an account's entries begins, `version`: at its newest transaction, or further back. */
function headOf(account: string, from: string): string {
  return `
    select coalesce(cast(${from} as bigint), a.newest_transaction_version) as version from accounts a
     where a.ledger_id = $1 and a.id = ${account}`
}

/** The entry of an account and a version, `e`. */
function entryOf(account: string, version: string, { reader }: Parameters): string {
  const isMeant = `e.ledger_id = $1 and e.account_id = ${account} and e.account_version = ${version}`
  return reader.probe('entries', 'e', isMeant)
}

/** The transaction of an id, `t`. */
function ofTransaction(id: string, { reader }: Parameters): string {
  return reader.probe('transactions', 't', `t.ledger_id = $1 and t.id = ${id}`)
}

/** The key behind which the newest of a span is: nothing has the version 0. */
function newest(to: number | undefined): readonly [number, number] {
  return to === undefined ? [timeMax, Number.MAX_SAFE_INTEGER] : [to, 0]
}

function ownEntries(
  parameters: Parameters,
  accountId: string,
  { after, until }: VersionSpan,
  condition: string,
  size: number,
): string {
  const account = parameters.of(accountId)
  const own = (operator: '>' | '<=', columns: KeyPart[]) =>
    parameters.reader.keyRange(['e.account_id', account], operator, columns)
  return `
    select e.posted_at as at, e.transaction_id as id, e.account_version as version, 0 as dated
      from entries e
     where e.ledger_id = $1
           and ${own('>', [['e.account_version', parameters.of(after)]])}
           and ${own('<=', [['e.account_version', parameters.of(until)]])} ${condition}
     order by e.account_version desc limit ${parameters.of(size)}`
}
