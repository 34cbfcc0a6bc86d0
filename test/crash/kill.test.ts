import { randomInt } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { postgres, sqlite } from '../support/service.ts'
import {
  forEachOf,
  JournaledLoad,
  openAccounts,
  pay,
  type Accounts,
  type JournalEntry,
} from './journaled-load.ts'
import { ServiceProcess } from './service-process.ts'

const rounds = 2
/** How many answers the service may give before it is killed: never the same moment twice. */
const answersMin = 20
const answersMax = 400

describe.each([
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
])('a service on $name that is killed with -9 under load', ({ create }) => {
  test('has every acknowledged transaction once when it is back, and its books are right', async () => {
    const location = await create()
    const all: JournalEntry[] = []
    let accounts: Accounts | undefined
    let service = await ServiceProcess.start(location)
    try {
      for (let round = 0; round < rounds; round += 1) {
        accounts ??= await openAccounts(service.url)
        const load = new JournaledLoad(service.url, accounts)
        await load.untilAnswered(randomInt(answersMin, answersMax))
        expect(await service.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
        await load.untilOver()
        expect(load.unanswered.length).toBeGreaterThan(0)
        all.push(...load.journal)

        expect((await verifyStore(location)).differences).toEqual([])
        service = await ServiceProcess.start(location)
        await resolveAll(service.url, accounts, load)
      }
      const [ledger] = (await verifyStore(location)).ledgers
      expect(ledger).toMatchObject({
        transactions: { posted: all.length, failed: 0 },
        entriesOfAccounts: 2 * all.length,
        entriesOfTransactions: 2 * all.length,
      })
      expect(new Set(all.map((entry) => entry.acknowledged)).size).toBe(all.length)
    } finally {
      await service.clear()
    }
  })
})

/** Repeats everything that was sent: what was acknowledged is the same, what was not becomes one and the same. */
async function resolveAll(url: string, accounts: Accounts, load: JournaledLoad): Promise<void> {
  await forEachOf(load.acknowledged, async (entry) => {
    const again = await pay(url, accounts, entry.key)
    expect(again).toEqual({ status: 201, id: entry.acknowledged, replayed: true })
  })
  await forEachOf(load.unanswered, async (entry) => {
    const [one, other] = await Promise.all([
      pay(url, accounts, entry.key),
      pay(url, accounts, entry.key),
    ])
    expect([one.status, other.status, other.id]).toEqual([201, 201, one.id])
    entry.acknowledged = one.id
  })
}
