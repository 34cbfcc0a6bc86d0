import { verifyStore } from '../../../shared/store/verify/verify-store.ts'
import type { BankReader } from './bank-reader.ts'
import type { Intent } from './journal.ts'
import type { Load } from './load.ts'
import { until } from './until.ts'
import type { World } from './world.ts'

/** How long everything may take to come to rest after the last fault. */
const restMsMax = 60_000

/** Findings of one kind that are named. */
const namedMax = 5

/** A transaction as its rows say it. */
export interface Booked {
  readonly id: string
  readonly reference: string
  readonly idempotency_key: string | null
  readonly status: string
  readonly sequence: string | null
  readonly entries: readonly BookedEntry[] | null
}

/** One of its entries. */
export interface BookedEntry {
  readonly account: string
  readonly version: number
  readonly direction: string
  /** Minor units as text: JSON's numbers end at 2^53. */
  readonly amount: string
}

/**
 * Ends the load and every fault, waits until nothing is queued, and gives all that is not as promised: answers, the books
 * while it went on and at the end, the journal against the database, the order of each key, processes that ended. Empty when
 * all is well.
 */
export async function findingsAfter(
  world: World,
  load: Load,
  reader: BankReader | undefined,
  restMs = restMsMax,
): Promise<string[]> {
  await world.heal()
  await load.end()
  const findings: string[] = []
  await queueIsEmpty(world, restMs).catch((error: Error) => findings.push(error.message))
  await reader?.end()
  findings.push(...load.journal.violations, ...(reader?.findings ?? []), ...world.unexpectedEnds())
  const report = await verifyStore({ dialect: 'postgres', url: world.databaseUrl })
  for (const { subject, detail } of report.differences.slice(0, namedMax)) {
    findings.push(`verify: ${subject}: ${detail}`)
  }
  const booked = await bookedOf(world, load)
  findings.push(...againstJournal(load.journal.intents, booked))
  for (const sequence of load.sequences) findings.push(...outOfOrder(sequence, booked))
  return findings
}

/** Waits until nothing is queued but what is parked or waits behind it. */
export async function queueIsEmpty(world: World, deadlineMs = restMsMax): Promise<number> {
  return until('nothing is queued any more', deadlineMs, async () => (await queued(world)) === 0)
}

/** How many are queued. */
export async function queued(world: World): Promise<number> {
  const [row] = await world.sql<{ queued: string }>(
    'select count(*) as queued from queued_transactions',
  )
  return Number(row?.queued)
}

async function bookedOf(world: World, load: Load): Promise<Map<string, Booked[]>> {
  const run = load.journal.intents[0]?.reference.split('-')[0] ?? ''
  const rows = await world.sql<Booked>(
    `select t.id::text, t.reference, t.idempotency_key, t.status, t.sequence,
            (select json_agg(json_build_object('account', e.account_id, 'version', e.account_version,
                                               'direction', e.direction, 'amount', e.amount::text)
                             order by e.position)
               from entries e where e.ledger_id = t.ledger_id and e.transaction_id = t.id) as entries
       from transactions t where t.reference like $1`,
    [`${run}-%`],
  )
  const byReference = new Map<string, Booked[]>()
  for (const row of rows) {
    byReference.set(row.reference, [...(byReference.get(row.reference) ?? []), row])
  }
  return byReference
}

/** What of the database is not as the senders of a run were told, or asked for. */
export function againstJournal(
  intents: readonly Intent[],
  booked: ReadonlyMap<string, readonly Booked[]>,
): string[] {
  const kinds = new Map<string, string[]>()
  const find = (kind: string, { reference }: Intent) =>
    kinds.set(kind, [...(kinds.get(kind) ?? []), reference])

  for (const intent of intents) {
    const [first, ...others] = booked.get(intent.reference) ?? []
    if (others.length > 0) find('has more than one transaction', intent)
    if (first === undefined) {
      // Unknown and without a key it may not have happened; refused without a key it is not stored.
      if (intent.key === null && intent.standing !== 'accepted' && intent.standing !== 'posted') {
        continue
      }
      find(`was answered (${intent.standing}) and is not in the database`, intent)
      continue
    }
    if (first.status === 'queued') find('has no end', intent)
    if (intent.transactionId !== undefined && intent.transactionId !== first.id) {
      find('has another id than was answered', intent)
    }
    if (intent.standing === 'posted' && first.status !== 'posted') {
      find(`was answered with 201 and is ${first.status}`, intent)
    }
    if (intent.standing === 'refused' && first.status === 'posted') {
      find('was refused and is posted', intent)
    }
    if (first.status === 'failed' && !intent.mayBeRefused) find('is valid and failed', intent)
    if (first.status === 'posted' && !movesWhatWasAsked(intent, first)) {
      find('moved other money than was asked for', intent)
    }
  }
  return [...kinds].map(
    ([kind, references]) =>
      `${references.length} of ${intents.length}: ${kind} (${references.slice(0, namedMax).join(', ')})`,
  )
}

function movesWhatWasAsked({ body }: Intent, { entries }: Booked): boolean {
  const asked = body.entries.map(
    (entry) => `${entry.account_id} ${entry.direction} ${entry.amount.replace('.', '')}`,
  )
  const moved = (entries ?? []).map(
    (entry) => `${entry.account} ${entry.direction} ${entry.amount.padStart(3, '0')}`,
  )
  return asked.map(withoutZeros).join() === moved.map(withoutZeros).join()
}

function withoutZeros(entry: string): string {
  return entry.replace(/ 0+(\d)/, ' $1')
}

/** P7, afterwards: what one sender was told to be accepted, in the order it was told, has growing numbers and growing versions. */
export function outOfOrder(
  sequence: readonly Intent[],
  booked: ReadonlyMap<string, readonly Booked[]>,
): string[] {
  const found: string[] = []
  let before: { reference: string; sequence: number; version: number } | undefined
  for (const intent of sequence) {
    const row = booked.get(intent.reference)?.[0]
    if (row === undefined || row.status !== 'posted') continue
    const account = intent.body.entries[0]?.account_id
    const version = row.entries?.find((entry) => entry.account === account)?.version ?? 0
    const place = { reference: intent.reference, sequence: Number(row.sequence), version }
    if (before !== undefined) {
      if (place.sequence <= before.sequence || place.version <= before.version) {
        found.push(`P7: ${place.reference} came before ${before.reference} of its ordering key`)
      }
    }
    before = place
  }
  return found.slice(0, namedMax)
}
