import { accountEventTypes, type EventType } from '../../engine/event.ts'
import type { TransactionStatus } from '../../ledger/transaction.ts'
import type { Statement } from '../reader.ts'
import { time, type Row } from '../rows.ts'
import type { Pace } from './pace.ts'
import type { VerifyingReader } from './verifying-reader.ts'

/** Rows of one short read. */
const rowsPerRead = 2000

/** By how much the order of positions and that of times may differ: a batch lasts seconds, clocks of two machines differ by less. */
const disorderMsMax = 60_000

const firstUuid = '00000000-0000-0000-0000-000000000000'

/**
 * The ends of the transactions of a ledger that must be told, met along two ways: the transactions, and the events that tell them. An
 * end is a key made of the type of its event and the id of its transaction.
 */
export class EndsWalk {
  readonly ledgerId: number
  readonly #reader: VerifyingReader
  readonly #pace: Pace
  /** Ends at these times are asked for, by the transaction's own word on both walks. */
  #from = Number.POSITIVE_INFINITY
  readonly #until = Date.now()

  constructor(reader: VerifyingReader, ledgerId: number, pace: Pace) {
    this.#reader = reader
    this.ledgerId = ledgerId
    this.#pace = pace
  }

  /** Finds from when on ends must be told: from the first that is, or behind what may have been forgotten with the last forgotten one. */
  async toldSince(): Promise<number | undefined> {
    for (let after = '0'; ;) {
      const start = after
      const rows = await this.#pace(() =>
        this.#reader.rows(oldestEvents, [this.ledgerId, start, rowsPerRead]),
      )
      const first = rows.find((row) => !isOfAccount(row))
      if (first !== undefined) {
        const disorder = first['some_forgotten'] ? disorderMsMax : 0
        this.#from = (time(first['created_at']) ?? 0) + disorder
        return this.#from
      }
      if (rows.length < rowsPerRead) return undefined
      after = String(rows.at(-1)?.['position'])
    }
  }

  /** Visits each end of a transaction that must be told. */
  async ends(visit: (key: string) => void): Promise<void> {
    const [last] = await this.#reader.rows(lastTransaction, [this.ledgerId])
    if (last === undefined) return
    const until = last['id'] as string
    await this.#pages(transactionPage, { after: firstUuid, until, by: 'id' }, (row) => {
      for (const [type, at] of endsOf(row)) {
        if (this.#isAskedFor(at)) visit(keyOf(type, row['id']))
      }
    })
  }

  /** Visits each event, with the key of the end that it tells, if that must be told. */
  async events(visit: (row: Row, key: string | undefined) => void): Promise<void> {
    const [last] = await this.#reader.rows(lastEvent, [this.ledgerId])
    if (last === undefined) return
    const until = String(last['position'])
    await this.#pages(eventPage(this.#reader), { after: '0', until, by: 'position' }, (row) => {
      const told = endsOf(row).find(([type]) => type === row['type'])
      const isAskedFor = told !== undefined && this.#isAskedFor(told[1])
      visit(row, isAskedFor ? keyOf(told[0], row['subject_id']) : undefined)
    })
  }

  async #pages(
    statement: Statement,
    { after, until, by }: { after: string; until: string; by: string },
    visit: (row: Row) => void,
  ): Promise<void> {
    for (let last = after; ;) {
      const start = last
      const rows = await this.#pace(() =>
        this.#reader.rows(statement, [this.ledgerId, start, until, rowsPerRead]),
      )
      for (const row of rows) visit(row)
      if (rows.length < rowsPerRead) return
      last = String(rows.at(-1)?.[by])
    }
  }

  #isAskedFor(at: number): boolean {
    return at >= this.#from && at <= this.#until
  }
}

const endColumns = `t.status, t.posted_at, t.failed_at, t.canceled_at, t.held_at, t.resolved_at`

/** The last rows of `transactions_pkey` and of `events_pkey`: the walks end there. No lock. */
const lastTransaction: Statement = {
  name: 'verify_events_last_transaction',
  text: `select id from transactions where ledger_id = $1 order by id desc limit 1`,
}
const lastEvent: Statement = {
  name: 'verify_events_last',
  text: `select position from events where ledger_id = $1 order by position desc limit 1`,
}

/** One page of transactions with their ends by id, through `transactions_pkey`. No lock. */
const transactionPage: Statement = {
  name: 'verify_events_transactions',
  text: `select t.id, ${endColumns} from transactions t
          where t.ledger_id = $1 and t.id > $2 and t.id <= $3 order by t.id limit $4`,
}

/**
 * One page of events in their order, through `events_pkey`, each with what it is about as it stands at the same instant, through
 * `transactions_pkey` and `accounts_pkey`. No lock.
 */
function eventPage(reader: VerifyingReader): Statement {
  const ofAccount = `e.type in (${accountEventTypes.map((type) => `'${type}'`).join(', ')})`
  return {
    name: 'verify_events',
    text: `select e.position, e.type, e.subject_id, a.id as account_id, t.id as transaction_id, ${endColumns}
             from events e
             ${reader.probe('transactions', 't', `t.ledger_id = e.ledger_id and t.id = e.subject_id and not ${ofAccount}`)}
             ${reader.probe('accounts', 'a', `a.ledger_id = e.ledger_id and a.id = e.subject_id and ${ofAccount}`)}
            where e.ledger_id = $1 and e.position > $2 and e.position <= $3
            order by e.position limit $4`,
  }
}

/** The oldest events that are kept, and whether older ones were forgotten. Through `events_pkey` and `pruned_events_pkey`. No lock. */
const oldestEvents: Statement = {
  name: 'verify_oldest_events',
  text: `select e.position, e.type, e.created_at,
                exists (select 1 from pruned_events p where p.ledger_id = $1) as some_forgotten
           from events e where e.ledger_id = $1 and e.position > $2
          order by e.position limit $3`,
}

function keyOf(type: EventType, id: unknown): string {
  return `${type} ${String(id)}`
}

/** Whether an event is about an account. */
export function isOfAccount(row: Row): boolean {
  return (accountEventTypes as readonly unknown[]).includes(row['type'])
}

/** The types of the events that a transaction has, each with its time. A time that is missing is found where transactions are verified. */
export function endsOf(row: Row): readonly (readonly [EventType, number])[] {
  const status = row['status'] as TransactionStatus | null
  if (status === null) return []
  const ends: EndsOfStatus | undefined = endsByStatus[status]
  return (ends ?? []).flatMap(([type, column]) => {
    const at = time(row[column])
    return at === null ? [] : [[type, at] as const]
  })
}

type EndsOfStatus = readonly (readonly [EventType, string])[]

const held = ['transaction.held', 'held_at'] as const

const endsByStatus = {
  queued: [],
  posted: [['transaction.posted', 'posted_at']],
  failed: [['transaction.failed', 'failed_at']],
  canceled: [['transaction.canceled', 'canceled_at']],
  held: [held],
  captured: [held, ['hold.captured', 'resolved_at']],
  voided: [held, ['hold.voided', 'resolved_at']],
  expired: [held, ['hold.expired', 'resolved_at']],
} as const satisfies Record<TransactionStatus, EndsOfStatus>
