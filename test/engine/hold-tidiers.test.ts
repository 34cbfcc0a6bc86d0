import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { HoldTidier } from '../../services/worker/hold-tidier.ts'
import { Posting } from '../../shared/engine/post.ts'
import { createLog } from '../../shared/log.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { HoldStore, LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { until } from '../support/until.ts'

const holds = 60

/** Lets nobody go on until so many have come. */
function meeting(count: number): () => Promise<void> {
  let left = count
  let open: () => void = () => undefined
  const all = new Promise<void>((resolve) => {
    open = resolve
  })
  return () => {
    left -= 1
    if (left === 0) open()
    return all
  }
}

describe.each([
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
])('two tidiers on $name that have found the same holds', ({ name, create }) => {
  let location: StoreLocation
  let store: LedgerStore
  let posting: Posting
  let alice: string
  let bob: string
  beforeAll(async () => {
    location = await create()
    store = (await openStore(location)).store
    posting = new Posting(store, new Metrics().posting)
    const cash = await openAccount(store, 'asset')
    alice = await openAccount(store, 'liability', 0n)
    bob = await openAccount(store, 'liability')
    await posting.post(commandOf(payment({ debit: cash, credit: alice, amount: '100.00' })))
  })
  afterAll(() => store.close())

  it('release each hold once', async () => {
    const ends = Date.now() + 1000
    const placed = await Promise.all(
      Array.from({ length: holds }, async () => {
        const hold = { expires_at: new Date(ends).toISOString() }
        const request = payment({ debit: alice, credit: bob, amount: '1.00', hold })
        return posting.post(commandOf(request))
      }),
    )
    expect(placed.map(({ kind }) => kind)).toEqual(Array.from({ length: holds }, () => 'written'))

    // Neither ends any of them before both know of all: each then ends what the other one ends too.
    const bothKnow = meeting(2)
    // Only one process may have a SQLite file; there it is two tidiers of one.
    const other = name === 'sqlite' ? store : (await openStore(location)).store
    const finding = (own: LedgerStore): HoldStore => ({
      holdsDue: async (now, size) => {
        const due = await own.holdsDue(now, size)
        if (due.length > 0) await bothKnow()
        return due
      },
    })
    const log = createLog('silent')
    const tidiers = [store, other].map(
      (own) => new HoldTidier(finding(own), new Posting(own, new Metrics().posting), log),
    )
    try {
      for (const tidier of tidiers) tidier.start()
      await until('all have ended', async () => {
        const account = await store.findAccount(ledgerId, alice)
        return account?.heldDebits === 0n
      })
    } finally {
      await Promise.all(tidiers.map((tidier) => tidier.stop()))
      if (other !== store) await other.close()
    }

    // Each end is told once, and what is held is what the open holds have left.
    const { differences, ledgers } = await verifyStore(location)
    expect(differences).toEqual([])
    expect(ledgers).toMatchObject([
      {
        openHolds: 0,
        transactions: { expired: holds, held: 0, posted: 1 },
        told: { events: 4 + 2 * holds },
      },
    ])
    const account = await store.findAccount(ledgerId, alice)
    expect([account?.heldDebits, account?.postedDebits, account?.postedCredits]).toEqual([
      0n,
      0n,
      10_000n,
    ])
  })
})
