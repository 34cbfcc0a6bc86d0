import { rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { withClient } from '../../../scripts/provision/postgres-database.ts'
import { payment } from '../../support/people.ts'
import { startBankReader } from '../harness/bank-reader.ts'
import { findingsAfter, queueIsEmpty } from '../harness/findings.ts'
import { openCast, send, startLoad, type LoadOptions } from '../harness/load.ts'
import { attack, type Fault } from '../harness/nemesis.ts'
import { startWorld, type Servers, type World } from '../harness/world.ts'
import type { mutants } from './mutants.ts'
import { mutatedSources, type Mutant } from './mutated-sources.ts'

/** A short scenario that a mutant should not survive, and what it should be caught by. */
export interface Trap {
  /** Gives what was found; nothing when all is well. */
  readonly spring: (world: World) => Promise<string[]>
  readonly expected: RegExp
}

/** Starts a mutant, springs its trap and gives what was found. */
export async function springOn(
  servers: Servers,
  mutant: Mutant,
  { spring }: Trap,
): Promise<string[]> {
  const sources = await mutatedSources(mutant)
  try {
    const world = await startWorld(servers, { sources, sql: mutant.sql ?? [] })
    try {
      return await spring(world)
    } finally {
      await world.close()
    }
  } finally {
    await rm(sources, { recursive: true, force: true })
  }
}

/** What a trap gives the queue to become empty: without a fault a second or two are enough. */
const restMsMax = 8000

/** Load for a while under attack, then all checks. The seed is fixed: the trap is the same each time. */
async function underLoad(
  world: World,
  { load: options = {}, faults = [], ms = 4000 }: TrapLoad,
): Promise<string[]> {
  const load = await startLoad(world, options)
  const reader = startBankReader(world)
  if (faults.length === 0) await sleep(ms)
  else await attack(world, { seed: 7, durationMs: ms, pauseMs: 300, faults })
  return findingsAfter(world, load, reader, restMsMax)
}

interface TrapLoad {
  readonly load?: LoadOptions
  readonly faults?: readonly Fault[]
  readonly ms?: number
}

/** One trap for each mutant. */
export const traps = {
  acknowledgeBeforeCommit: {
    spring: (world) => underLoad(world, { faults: ['cut before COMMIT', 'cut connections'] }),
    expected: /is not in the database/,
  },
  drainWithoutGuard: {
    spring: drainedOnce,
    expected: /moved other money|not within/,
  },
  noSlotLock: {
    spring: oneDrainASlot,
    expected: /in the same slot/,
  },
  jobCarriesTheWork: {
    spring: (world) =>
      underLoad(world, { load: { ordered: 12, sync: 0, twins: 0, spenders: 0, pauseMs: 1 } }),
    expected: /P7/,
  },
  uniqueKeyDropped: {
    spring: (world) => underLoad(world, { load: { twins: 8, pauseMs: 1 } }),
    expected: /more than one transaction|and became/,
  },
  unsortedLocks: {
    spring: withoutDeadlocks,
    expected: /deadlock/,
  },
  balanceReadWithoutLock: {
    spring: (world) => underLoad(world, { load: { sync: 16, pauseMs: 1 } }),
    expected: /P2|verify/,
  },
  missingEntry: {
    spring: (world) => underLoad(world, { ms: 2000 }),
    expected: /P1/,
  },
  sweeperOff: {
    spring: lostRings,
    expected: /nothing is queued any more/,
  },
  newIdAfterUnknown: {
    spring: answersLost,
    expected: /more than one transaction/,
  },
  refusalNotStored: {
    spring: (world) => underLoad(world, { load: { spenders: 6, pauseMs: 2 }, ms: 3000 }),
    expected: /answered \(refused\) and is not in the database|and became/,
  },
  amountsThroughFloat: {
    spring: (world) => underLoad(world, { ms: 6000 }),
    expected: /other money/,
  },
} satisfies Partial<Record<keyof typeof mutants, Trap>>

/** A few asynchronous payments, each of which must move its money once and leave the queue. */
async function drainedOnce(world: World): Promise<string[]> {
  const load = await startLoad(world, { sync: 0, twins: 0, spenders: 0 })
  await load.acknowledged(20, 30_000)
  return findingsAfter(world, load, undefined, restMsMax)
}

/**
 * One drain waits for an account while the other worker's sweep comes to its slot, which must pass on: a drain that waits for a
 * row of the queue is in a slot with somebody else.
 */
async function oneDrainASlot(world: World): Promise<string[]> {
  const cast = await openCast(world)
  const [wallet = ''] = cast.wallets
  const body = payment({ debit: wallet, credit: cast.hub, amount: '1.00' })
  const wish = { mode: 'async', body } as const
  const found = new Set<string>()
  await withClient(world.databaseUrl, async (client) => {
    await client.query('begin')
    await client.query('select 1 from accounts where id = $1 for update', [wallet])
    await send(world, 0, wish)
    // Less than a drain waits for an account: until then only one can have the slot.
    const end = performance.now() + 1800
    while (performance.now() < end) {
      const waiting = await world.sql(
        `select 1 from pg_stat_activity
          where datname = current_database() and application_name = 'ledgerflow-posting'
            and wait_event_type = 'Lock' and query like '%queued_transactions%'`,
      )
      if (waiting.length > 0) found.add('two drains are in the same slot')
      await sleep(20)
    }
    await client.query('rollback')
  })
  await queueIsEmpty(world, restMsMax)
  return [...found]
}

/** Payments without a key, one after the other; the answer to the COMMIT of each is lost. */
async function answersLost(world: World): Promise<string[]> {
  const [api] = world.apis
  const { hub, wallets } = await openCast(world)
  const references = Array.from({ length: 5 }, (_, number) => `answer ${number} is lost`)
  const before = api?.toPostgres.cuts ?? 0
  for (const reference of references) {
    api?.toPostgres.cutAtCommit('after_commit')
    const wish = { debit: hub, credit: wallets[0] ?? '', amount: '1.00', reference }
    await send(world, 0, { mode: 'sync', body: payment(wish) })
  }
  const cuts = (api?.toPostgres.cuts ?? 0) - before
  if (cuts !== references.length) return [`${cuts} of ${references.length} answers were lost`]
  const twice = await world.sql<{ reference: string }>(
    'select reference from transactions where reference = any($1) group by reference having count(*) > 1',
    [references],
  )
  return twice.map(({ reference }) => `“${reference}” has more than one transaction`)
}

/** Payments over many accounts in one batch beside others over the same ones. */
async function withoutDeadlocks(world: World): Promise<string[]> {
  const before = await deadlocksOf(world)
  const found = await underLoad(world, { load: { sync: 24, pauseMs: 1 }, ms: 5000 })
  // The counters of a session arrive when it is idle for a moment.
  await sleep(1500)
  const deadlocks = (await deadlocksOf(world)) - before
  return deadlocks > 0 ? [...found, `${deadlocks} deadlocks`] : found
}

async function deadlocksOf(world: World): Promise<number> {
  const [row] = await world.sql<{ deadlocks: string }>(
    'select deadlocks from pg_stat_database where datname = current_database()',
  )
  return Number(row?.deadlocks)
}

/** Accepts while nobody drains, loses every ring, and lets the workers go on. */
async function lostRings(world: World): Promise<string[]> {
  const cast = await openCast(world)
  for (const { process } of world.workers) await process.kill()
  const body = payment({ debit: cast.wallets[0] ?? '', credit: cast.hub, amount: '1.00' })
  for (let number = 0; number < 10; number += 1) await send(world, number, { mode: 'async', body })
  await world.redis('flushall')
  for (const { process } of world.workers) await process.start()
  return queueIsEmpty(world, restMsMax).then(
    () => [],
    (error: Error) => [error.message],
  )
}
