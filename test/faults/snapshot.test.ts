import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provisionPostgres, type PostgresServer } from '../../scripts/provision/postgres.ts'
import { DrainRounds } from '../../shared/engine/drain-rounds.ts'
import { Posting } from '../../shared/engine/post.ts'
import { slotCount } from '../../shared/engine/slot.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { queueBacklog } from '../support/backlog.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'

/**
 * How many are posted and drained beside the open snapshot. The long form, ten minutes and more, is
 * `FAULTS_SNAPSHOT=500000 npm run test:faults -- test/faults/snapshot.test.ts`.
 */
const transactions = Number(process.env['FAULTS_SNAPSHOT'] ?? 40_000)

/** How often each account moves beside the snapshot, which keeps all its versions. */
const movesOfAccount = 200
const accountCount = (2 * transactions) / movesOfAccount

/** One turn: so many are posted, then so many queued and drained. */
const turnSize = 2000

/** Payments that wait for their batch at once. */
const inFlight = 400

/** When full speed must be back. Postgres looks for what it may remove once a minute, unless it is told otherwise. */
const backMsMax = 75_000

/** Two measurements of the same differ by as much on busy cores. */
const sameShare = 0.8

const kinds = ['posted', 'drained'] as const

const allSlots = Array.from({ length: slotCount }, (_, slot) => slot)

describe('somebody keeps a snapshot open', () => {
  let postgres: PostgresServer
  let url: string
  let store: LedgerStore
  let accounts: string[]
  beforeAll(async () => {
    postgres = await provisionPostgres({ durable: false, ownServer: true })
    url = await postgres.createDatabase('snapshot')
    store = (await openStore({ dialect: 'postgres', url })).store
    accounts = []
    while (accounts.length < accountCount) {
      const some = Array.from({ length: 100 }, () => openAccount(store, 'asset'))
      accounts.push(...(await Promise.all(some)))
    }
  }, 600_000)
  afterAll(async () => {
    await store?.close()
    await postgres?.stop()
  })

  it(
    `while ${transactions} are posted and drained: half the speed at its end, full speed a minute after`,
    async () => {
      // As many before: a ledger is slower by its size as well, and that is not looked for here.
      const before = bestOf((await turns()).slice(-5))
      const holder = new Client({ connectionString: url, application_name: 'a backup' })
      await holder.connect()
      await holder.query('begin isolation level repeatable read')
      await holder.query('select count(*) from accounts')
      const meanwhile = await turns()
      const atItsEnd = bestOf(meanwhile.slice(-5))
      await holder.end()
      const ended = performance.now()
      let after = await turn()
      const isBack = () => kinds.every((kind) => after[kind] > before[kind] * sameShare)
      while (!isBack() && performance.now() - ended < backMsMax) {
        await sleep(1000)
        after = bestOf([after, await turn()])
      }
      const backMs = Math.round(performance.now() - ended)
      console.log({ before, meanwhile: meanwhile.map(texted).join(', '), atItsEnd, after, backMs })
      for (const kind of kinds) {
        expect(atItsEnd[kind], `${kind} at its end`).toBeGreaterThan(before[kind] / 2)
        expect(after[kind], `${kind} after it`).toBeGreaterThan(before[kind] * sameShare)
      }
      expect((await verifyStore({ dialect: 'postgres', url })).differences).toEqual([])
    },
    60 * 60_000,
  )

  /** Transactions a second. */
  interface Speed {
    readonly posted: number
    readonly drained: number
  }

  async function turn(): Promise<Speed> {
    return { posted: await post(), drained: await drain() }
  }

  /** Posts and drains all. */
  async function turns(): Promise<Speed[]> {
    const speeds: Speed[] = []
    for (let done = 0; done < transactions; done += 2 * turnSize) speeds.push(await turn())
    return speeds
  }

  /** The best of a few turns: what else runs on the machine only makes one slower. */
  function bestOf(speeds: readonly Speed[]): Speed {
    return {
      posted: Math.max(...speeds.map(({ posted }) => posted)),
      drained: Math.max(...speeds.map(({ drained }) => drained)),
    }
  }

  async function post(): Promise<number> {
    const posting = new Posting(store, new Metrics().posting)
    let left = turnSize
    const begun = performance.now()
    const client = async () => {
      for (; left > 0; left -= 1) await posting.post(commandOf(anyPayment()))
    }
    await Promise.all(Array.from({ length: inFlight }, client))
    return rateSince(begun)
  }

  async function drain(): Promise<number> {
    await queueBacklog(store, Array.from({ length: turnSize }, anyPayment))
    let ended = 0
    const rounds = new DrainRounds(store, {
      ended: ({ length }) => {
        ended += length
      },
      parked: () => undefined,
      failed: () => undefined,
    })
    const begun = performance.now()
    // As a worker's sweep does: by it the store learns below which numbers of the queue nothing is left.
    await store.slotsWaiting(0)
    while (ended < turnSize) await rounds.ring(ledgerId, allSlots)
    return rateSince(begun)
  }

  function anyPayment() {
    const debit = Math.floor(Math.random() * accountCount)
    const credit = (debit + 1 + Math.floor(Math.random() * (accountCount - 1))) % accountCount
    return payment({
      debit: accounts[debit] ?? '',
      credit: accounts[credit] ?? '',
      amount: '1.00',
    })
  }

  function rateSince(begun: number): number {
    return Math.round(turnSize / ((performance.now() - begun) / 1000))
  }

  function texted({ posted, drained }: Speed): string {
    return `${posted}/${drained}`
  }
})
