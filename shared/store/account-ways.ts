import { timeMax, timeMin } from '../ledger/axis.ts'
import type { TransactionStatus } from '../ledger/transaction.ts'
import type { TimeSpan } from './ledger-store.ts'
import type { KeyPart } from './reader.ts'
import { time, type Row } from './rows.ts'
import { before, beforePair, unionOf, type Parameters, type Way } from './way.ts'

/** The versions of an account that its entries in a span of the posted axis have: after one, up to another. */
export interface VersionSpan {
  readonly after: number
  readonly until: number
}

/** With the transaction's id: its entries on the account follow each other, and it is found once. */
const byTimeAndVersion = {
  columns: ['at', 'version'],
  order: ['at', 'version'],
  keysOf: (rows: readonly Row[]) =>
    rows.map((row) => `${time(row['at'])}/${Number(row['version'])}/${row['found_id'] as string}`),
}

/** With the version from which the walk along the entries in the order of their ids goes on, once it has begun. */
const byIdAndVersion = {
  columns: ['follows'],
  order: ['id'],
  keysOf: (rows: readonly Row[], after: string | undefined) => {
    let version = after?.includes('/') === true ? (after.split('/')[0] ?? '') : ''
    return rows.map((row) => {
      if (row['follows'] !== null) version = `${Number(row['follows'])}`
      return `${version}/${row['found_id'] as string}`
    })
  },
}

/** How many versions of an account are read at once for a list of its transactions. */
const blockSize = 64

/**
 * Those of an account: posted ones block by block through `entries_pkey`, beginning at the account's newest one, and late ones
 * through `entries_late`; ended ones through `unposted_accounts_pkey`; and the queue, which is walked whole: a queued transaction names
 * its accounts only in `requested_entries`, as UUIDs, which nothing else in it looks like. An atomic batch has one place for all of its
 * members.
 *
 * Where late ones lie between, the next block begins at the version that the last entry of the one before follows. The walk goes on
 * from the version that the key before it names, and without one, as in a cursor of an earlier version of this service, it comes from
 * the newest entry.
 */
export function wayOfAccount(accountId: string, status: TransactionStatus | undefined): Way {
  return {
    ...byIdAndVersion,
    name: 'transactions_by_account',
    covers: ['accountId'],
    text: (parameters, key, size) => {
      const [after, version = ''] = key?.split('/').toReversed() ?? []
      const from = version === '' ? null : Number(version)
      const account = parameters.of(accountId)
      const limit = parameters.of(size)
      const older = (column: string) => before(column, parameters, after)
      const inBlock = `e.ledger_id = $1 and e.account_id = ${account} and e.follows_version is not null
                and e.account_version > block.top - ${blockSize} and e.account_version <= block.top`
      const inOrder = () => `
        select line.id, line.follows from (
          with recursive block (top, given) as (
            select coalesce(cast(${parameters.of(from)} as bigint), a.newest_transaction_version), cast(0 as bigint)
              from accounts a where a.ledger_id = $1 and a.id = ${account}
            union all
            select (select min(e.follows_version) from entries e where ${inBlock}),
                   block.given + (select count(*) from entries e
                                   where ${inBlock} ${older('e.transaction_id')})
              from block where block.top > 0 and block.given < ${limit}
          )
          select e.transaction_id as id, e.follows_version as follows
            from block ${parameters.reader.probe('entries', 'e', inBlock, blockSize)}
           where block.given < ${limit} and e.transaction_id is not null ${older('e.transaction_id')}
        ) line`
      const late = () => `
        select distinct e.transaction_id as id from entries e
         where e.ledger_id = $1 and e.account_id = ${account} and e.follows_version is null
               ${older('e.transaction_id')}
         order by e.transaction_id desc limit ${limit}`
      const unposted = () => `
        select u.transaction_id as id from unposted_accounts u
         where u.ledger_id = $1 and u.account_id = ${account} ${older('u.transaction_id')}
         order by u.transaction_id desc limit ${limit}`
      const queued = () => `
        select t.id from queued_transactions q
          ${ofTransaction('q.transaction_id', parameters)}
         where q.ledger_id = $1 and cast(t.requested_entries as text) like '%' || ${account} || '%'
               ${older('t.id')}
         order by t.id desc limit ${limit}`
      const queuedTogether = () => `
        select t.id from queued_transactions q
          join batch_members m on m.ledger_id = $1 and m.batch_id = q.batch_id and m.replayed = 0
          ${ofTransaction('m.transaction_id', parameters)}
         where q.ledger_id = $1 and q.batch_id is not null
               and cast(t.requested_entries as text) like '%' || ${account} || '%' ${older('t.id')}
         order by t.id desc limit ${limit}`
      const elsewhere = (textOf: () => string) => () =>
        `select id, cast(null as bigint) as follows from (${textOf()}) elsewhere`
      const inQueue = [queued, queuedTogether].map(elsewhere)
      const posted = [inOrder, elsewhere(late)]
      const ended = elsewhere(unposted)
      const ofStatus = status === 'posted' ? posted : status === 'queued' ? inQueue : undefined
      const texts = ofStatus ?? (status === undefined ? [...posted, ended, ...inQueue] : [ended])
      return `
        select id, -1 as dated, follows from (${unionOf(
          texts.map((textOf) => textOf()),
          'union all',
        )}) own
         order by id desc limit ${limit}`
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
