import Database from 'better-sqlite3'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Posting } from '../../shared/engine/post.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { commandOf, openAccount } from '../support/commands.ts'
import { createSqlitePath } from '../support/databases.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { spoilable, type Spoilable } from './spoilable-books.ts'

const stores = [
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
]

/** More accounts, and more entries on one, than one read takes, and more transactions. */
const wallets = 520
const payments = 2700
const atOnce = 20

/** A ledger of two accounts and more counts as a large one; its accounts are added up as they stood some time ago. */
const pageByPage = (trailMs: number) => ({ cut: { accountsAtOnceMax: 1, trailMs } })

describe.each(stores)('verification on $name', ({ create }) => {
  let location: StoreLocation
  let store: LedgerStore
  let posting: Posting
  let cash: string
  let alice: string
  let bob: string
  let spoiled: Spoilable

  beforeAll(async () => {
    location = await create()
    store = (await openStore(location)).store
    posting = new Posting(store, new Metrics().posting)
    cash = await openAccount(store, 'asset')
    alice = await openAccount(store, 'liability', 0n)
    bob = await openAccount(store, 'liability', 0n)
    const effective_at = '2020-01-01T00:00:00Z'
    await post(payment({ debit: cash, credit: alice, amount: '100.00', effective_at }))
    await post(payment({ debit: alice, credit: bob, amount: '30.00', idempotency_key: 'first' }))
    await post(payment({ debit: bob, credit: alice, amount: '31.00', idempotency_key: 'failed' }))
    spoiled = await spoilable(location)
  })
  afterAll(() => store.close())

  test('of an empty store is clean', async () => {
    const empty = await create()
    await (await openStore(empty)).store.close()
    const report = await verifyStore(empty)
    expect(report).toMatchObject({ clean: true, differences: [] })
    expect(report.ledgers).toMatchObject([{ ledgerId: 1, accounts: 0, entriesOfAccounts: 0 }])
  })

  test('of what was posted is clean and says what it looked at', async () => {
    expect(await verifyStore(location)).toMatchObject({
      clean: true,
      differenceCount: 0,
      ledgers: [
        {
          ledgerId: 1,
          accounts: 3,
          entriesOfAccounts: 4,
          entriesOfTransactions: 4,
          transactions: { posted: 2, failed: 1, queued: 0, canceled: 0 },
          queued: 0,
          totals: [{ currency: 'USD', accounts: 3, debits: 13_000n, credits: 13_000n }],
          moved: new Map([['USD', { debits: 13_000n, credits: 13_000n }]]),
        },
      ],
    })
  })

  test('page by page gives the same totals, also of accounts that have moved since', async () => {
    const { ledgers } = await verifyStore(location)
    expect(await verifyStore(location, pageByPage(0))).toMatchObject({ clean: true, ledgers })

    const anHour = await verifyStore(location, pageByPage(3_600_000))
    expect(anHour.differences).toEqual([])
    expect(anHour.ledgers[0]?.totals).toMatchObject([{ accounts: 3, debits: 0n, credits: 0n }])
  })

  test('page by page finds a stored balance that was changed, and one that is no number', async () => {
    const changed = (to: string) => `update accounts set posted_credits = ${to} where id = '${bob}'`
    await spoiled.spoil(changed(`'3001'`))
    expect((await verifyStore(spoiled.location, pageByPage(0))).differences[0]).toMatchObject({
      subject: 'currency USD',
      detail: 'all accounts together have debits 13000 and credits 13001',
    })
    await spoiled.spoil(changed(location.dialect === 'sqlite' ? `'x'` : `'NaN'`))
    const [first] = (await verifyStore(spoiled.location, pageByPage(0))).differences
    expect(first?.subject).toBe('currency USD')
  })

  test.each(damages)('finds $title', async ({ sql, found }) => {
    await spoiled.spoil(sql({ alice, bob, cash }))
    const report = await verifyStore(spoiled.location)
    const said = report.differences.map(({ subject, detail }) => `${subject} ${detail}`).join('\n')
    expect(report.clean).toBe(false)
    expect(said).toMatch(found)
  })

  test('names a hundred differences and counts the others', async () => {
    const rows = Array.from(
      { length: 120 },
      (_, index) => `(1, '${uuid(index)}', 'posted', 'USD', ${at(location)}, ${at(location)})`,
    )
    await spoiled.spoil(
      `insert into transactions (ledger_id, id, status, currency, created_at, posted_at)
       values ${rows.join(', ')}`,
    )
    const report = await verifyStore(spoiled.location)
    expect(report).toMatchObject({ clean: false, differenceCount: 120 })
    expect(report.differences).toHaveLength(100)
  })

  test('is clean at every moment of posting, over more rows than one read takes', async () => {
    const ids: string[] = []
    await inTurns(wallets, async () => {
      ids.push(await openAccount(store, 'liability'))
    })
    let left = payments
    const began = Date.now()
    const loaded = inTurns(payments, async (index) => {
      await post(payment({ debit: cash, credit: ids[index % wallets] ?? '', amount: '1.00' }))
      left -= 1
    })
    const verified = (async () => {
      let times = 0
      for (; left > 0; times += 1) {
        expect((await verifyStore(location)).differences).toEqual([])
      }
      return times
    })()
    await loaded
    const middleOfPosting = (began + Date.now()) / 2
    expect(await verified).toBeGreaterThan(0)

    const [ledger] = (await verifyStore(location)).ledgers
    expect(ledger).toMatchObject({
      accounts: wallets + 3,
      entriesOfAccounts: 2 * payments + 4,
      entriesOfTransactions: 2 * payments + 4,
      transactions: { posted: payments + 2 },
    })

    const middle = await verifyStore(location, pageByPage(Date.now() - middleOfPosting))
    expect(middle.differences).toEqual([])
    const { accounts, debits } = middle.ledgers[0]?.totals[0] ?? {}
    expect(accounts).toBe(wallets + 3)
    expect(debits).toBeGreaterThan(13_000n)
    expect(debits).toBeLessThan(13_000n + BigInt(payments) * 100n)
  })

  async function post(request: Parameters<typeof commandOf>[0]): Promise<void> {
    const outcome = await posting.post(commandOf(request))
    expect(outcome.kind).toBe('written')
  }
})

test('verification of a file that does not exist, or that has no ledger, rejects', async () => {
  const path = createSqlitePath()
  await expect(verifyStore({ dialect: 'sqlite', path })).rejects.toThrow('unable to open')
  new Database(path).exec('create table other (id integer)').close()
  await expect(verifyStore({ dialect: 'sqlite', path })).rejects.toThrow('no such table')
})

interface People {
  readonly alice: string
  readonly bob: string
  readonly cash: string
}

/** Ways in which books can be wrong, written past every guard, and what is said of each. Both stores run the same SQL. */
const damages: readonly {
  readonly title: string
  readonly sql: (people: People) => string
  readonly found: RegExp
}[] = [
  {
    title: 'an amount that was changed',
    sql: ({ bob }) => `update entries set amount = '3001' where account_id = '${bob}'`,
    found:
      /account .* entry 1 says balance 3000, its predecessors add up to 3001[^]*transaction .* has debits 3000 and credits 3001/,
  },
  {
    title: 'a side that was changed',
    sql: ({ bob }) => `update entries set direction = 'debit' where account_id = '${bob}'`,
    found: /account .* has debits 0, its entries add up to 3000/,
  },
  {
    title: 'a running balance that was changed',
    sql: ({ alice }) =>
      `update entries set balance_after = '1' where account_id = '${alice}' and account_version = 2`,
    found: /entry 2 says balance 1, its predecessors add up to 7000/,
  },
  {
    title: 'a running total of debits that was changed',
    sql: ({ alice }) =>
      `update entries set debits_after = '1' where account_id = '${alice}' and account_version = 2`,
    found: /entry 2 says debits 1, its predecessors add up to 3000/,
  },
  {
    title: 'a stored balance that was changed',
    sql: ({ bob }) => `update accounts set posted_credits = '3001' where id = '${bob}'`,
    found:
      /USD all accounts together have debits 13000 and credits 13001[^]*account .* has credits 3001/,
  },
  {
    title: 'two stored balances that were changed together',
    sql: () => `update accounts set posted_debits = '1', posted_credits = '1'`,
    found: /account .* has debits 1, its entries add up to/,
  },
  {
    title: 'an entry that was removed',
    sql: ({ alice }) => `delete from entries where account_id = '${alice}' and account_version = 1`,
    found: /version 2 follows version 0[^]*is posted with 1 entries/,
  },
  {
    title: 'a last entry that was removed',
    sql: ({ bob }) => `delete from entries where account_id = '${bob}'`,
    found: /has version 1, its entries end at 0/,
  },
  {
    title: 'an account whose version was set back',
    sql: ({ alice }) => `update accounts set version = 1 where id = '${alice}'`,
    found: /has version 1 and an entry of version 2/,
  },
  {
    title: 'entries whose times go back',
    sql: ({ alice }) =>
      `update entries set posted_at = (select created_at from ledgers where id = 1)
        where account_id = '${alice}' and account_version = 2`,
    found: /entry 2 is older than the one before it[^]*has entries of another time than its own/,
  },
  {
    title: 'a time of last posting that was changed',
    sql: ({ bob }) => `update accounts set last_posted_at = null where id = '${bob}'`,
    found: /its time of last posting is not that of its last entry/,
  },
  {
    title: 'an account that was removed',
    sql: ({ bob }) => `delete from accounts where id = '${bob}'`,
    found: /transaction .* has 1 entries of accounts that do not exist/,
  },
  {
    title: 'a transaction that was removed',
    sql: () => `delete from transactions where idempotency_key = 'first'`,
    found: /transaction .* has 2 entries and is no posted transaction/,
  },
  {
    title: 'the newest transactions removed',
    sql: () => `delete from transactions`,
    found: /transaction .* has 2 entries and is no posted transaction/,
  },
  {
    title: 'entries of a failed transaction',
    sql: () =>
      `update transactions set status = 'failed', failed_at = posted_at, posted_at = null
        where idempotency_key = 'first'`,
    found: /has 2 entries and is no posted transaction/,
  },
  {
    title: 'a posted transaction without entries',
    sql: () =>
      `update transactions set status = 'posted', posted_at = failed_at, failed_at = null
        where idempotency_key = 'failed'`,
    found: /is posted with 0 entries/,
  },
  {
    title: 'a status that lacks its time',
    sql: () => `update transactions set status = 'canceled' where idempotency_key = 'failed'`,
    found: /is canceled and has a time failed_at[^]*is canceled and has no time canceled_at/,
  },
  {
    title: 'a transaction in a currency that its accounts do not have',
    sql: () => `update transactions set currency = 'EUR' where idempotency_key = 'first'`,
    found: /has entries in USD/,
  },
  {
    title: 'rows of a ledger that does not exist',
    sql: () => `update transactions set ledger_id = 7 where idempotency_key = 'failed'`,
    found: /ledger 7 does not exist and has transactions/,
  },
  {
    title: 'a queued transaction without a place in the queue',
    sql: () =>
      `update transactions set status = 'queued', failed_at = null, slot = 3, sequence = 7
        where idempotency_key = 'failed'`,
    found: /is queued and has no place of its own in the queue/,
  },
  {
    title: 'an entry of another effective time that is not noted',
    sql: ({ alice }) => `delete from dated_entries where account_id = '${alice}'`,
    found: /has 2 entries that take effect at another time, 1 are noted/,
  },
  {
    title: 'an effective time that was changed where it is noted',
    sql: ({ cash }) =>
      `update dated_entries set effective_at = posted_at where account_id = '${cash}'`,
    found: /1 are noted[^]*entry 1 is noted with an effective time that is not its transaction's/,
  },
  {
    title: 'an amount that was changed where it is noted',
    sql: ({ cash }) => `update dated_entries set amount = '1' where account_id = '${cash}'`,
    found: /1 are noted/,
  },
  {
    title: 'an effective time that was changed',
    sql: () => `update transactions set effective_at = posted_at where effective_at is not null`,
    found: /entry 1 is noted with an effective time that is not its transaction's/,
  },
  {
    title: 'a place in the queue of a transaction that has ended',
    sql: () =>
      `insert into queued_transactions
         (ledger_id, slot, sequence, transaction_id, entry_count, ordering_key, enqueued_at)
       select ledger_id, 3, 7, id, 2, 'alice', created_at from transactions
        where idempotency_key = 'failed'`,
    found: /is in the queue at slot 3, sequence 7 and not queued/,
  },
]

/** Runs `work` for 0 … count - 1, twenty at a time. */
async function inTurns(count: number, work: (index: number) => Promise<void>): Promise<void> {
  let next = 0
  const turns = Array.from({ length: atOnce }, async () => {
    while (next < count) {
      next += 1
      await work(next - 1)
    }
  })
  await Promise.all(turns)
}

/** Long before anything is told, so that no event is missed. */
function at({ dialect }: StoreLocation): string {
  return dialect === 'postgres' ? 'to_timestamp(1)' : '1000'
}

function uuid(index: number): string {
  return `01900000-0000-7000-8000-${index.toString(16).padStart(12, '0')}`
}
