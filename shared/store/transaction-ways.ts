import type { TransactionStatus } from '../ledger/transaction.ts'
import type { TimeSpan } from './ledger-store.ts'
import { timeSet } from './read-transactions.ts'
import { time, type Row } from './rows.ts'
import { beforePair, before, unionOf, within, type Parameters, type Way } from './way.ts'

const byId = {
  columns: [],
  order: ['id'],
  keysOf: (rows: readonly Row[]) => rows.map((row) => row['found_id'] as string),
}
const byTime = {
  columns: ['at'],
  order: ['at', 'id'],
  keysOf: (rows: readonly Row[]) =>
    rows.map((row) => `${time(row['at'])}/${row['found_id'] as string}`),
}

/** States that have an index of their own; the ends of a hold share one. */
const indexedStates: Partial<Record<TransactionStatus, string>> = {
  failed: timeSet('failed'),
  canceled: timeSet('canceled'),
  held: timeSet('held'),
  captured: timeSet('captured'),
  voided: timeSet('voided'),
  expired: timeSet('expired'),
}
const statesOfOneIndex: readonly TransactionStatus[] = ['captured', 'voided', 'expired']

/** All transactions by id, or those of a state, through `transactions_pkey` or the partial index of the state. */
export function wayOfAll(status: TransactionStatus | undefined): Way {
  const state = status === undefined ? undefined : indexedStates[status]
  const isWhole = status !== undefined && !statesOfOneIndex.includes(status)
  return {
    ...byId,
    name: 'transactions',
    covers: state !== undefined && isWhole ? ['status'] : [],
    text: (parameters, after, size) => `
      select t.id, -1 as dated from transactions t
       where t.ledger_id = $1 ${state === undefined ? '' : `and ${state}`} ${before('t.id', parameters, after)}
       order by t.id desc limit ${parameters.of(size)}`,
  }
}

/** Those with a reference, through `transactions_reference`. */
export function wayOfReference(reference: string): Way {
  return {
    ...byId,
    name: 'transactions_by_reference',
    covers: ['reference'],
    text: (parameters, after, size) => `
      select t.id, -1 as dated from transactions t
       where t.ledger_id = $1 and t.reference is not null and t.reference = ${parameters.of(reference)}
             ${before('t.id', parameters, after)}
       order by t.id desc limit ${parameters.of(size)}`,
  }
}

/** Those with a name and value in their metadata, the first that is asked for, through `transaction_metadata_pkey`. */
export function wayOfMetadata([name, value]: readonly [string, string]): Way {
  return {
    ...byId,
    name: 'transactions_by_metadata',
    covers: ['metadata'],
    text: (parameters, after, size) => `
      select m.transaction_id as id, -1 as dated from transaction_metadata m
       where m.ledger_id = $1 and m.name = ${parameters.of(name)} and m.value = ${parameters.of(value)}
             ${before('m.transaction_id', parameters, after)}
       order by m.transaction_id desc limit ${parameters.of(size)}`,
  }
}

/** Posted ones by the time of posting, through `entries_posted`. */
export function wayOfPosted(span: TimeSpan): Way {
  return {
    ...byTime,
    name: 'transactions_by_posting',
    covers: ['posted'],
    text: (parameters, after, size) =>
      `select * from (${postedText(parameters, span, after, size)}) posted`,
  }
}

/** Posted ones by their effective time, through `entries_posted` and, dated ones, `transactions_effective`. */
export function wayOfEffective(span: TimeSpan): Way {
  return {
    ...byTime,
    name: 'transactions_by_effect',
    covers: ['effective'],
    text: (parameters, after, size) => {
      const dated = `
        select t.effective_at as at, t.id, 1 as dated from transactions t
         where t.ledger_id = $1 and t.effective_at is not null
               ${within('t.effective_at', parameters, left(span, after))}
               ${beforePair(['t.effective_at', 't.id'], parameters, after)}
         order by t.effective_at desc, t.id desc limit ${parameters.of(size)}`
      const texts = [postedText(parameters, span, after, size), dated]
      return `
        select * from (${unionOf(texts, 'union all')}) either
         order by at desc, id desc limit ${parameters.of(size)}`
    },
  }
}

/** By the first entry of each: entries are only ever inserted, so that draining changes no indexed column of a transaction. */
function postedText(
  parameters: Parameters,
  span: TimeSpan,
  after: string | undefined,
  size: number,
): string {
  return `
    select e.posted_at as at, e.transaction_id as id, 0 as dated from entries e
     where e.ledger_id = $1 and e.position = 0
           ${within('e.posted_at', parameters, left(span, after))}
           ${beforePair(['e.posted_at', 'e.transaction_id'], parameters, after)}
     order by e.posted_at desc, e.transaction_id desc limit ${parameters.of(size)}`
}

/** What is left of a span behind a key, which bounds it more closely than its end. */
function left({ from, to }: TimeSpan, after: string | undefined): TimeSpan {
  return { from, to: after === undefined ? to : undefined }
}
