import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import type { World } from './world.ts'

/** The shortest pause between two readings; a long one is followed by a longer pause, to leave the cores to the others. */
const pauseMsMin = 100
const restPerWork = 3

/** Findings that are kept. */
const findingsMax = 20

/**
 * What no snapshot may ever show, each with its SQL: P1, P2, P9, P7 and the state machine, from the rows alone. Each gives
 * the names of the culprits.
 */
const promises: readonly { readonly broken: string; readonly text: string }[] = [
  {
    broken: 'P1: a transaction does not balance, or its entries and its status disagree',
    text: `select coalesce(t.id, e.transaction_id)::text as culprit
             from (select id from transactions where status = 'posted') t
             full join (
               select transaction_id, sum(case direction when 'debit' then amount else -amount end) as sum,
                      count(*) as entries
                 from entries group by transaction_id
             ) e on e.transaction_id = t.id
            where t.id is null or e.transaction_id is null or e.sum <> 0 or e.entries < 2 limit 3`,
  },
  {
    broken: 'P2: an account is not the sum of its gap-free entries',
    text: `select a.id::text as culprit
             from accounts a
             left join (
               select account_id, count(*) as entries, max(account_version) as version,
                      sum(amount) filter (where direction = 'debit') as debits,
                      sum(amount) filter (where direction = 'credit') as credits
                 from entries group by account_id
             ) e on e.account_id = a.id
            where a.version <> coalesce(e.version, 0) or a.version <> coalesce(e.entries, 0)
               or a.posted_debits <> coalesce(e.debits, 0)
               or a.posted_credits <> coalesce(e.credits, 0) limit 3`,
  },
  {
    broken: 'P9: an account is below its floor',
    text: `select id::text as culprit from accounts
            where account_type = 'liability' and min_available is not null
              and posted_credits - posted_debits < min_available limit 3`,
  },
  {
    broken: 'P7: one has ended before an earlier one of its ordering key',
    text: `select later.id::text as culprit
             from transactions earlier
             join transactions later
               on later.ordering_key = earlier.ordering_key and later.slot = earlier.slot
              and later.sequence > earlier.sequence and later.status in ('posted', 'failed')
            where earlier.status = 'queued' limit 3`,
  },
  {
    broken: 'the queue and the transactions disagree',
    text: `select coalesce(q.transaction_id, t.id)::text as culprit
             from queued_transactions q
             full join (select id from transactions where status = 'queued') t
               on t.id = q.transaction_id
            where q.transaction_id is null or t.id is null limit 3`,
  },
]

/** Reads the books while they are being written. */
export interface BankReader {
  readonly findings: readonly string[]
  readonly readings: number
  /** Reads no more. */
  end(): Promise<void>
}

/** Reads all promises in one repeatable-read snapshot after the other, and how each transaction's status moves between them. */
export function startBankReader(world: World): BankReader {
  const findings: string[] = []
  const statuses = new Map<string, string>()
  let readings = 0
  let ended = false
  const find = (what: string) => {
    if (findings.length < findingsMax && !findings.includes(what)) findings.push(what)
  }

  const reading = (async () => {
    while (!ended) {
      const begun = performance.now()
      const read = await readOnce(world.databaseUrl).catch(() => undefined)
      if (read !== undefined) {
        readings += 1
        for (const what of read.broken) find(what)
        for (const what of movedBack(statuses, read.statuses)) find(what)
      }
      await sleep(Math.max(pauseMsMin, (performance.now() - begun) * restPerWork))
    }
  })()
  return {
    findings,
    get readings() {
      return readings
    },
    end: async () => {
      ended = true
      await reading
    },
  }
}

interface Reading {
  readonly broken: readonly string[]
  readonly statuses: readonly { readonly id: string; readonly status: string }[]
}

/** One snapshot. Rejects when the database is not there, which is somebody else's to complain about. */
async function readOnce(url: string): Promise<Reading> {
  const client = new Client({
    connectionString: url,
    application_name: 'bank-reader',
    connectionTimeoutMillis: 2000,
    query_timeout: 15_000,
  })
  client.on('error', () => undefined)
  await client.connect()
  try {
    await client.query('begin isolation level repeatable read read only')
    const broken: string[] = []
    for (const promise of promises) {
      const { rows } = await client.query<{ culprit: string }>(promise.text)
      if (rows.length > 0) {
        broken.push(`${promise.broken}: ${rows.map(({ culprit }) => culprit).join(', ')}`)
      }
    }
    const { rows } = await client.query<{ id: string; status: string }>(
      'select id::text, status from transactions',
    )
    return { broken, statuses: rows }
  } finally {
    client.end().catch(() => undefined)
  }
}

/** Statuses that went anywhere but from queued to an end, and transactions that are gone. */
function movedBack(
  before: Map<string, string>,
  now: readonly { readonly id: string; readonly status: string }[],
): string[] {
  const moved: string[] = []
  if (now.length < before.size) moved.push('a transaction that was committed is gone')
  for (const { id, status } of now) {
    const was = before.get(id) ?? status
    if (was !== status && was !== 'queued') moved.push(`${id} went from ${was} to ${status}`)
    before.set(id, status)
  }
  return moved
}
