import { randomInt } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { FoundRecords } from '../../shared/store/find-records.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { makeKey } from '../support/keys.ts'
import { postgres, sqlite } from '../support/service.ts'
import {
  forEachOf,
  JournaledLoad,
  openAccounts,
  pay,
  type Accounts,
  type JournalEntry,
  type Target,
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
    const { store } = await openStore(location)
    const key = await makeKey(store, 'poster', 1)
    await store.close()
    let accounts: Accounts | undefined
    let service = await ServiceProcess.start(location)
    try {
      for (let round = 0; round < rounds; round += 1) {
        const target = { url: service.url, key }
        accounts ??= await openAccounts(target)
        const load = new JournaledLoad(target, accounts)
        await load.untilAnswered(randomInt(answersMin, answersMax))
        expect(await service.end('SIGKILL')).toMatchObject({ signal: 'SIGKILL' })
        await load.untilOver()
        expect(load.unanswered.length).toBeGreaterThan(0)
        all.push(...load.journal)

        expect((await verifyStore(location)).differences).toEqual([])
        service = await ServiceProcess.start(location)
        await resolveAll({ url: service.url, key }, accounts, load)
      }
      const [ledger] = (await verifyStore(location)).ledgers
      expect(ledger).toMatchObject({
        transactions: { posted: all.length, failed: 0 },
        entriesOfAccounts: 2 * all.length,
        entriesOfTransactions: 2 * all.length,
      })
      expect(new Set(all.map((entry) => entry.acknowledged)).size).toBe(all.length)
      await service.end('SIGTERM')
      // Who posted it is as durable as what was posted: one record each, also of what was never answered.
      const recorded = await objectsRecorded(location)
      expect(recorded).toHaveLength(all.length)
      expect(new Set(recorded)).toEqual(new Set(all.map((entry) => entry.acknowledged)))
    } finally {
      await service.clear()
    }
  })
})

/** The transactions that the audit log says were posted. */
async function objectsRecorded(location: StoreLocation): Promise<string[]> {
  const { store } = await openStore(location)
  const objects: string[] = []
  const filter = { action: 'postTransaction', outcome: 'done' } as const
  let after: string | undefined
  do {
    const found: FoundRecords = await store.findRecords(1, filter, { after, size: 1000 })
    objects.push(...found.records.map(({ object }) => object?.id ?? ''))
    after = found.next
  } while (after !== undefined)
  await store.close()
  return objects
}

/** Repeats everything that was sent: what was acknowledged is the same, what was not becomes one and the same. */
async function resolveAll(target: Target, accounts: Accounts, load: JournaledLoad): Promise<void> {
  await forEachOf(load.acknowledged, async (entry) => {
    const again = await pay(target, accounts, entry.key)
    expect(again).toEqual({ status: 201, id: entry.acknowledged, replayed: true })
  })
  await forEachOf(load.unanswered, async (entry) => {
    const [one, other] = await Promise.all([
      pay(target, accounts, entry.key),
      pay(target, accounts, entry.key),
    ])
    expect([one.status, other.status, other.id]).toEqual([201, 201, one.id])
    entry.acknowledged = one.id
  })
}
