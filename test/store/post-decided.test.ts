import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import type { Witness } from '../../shared/engine/audit-record.ts'
import type { ChainedAccount } from '../../shared/engine/entry-chain.ts'
import { Posting } from '../../shared/engine/post.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import type { BatchState } from '../../shared/engine/posting-store.ts'
import { minorUnits } from '../../shared/ledger/money.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { estimateAgeMsMax } from '../../shared/store/postgres/agree.ts'
import { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'
import { voidCommand } from '../../shared/wire/target-request.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { payment, type Payment } from '../support/people.ts'
import { until } from '../support/until.ts'
import { behind, decidedBy, sendDecided, stateFor } from './decided-batch.ts'

let url: string
let store: LedgerStore
let connection: PostingConnection
let cash: string
let alice: string
/** Has nothing, and must not have less. */
let poor: string
beforeAll(async () => {
  url = await createPostgresDatabase()
  store = (await openStore({ dialect: 'postgres', url })).store
  cash = await openAccount(store, 'asset')
  alice = await openAccount(store, 'liability')
  poor = await openAccount(store, 'liability', 0n)
  await new Posting(store, new Metrics().posting).post(pay())
})
afterAll(() => store.close())
beforeEach(async () => {
  connection = await PostingConnection.open(url)
  return () => connection.close()
})

const witness: Witness = (end) => ({
  ledgerId,
  credential: 'somebody',
  role: null,
  address: null,
  action: 'post',
  outcome: 'done',
  status: 201,
  code: null,
  object: { kind: end.kind, id: end.id },
  requestId: null,
  count: 1,
})

/** A payment to alice that leaves a record of who asked for it, under a key of its own. */
function pay(more: Partial<Payment> = {}): PostCommand {
  const one = payment({ debit: cash, credit: alice, amount: '1.00', ...more })
  return { ...commandOf({ idempotency_key: randomUUID(), ...one }), witness }
}

/** How many rows each table has, and how alice and cash stand. */
async function everything(): Promise<unknown> {
  return withClient(url, async (client) => {
    const counts: Record<string, number> = {}
    const tables = await client.query<{ name: string }>(
      `select tablename as name from pg_tables where schemaname = 'public' order by 1`,
    )
    for (const { name } of tables.rows) {
      const { rows } = await client.query<{ n: number }>(`select count(*)::int as n from ${name}`)
      counts[name] = rows[0]?.n ?? 0
    }
    const accounts = await client.query(`select * from accounts order by id`)
    return { counts, accounts: accounts.rows as unknown[] }
  })
}

const withAlice = (state: BatchState, change: Partial<ChainedAccount>): BatchState => {
  const accounts = new Map(state.accounts)
  accounts.set(alice, { ...accounts.get(alice)!, ...change })
  return { ...state, accounts }
}

describe('a batch that was decided ahead of its lock', () => {
  it.each([
    ['a payment', () => pay()],
    ['a hold', () => pay({ hold: { expires_in: 60 } })],
    ['a refusal under a key', () => pay({ debit: poor, credit: alice })],
  ])('writes %s with its record and events where all is as it was taken to be', async (_, make) => {
    const command = make()
    const before = (await everything()) as { counts: Record<string, number> }
    // Again where the time that was read has grown too old on its way.
    await until('it is written', async () =>
      sendDecided(connection, decidedBy(await stateFor(connection, [command]), [command])),
    )

    const { counts } = (await everything()) as { counts: Record<string, number> }
    const grown = (table: string) => (counts[table] ?? 0) - (before.counts[table] ?? 0)
    expect(['transactions', 'events', 'audit_log'].map(grown)).toEqual([1, 1, 1])
    expect(await store.findTransaction(ledgerId, command.transactionId)).toMatchObject({
      idempotencyKey: command.idempotencyKey,
    })
  })

  const changes: readonly (readonly [title: string, change: (state: BatchState) => BatchState])[] =
    [
      ['an account has another version', (s) => withAlice(s, { version: 99 })],
      ['an account has another history', (s) => withAlice(s, { chainHash: '00'.repeat(32) })],
      ['an account is taken to be new', (s) => withAlice(s, { version: 0, chainHash: null })],
      ['more is held on a side', (s) => withAlice(s, { heldDebits: minorUnits(5n) })],
      ['more is held on the other', (s) => withAlice(s, { heldCredits: minorUnits(5n) })],
      ['an account has another status', (s) => withAlice(s, { status: 'frozen' })],
      ['an account has a floor', (s) => withAlice(s, { minAvailable: minorUnits(-100_000n) })],
      ['the estimate is too old', (s) => ({ ...s, now: s.now - estimateAgeMsMax - 1 })],
      ['the estimate lies in the future', (s) => ({ ...s, now: s.now + 60_000 })],
      [
        'an account does not exist',
        (s) => {
          const accounts = new Map(s.accounts)
          const id = randomUUID()
          accounts.set(id, { ...accounts.get(alice)!, id })
          return { ...s, accounts }
        },
      ],
    ]
  it.each(changes)('writes nothing at all where %s', async (_, change) => {
    for (const command of [pay(), pay({ hold: { expires_in: 60 } })]) {
      const state = await stateFor(connection, [command])
      const { reads, writes } = decidedBy(state, [command])
      const before = await everything()
      expect(
        await sendDecided(connection, { reads, state: change(state), writes, outcomes: [] }),
      ).toBe(false)
      expect(await everything()).toEqual(before)
    }
  })

  it('writes nothing where its key is known, to a transaction or to the change of a hold', async () => {
    const first = pay({ hold: { expires_in: 60 } })
    const outcome = await new Posting(store, new Metrics().posting).post(first)
    if (outcome.kind !== 'written') throw new Error('not written')
    const key = randomUUID()
    await new Posting(store, new Metrics().posting).post(voidCommand(outcome.transaction, key))
    for (const known of [first.idempotencyKey ?? '', key]) {
      const command = pay({ idempotency_key: known })
      const batch = decidedBy(await stateFor(connection, [command]), [command])
      const before = await everything()
      expect(await sendDecided(connection, batch)).toBe(false)
      expect(await everything()).toEqual(before)
    }
  })

  it('does not wait for an account that somebody else has locked', async () => {
    const batch = decidedBy(await stateFor(connection, [pay()]), [pay()])
    await withClient(url, async (client) => {
      await client.query(`begin; select 1 from accounts where id = '${alice}' for update`)
      expect(await sendDecided(connection, batch)).toBe(false)
      await client.query('rollback')
    })
  })

  it('may be sent behind another, whose answer is not there yet', async () => {
    const both = until('both are written', async () => {
      const first = decidedBy(await stateFor(connection, [pay()]), [pay(), pay()])
      const second = decidedBy(behind(first), [pay()])
      const written = await Promise.all(
        [first, second].map((batch) => sendDecided(connection, batch)),
      )
      return written.every(Boolean)
    })
    expect(await both).toBe(true)
  })

  it.each([
    ['finds its accounts changed', (s: BatchState) => withAlice(s, { version: 99 }), false],
    ['is refused by the guards', (s: BatchState) => s, true],
  ])('writes nothing behind another that %s', async (_, change, isCorrupt) => {
    // What a failed transaction was to prepare is not there for the next one.
    await sendDecided(connection, decidedBy(await stateFor(connection, [pay()]), [pay()]))
    const state = await stateFor(connection, [pay()])
    const first = decidedBy(state, [pay()])
    const second = decidedBy(behind(first), [pay()])
    const [one] = first.writes.transactions
    if (isCorrupt && one !== undefined) {
      const entries = one.entries.map((entry, at) =>
        at === 0 ? { ...entry, amount: minorUnits(entry.amount + 1n) } : entry,
      )
      Object.assign(first.writes, { transactions: [{ ...one, entries }] })
    }
    const before = await everything()
    const ends = await Promise.allSettled([
      sendDecided(connection, { ...first, state: change(state) }),
      sendDecided(connection, second),
    ])
    expect(ends[0]).toMatchObject(
      isCorrupt ? { reason: { kind: 'deterministic' } } : { value: false },
    )
    expect(ends[1]).toMatchObject({ value: false })
    expect(await everything()).toEqual(before)
  })
})
