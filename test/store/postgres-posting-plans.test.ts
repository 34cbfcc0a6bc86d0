import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Acceptance } from '../../shared/engine/accept.ts'
import { BatchIntoQueue } from '../../shared/engine/batch-into-queue.ts'
import { drainDecider } from '../../shared/engine/decide-drain.ts'
import { drainOnce } from '../../shared/engine/drain.ts'
import { newId } from '../../shared/engine/new-id.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import type { QueueStore } from '../../shared/engine/queue-store.ts'
import { Metrics } from '../../shared/metrics.ts'
import { acceptBatchOn } from '../../shared/store/postgres/accept-batch.ts'
import { acceptOn } from '../../shared/store/postgres/accept.ts'
import { drainOn } from '../../shared/store/postgres/drain.ts'
import { DrainFloors } from '../../shared/store/postgres/drain-floors.ts'
import { markInHandOn, unmarkInHandOn } from '../../shared/store/postgres/mark-in-hand.ts'
import { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'
import type { Row } from '../../shared/store/rows.ts'
import { voidCommand } from '../../shared/wire/target-request.ts'
import { captureOf, commandOf, ledgerId, reversalOf } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { until } from '../support/until.ts'
import {
  planOf,
  probeOf,
  readIndexColumns,
  scansIn,
  shortOf,
  type IndexColumns,
  type Scan,
} from './plan-scans.ts'
import { decidedBy, sendDecided, stateFor } from './decided-batch.ts'
import {
  growingStates,
  openPlannedLedger,
  postingOn,
  postPayment,
  type PlannedLedger,
} from './planned-ledger.ts'

let ledger: PlannedLedger
/** Connections that planned all they do while the tables were as they are now, or smaller, and keep those plans. */
const connections: PostingConnection[] = []
let indexColumns: IndexColumns

beforeAll(async () => {
  ledger = await openPlannedLedger()
  indexColumns = await readIndexColumns(ledger.url)
})
afterAll(async () => {
  for (const connection of connections) connection.close()
  await ledger.store.close()
})

describe.each(growingStates)('on tables that are $state', ({ prepare }) => {
  beforeAll(async () => {
    await prepare(ledger)
    connections.push(await PostingConnection.open(ledger.url))
  })

  test('every statement of posting probes its indexes with all their columns', async () => {
    for (const connection of connections) {
      const scans = await scansOfPosting(connection)
      expect([...new Set(scans.map(({ statement }) => statement))].toSorted()).toEqual([
        'find_standing',
        'lock_accounts',
        'lock_closing',
        'write_batch',
      ])
      for (const scan of scans) expect(scan).toEqual(probeOf(scan, indexColumns))
    }
  })

  test('every statement of posting ahead of the lock probes its indexes', async () => {
    for (const connection of connections) {
      const scans = await scansOfAhead(connection)
      expect([...new Set(scans.map(({ statement }) => statement))].toSorted()).toEqual(
        [...aheadStatements].toSorted(),
      )
      for (const scan of scans) expect(scan).toEqual(probeOf(scan, indexColumns))
    }
  })

  test('accounts that move are looked for from the end of the index where their newest version is', async () => {
    for (const connection of connections) {
      const found = new Set<string>()
      for (const scans of [scansOfPosting, scansOfAhead, scansOfSpecial, scansOfQueue]) {
        for (const { index, direction, statement } of await scans(connection)) {
          if (index === 'accounts_pkey') found.add(`${statement}: ${direction}`)
        }
      }
      expect([...found].toSorted()).toEqual([
        'lock_accounts: Backward',
        'lock_and_compare: Backward',
        'write_batch: Backward',
        'write_batch_if_agreed: Backward',
        'write_drained: Backward',
        'write_mixed_batch: Backward',
        'write_mixed_batch_if_agreed: Backward',
        'write_mixed_drained: Backward',
      ])
    }
  })

  test('every statement of holds, captures and reversals probes its indexes', async () => {
    for (const connection of connections) {
      const scans = await scansOfSpecial(connection)
      expect([...new Set(scans.map(({ statement }) => statement))].toSorted()).toEqual(
        [...specialStatements].filter((name) => name !== 'write_mixed_accepted').toSorted(),
      )
      for (const scan of scans) {
        const { statement } = scan
        // The entries of a transaction are found by its id; which ones there are nobody knows.
        if (statement === 'entries_of_targets') expect(short(scan)).toBe(ofTransaction)
        else expect(scan).toEqual(probeOf(scan, indexColumns))
      }
    }
  })

  test('every statement of the queue probes its indexes', async () => {
    for (const connection of connections) {
      const scans = await scansOfQueue(connection)
      const found = [
        ...new Set(scans.map((scan) => `${scan.statement}: ${shortOf(scan, indexColumns)}`)),
      ]
      expect(found.filter((scan) => !expectedOfQueue.includes(scan))).toEqual([])
      expect(found.length).toBeGreaterThan(8)
    }
  })
})

const short = (scan: Scan) => shortOf(scan, indexColumns)
const ofTransaction = 'entries_transaction (ledger_id, transaction_id)'

/** Places a hold, captures and voids it and reverses, at once and queued, on the connection. */
async function scansOfSpecial(connection: PostingConnection): Promise<Scan[]> {
  const posting = postingOn(connection)
  const written = async (command: PostCommand) => {
    const outcome = await posting.post(command)
    if (outcome.kind !== 'written') throw new Error(`not written: ${outcome.kind}`)
    return outcome.transaction
  }
  const aside = payment({
    debit: ledger.cash,
    credit: ledger.alice,
    amount: '1.00',
    hold: { expires_in: 60 },
    idempotency_key: newId(),
  })
  const hold = await written(commandOf(aside))
  const capture = await written(captureOf(hold, { amount: '0.50', final: false }))
  await written(reversalOf(capture))
  expect((await posting.post(voidCommand(hold, newId()))).kind).toBe('hold_changed')

  const queue = queueOn(connection)
  const acceptance = new Acceptance(queue, new Metrics().accepting, () => {})
  const accepted = await acceptance.accept(commandOf({ ...aside, idempotency_key: newId() }))
  if (accepted.kind !== 'written') throw new Error('not accepted')
  const slot = accepted.transaction.place?.slot ?? 0
  expect((await drainOnce(queue, ledgerId, [slot])).ended).toMatchObject([{ status: 'held' }])
  const scans = await scansOfPrepared(connection)
  return scans.filter(({ statement }) => specialStatements.has(statement))
}

/** Posts a payment and places a hold ahead of the lock. */
async function scansOfAhead(connection: PostingConnection): Promise<Scan[]> {
  for (const more of [{}, { hold: { expires_in: 60 } }]) {
    const { cash, alice } = ledger
    const wish = { debit: cash, credit: alice, amount: '1.00', idempotency_key: newId(), ...more }
    const command = commandOf(payment(wish))
    await until('it is posted', async () =>
      sendDecided(connection, decidedBy(await stateFor(connection, [command]), [command])),
    )
  }
  const scans = await scansOfPrepared(connection)
  return scans.filter(({ statement }) => aheadStatements.has(statement))
}

/** Posts once on the connection, and asks it how it runs each statement it has prepared. */
async function scansOfPosting(connection: PostingConnection): Promise<Scan[]> {
  await postPayment(ledger, connection, { effective_at: '2026-01-01T00:00:00Z' })
  const scans = await scansOfPrepared(connection)
  return scans.filter(
    ({ statement }) =>
      ![queueStatements, specialStatements, aheadStatements].some((other) => other.has(statement)),
  )
}

/** Accepts and drains once on the connection, and asks it how it runs each statement it has prepared. */
async function scansOfQueue(connection: PostingConnection): Promise<Scan[]> {
  const queue = queueOn(connection)
  const acceptance = new Acceptance(queue, new Metrics().accepting, () => {})
  const request = payment({
    debit: ledger.cash,
    credit: ledger.alice,
    amount: '1.00',
    idempotency_key: newId(),
  })
  const accepted = await acceptance.accept(commandOf(request))
  if (accepted.kind !== 'written') throw new Error('not accepted')
  const { place } = accepted.transaction
  if (place === null) throw new Error('no place')
  const marked = { ledgerId, slots: [place.slot] }
  await markInHandOn(connection, marked, () => [place], new DrainFloors())
  await unmarkInHandOn(connection, ledgerId, [place])
  expect((await drainOnce(queue, ledgerId, [place.slot])).ended).toHaveLength(1)
  await queue.drain({ ledgerId, places: [place] }, drainDecider)
  const intoQueue = new BatchIntoQueue(queue, new Metrics().accepting, () => {})
  const commands = [request, request].map((one) => commandOf({ ...one, idempotency_key: newId() }))
  const batch = await intoQueue.accept({ ledgerId, mode: 'atomic', commands })
  expect(batch).toMatchObject({ kind: 'accepted', places: 1 })
  expect((await drainOnce(queue, ledgerId, [place.slot])).ended).toHaveLength(2)
  const scans = await scansOfPrepared(connection)
  return scans.filter(({ statement }) => queueStatements.has(statement))
}

function queueOn(connection: PostingConnection): QueueStore {
  return {
    accept: (...[reads, decide]: Parameters<QueueStore['accept']>) =>
      acceptOn(connection, reads, decide),
    acceptBatch: (...[reads, decide]: Parameters<QueueStore['acceptBatch']>) =>
      acceptBatchOn(connection, reads, decide),
    drain: (...[order, decider]: Parameters<QueueStore['drain']>) =>
      drainOn(connection, order, decider, new DrainFloors()),
  } as QueueStore
}

async function scansOfPrepared(connection: PostingConnection): Promise<Scan[]> {
  const prepared = await connection.send(
    `select name, cardinality(parameter_types) as parameters from pg_prepared_statements
      where name <> ''`,
  )
  const scans: Scan[] = []
  for (const { name, parameters } of prepared.rows as { name: string; parameters: number }[]) {
    const nulls =
      parameters === 0 ? '' : `(${Array.from({ length: parameters }, () => 'null').join(', ')})`
    const { rows } = await connection.send(`explain (format json) execute "${name}"${nulls}`)
    scans.push(...scansIn(name, planOf(rows[0] as Row)))
  }
  return scans
}

const aheadStatements = new Set([
  'lock_and_compare',
  'agree',
  'write_batch_if_agreed',
  'write_mixed_batch_if_agreed',
])

const specialStatements = new Set([
  'lock_targets',
  'entries_of_targets',
  'write_mixed_batch',
  'write_mixed_accepted',
  'write_mixed_drained',
])

const queueStatements = new Set([
  'take_sequence',
  'write_accepted',
  'take_slots',
  'take_oldest',
  'lock_slots',
  'take_places',
  'write_drained',
  'look_at_oldest',
  'add_deaths',
  'find_batch',
  'write_accepted_batch',
  'members_of_batches',
])

const ofTaking = (statement: string) => [
  `${statement}: queued_transactions_pkey (ledger_id, slot, sequence)`,
  // Only what is parked is in it, next to nothing.
  `${statement}: queued_parked (ledger_id)`,
  `${statement}: queued_parked (ledger_id, slot)`,
  `${statement}: queued_parked (ledger_id, slot, ordering_key)`,
  `${statement}: Tid Scan`,
  `${statement}: transactions_pkey (ledger_id, id)`,
]
const expectedOfQueue: readonly string[] = [
  ...ofTaking('look_at_oldest'),
  'add_deaths: queued_transactions_pkey (ledger_id, slot, sequence)',
  'add_deaths: Tid Scan',
  ...ofTaking('take_slots'),
  ...ofTaking('take_oldest'),
  ...ofTaking('take_places'),
  'find_batch: batches_pkey (ledger_id, id)',
  'find_batch: batches_fingerprint (ledger_id, fingerprint)',
  'members_of_batches: batch_members_pkey (ledger_id, batch_id)',
  'members_of_batches: transactions_pkey (ledger_id, id)',
  'write_drained: transactions_pkey (ledger_id, id)',
  'write_drained: accounts_pkey (ledger_id, id)',
  'write_drained: Tid Scan',
  'write_drained: event_numbering_pkey (id)',
  'write_accepted_batch: event_numbering_pkey (id)',
]
