import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startServers, startWorld, type Servers } from './harness/world.ts'
import type { Mutant } from './mutants/mutated-sources.ts'
import { mutants } from './mutants/mutants.ts'
import { springOn, traps, type Trap } from './mutants/traps.ts'

describe('the suite catches', () => {
  let servers: Servers
  beforeAll(async () => {
    servers = await startServers()
  })
  afterAll(async () => {
    await servers?.stop()
  })

  const all: Record<string, Mutant> = mutants
  it.each(Object.entries(traps))('%s', async (name, trap: Trap) => {
    const mutant = all[name]
    if (mutant === undefined) throw new Error(`there is no mutant ${name}`)
    const findings = await springOn(servers, mutant, trap)
    console.log(mutant.name, findings.slice(0, 3))
    expect(findings.join('\n')).toMatch(trap.expected)
  })

  it('nothing in the same traps when nothing is wrong', async () => {
    const world = await startWorld(servers)
    try {
      for (const [name, { spring }] of Object.entries(traps)) {
        expect({ name, found: await spring(world) }).toEqual({ name, found: [] })
      }
    } finally {
      await world.close()
    }
  })
})
