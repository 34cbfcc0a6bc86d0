import type { Row } from '../rows.ts'
import type { Differences } from './differences.ts'
import { EndsWalk, endsOf, isOfAccount } from './ends-walk.ts'
import type { Pace } from './pace.ts'
import { Tally } from './tally.ts'
import type { VerifyingReader } from './verifying-reader.ts'

/** Keys held in memory at once while those that differ are looked for: about 20 MB. */
const keysAtOnceMax = 100_000

/** After so many differences of events the others are only counted, one for each bucket: a report names no more. */
const namedMax = 100

/** What was looked at of the events of a ledger. */
export interface EventEvidence {
  readonly events: number
  /** From when on each end of a transaction must be told (ms since 1970); undefined: nothing is told of any. */
  readonly toldSince: number | undefined
}

/**
 * Checks that the events of a ledger agree with its transactions: an event has the transaction or account that it is about, which has
 * come to what the event says; and each end of a transaction, from the first one on that is told and kept, is told exactly once. Earlier
 * ends are not asked for: their events are forgotten by now, or they come from a version or a load that wrote none.
 *
 * Two walks along primary keys are compared by a tally. Transactions come first: an event is committed together with its transaction,
 * so that the walk along the events sees those of all that the first one has seen. Only when the walks differ they are walked
 * again, for the keys that differ.
 */
export async function verifyEvents(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  { pace, keysAtOnce = keysAtOnceMax }: { readonly pace: Pace; readonly keysAtOnce?: number },
): Promise<EventEvidence> {
  const walk = new EndsWalk(reader, ledgerId, pace)
  const toldSince = await walk.toldSince()
  const tally = new Tally()
  if (toldSince !== undefined) await walk.ends((key) => tally.expect(key))
  let events = 0
  await walk.events((row, key) => {
    events += 1
    const fault = faultOf(row)
    if (fault !== undefined) {
      const position = String(row['position'])
      differences.add(ledgerId, `event ${position}`, `${String(row['type'])} ${fault}`)
    } else if (key !== undefined) tally.meet(key)
  })
  await nameUneven(walk, tally, Tally.bucketsFor(keysAtOnce, events), differences)
  return { events, toldSince }
}

/** Names those that are told never or twice, as many buckets at once as there is memory for. */
async function nameUneven(
  walk: EndsWalk,
  tally: Tally,
  atOnce: number,
  differences: Differences,
): Promise<void> {
  const uneven = tally.uneven()
  let named = 0
  for (let from = 0; from < uneven.length; from += atOnce) {
    if (named >= namedMax) {
      for (const bucket of uneven.slice(from)) {
        const detail = `ends of transactions in part ${bucket} are not told exactly once`
        differences.add(walk.ledgerId, 'events', detail)
      }
      return
    }
    const chosen = new Set(uneven.slice(from, from + atOnce))
    const told = new Map<string, { expected: boolean; times: number }>()
    await walk.ends((key) => {
      if (chosen.has(tally.bucketOf(key))) told.set(key, { expected: true, times: 0 })
    })
    await walk.events((row, key) => {
      if (key === undefined || faultOf(row) !== undefined) return
      if (!chosen.has(tally.bucketOf(key))) return
      const seen = told.get(key)
      told.set(key, { expected: seen !== undefined, times: (seen?.times ?? 0) + 1 })
    })
    for (const [key, { expected, times }] of told) {
      // One that is told and was not expected has ended between the walks.
      if (times === 1 || (times === 0 && !expected)) continue
      const [type, id] = key.split(' ')
      const often = times === 0 ? 'is not told' : `is told ${times} times`
      differences.add(walk.ledgerId, `transaction ${id}`, `its event ${type} ${often}`)
      named += 1
    }
  }
}

/** What is wrong with an event by itself. */
function faultOf(row: Row): string | undefined {
  const id = String(row['subject_id'])
  if (isOfAccount(row)) {
    return row['account_id'] === null ? `is about account ${id}, which does not exist` : undefined
  }
  if (row['transaction_id'] === null) return `is about transaction ${id}, which does not exist`
  // A hold may be extended any number of times; the transaction knows of the last one only.
  if (row['type'] === 'hold.extended' && row['held_at'] !== null) return undefined
  if (endsOf(row).some(([type]) => type === row['type'])) return undefined
  return `is about transaction ${id}, which is ${String(row['status'])}`
}
