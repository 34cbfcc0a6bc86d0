import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startBankReader } from './harness/bank-reader.ts'
import { findingsAfter } from './harness/findings.ts'
import { startLoad } from './harness/load.ts'
import { attack } from './harness/nemesis.ts'
import { seedOfRun } from './harness/random.ts'
import { startServers, startWorld, type Servers } from './harness/world.ts'
import { deadlyRow } from './mutants/deadly-row.ts'
import { misfitsOf } from './mutants/mutated-sources.ts'
import { mutants } from './mutants/mutants.ts'
import { springOn, traps } from './mutants/traps.ts'

// The short form of the fault suite; the long one is `npm run test:faults`.

it.each([...Object.values(mutants), deadlyRow])(
  'the mutant “$name” still applies',
  async (mutant) => {
    await expect(misfitsOf(mutant)).resolves.toEqual([])
  },
)

let servers: Servers
beforeAll(async () => {
  servers = await startServers()
}, 60_000)
afterAll(async () => {
  await servers?.stop()
})

describe('two APIs and two workers', () => {
  it('lose, double and reorder nothing while workers, Redis and connections die, and stop in good order', async () => {
    const world = await startWorld(servers)
    try {
      const load = await startLoad(world)
      const reader = startBankReader(world)
      await attack(world, {
        seed: seedOfRun(),
        durationMs: 12_000,
        pauseMs: 1500,
        faults: [
          'kill a worker',
          'flush Redis',
          'terminate backends',
          'cut connections',
          'cut before COMMIT',
          'cut after COMMIT',
        ],
      })
      expect(await findingsAfter(world, load, reader)).toEqual([])
      expect(load.journal.count('accepted')).toBeGreaterThan(100)
      expect(reader.readings).toBeGreaterThan(5)

      const ends = await Promise.all(world.members.map(({ process }) => process.terminate()))
      expect(ends.map(({ code }) => code)).toEqual([0, 0, 0, 0])
      expect(Math.max(...ends.map(({ ms }) => ms))).toBeLessThan(25_000)
    } finally {
      await world.close()
    }
  }, 120_000)
})

describe('the same checks catch', () => {
  it.each(['acknowledgeBeforeCommit', 'missingEntry'] as const)(
    '%s',
    async (name) => {
      const found = await springOn(servers, mutants[name], traps[name])
      expect(found.join('\n')).toMatch(traps[name].expected)
    },
    90_000,
  )
})
