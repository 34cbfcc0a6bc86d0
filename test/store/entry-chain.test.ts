import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Posting } from '../../shared/engine/post.ts'
import { Metrics } from '../../shared/metrics.ts'
import { entitiesFor } from '../../shared/store/entities/entities.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { commandOf, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { spoilable, type Spoilable } from './spoilable-books.ts'

const stores = [
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
]

const other = '01900000-0000-7000-8000-000000000001'

/** Ways to change alice's third entry of five, past every guard, and what is said of it. Both stores run the same SQL. */
const changes: readonly (readonly [set: string, said: RegExp])[] = [
  [`account_version = 9`, /version 4 follows version 2/],
  [`account_version = 9`, /entry 4 does not continue the chain/],
  [`account_id = '${other}'`, /entry 4 does not continue the chain/],
  [`ledger_id = 7`, /entry 4 does not continue the chain/],
  [`transaction_id = '${other}'`, /entry 3 does not continue the chain/],
  [`position = 0`, /entry 3 was changed: position was 1, not 0/],
  [`direction = 'debit'`, /entry 3 was changed: direction was credit, not debit/],
  [`amount = '7'`, /entry 3 was changed: amount was 300, not 7/],
  [`balance_after = '7'`, /entry 3 was changed: balance_after was 600, not 7/],
  [`debits_after = '7'`, /entry 3 was changed: debits_after was 0, not 7/],
  [
    `posted_at = (select created_at from ledgers where id = 1)`,
    /entry 3 was changed: posted_at was \d+, not \d+/,
  ],
  [`hash = null`, /entry 4 does not continue the chain/],
  [
    `hash = (select hash from entries where account_version = 2 limit 1)`,
    /the hash of entry 3 was changed/,
  ],
  [`follows_version = null`, /entry 4 follows version 3 in the order of ids, not 2/],
  [`follows_version = 1`, /entry 3 follows version 1 in the order of ids, not 2/],
]

describe.each(stores)('the chain of entries on $name', ({ create }) => {
  let location: StoreLocation
  let store: LedgerStore
  let spoiled: Spoilable
  let cash: string
  let alice: string

  beforeAll(async () => {
    location = await create()
    store = (await openStore(location)).store
    const posting = new Posting(store, new Metrics().posting)
    cash = await openAccount(store, 'asset')
    alice = await openAccount(store, 'liability')
    for (const amount of ['1.00', '2.00', '3.00', '4.00', '5.00']) {
      await posting.post(commandOf(payment({ debit: cash, credit: alice, amount })))
    }
    spoiled = await spoilable(location)
  })
  afterAll(() => store.close())

  const third = () => `account_id = '${alice}' and account_version = 3`
  const said = async (sql: string) => {
    await spoiled.spoil(sql)
    const { differences } = await verifyStore(spoiled.location)
    return differences.map(({ subject, detail }) => `${subject} ${detail}`).join('\n')
  }

  test('is clean as it was posted, and all of it is chained', async () => {
    expect(await said('select 1')).toBe('')
    const { ledgers } = await verifyStore(location)
    expect(ledgers).toMatchObject([{ entriesOfAccounts: 10, unchained: 0 }])
  })

  test.each(changes)('tells that an entry was set to %s', async (set, found) => {
    const what = await said(`update entries set ${set} where ${third()}`)
    expect(what).toMatch(found)
    expect(what).toContain(`account ${alice}`)
  })

  test('is told of every column that an entry has', () => {
    const columns = entitiesFor(location.dialect).entries.options.columns
    const names = Object.entries(columns).map(([name, column]) => column?.name ?? name)
    const changed = new Set(changes.map(([set]) => set.split(' ')[0]))
    expect(changed).toEqual(new Set(names))
  })

  test('tells that an entry was removed, also where those behind it were moved up', async () => {
    expect(await said(`delete from entries where ${third()}`)).toMatch(/entry 4 does not continue/)
    const what = await said(`
      delete from entries where ${third()};
      update entries set account_version = account_version - 1
       where account_id = '${alice}' and account_version = 4;
      update entries set account_version = account_version - 1
       where account_id = '${alice}' and account_version = 5;
      update accounts set version = 4, chain_version = 4 where id = '${alice}'`)
    expect(what).toMatch(/entry 3 was changed: account_version was 4|entry 3 does not continue/)
  })

  test('tells that the last entry was removed, with the account set back', async () => {
    const what = await said(`
      delete from entries where account_id = '${alice}' and account_version = 5;
      update accounts set version = 4, chain_version = 4, posted_credits = '1000'
       where id = '${alice}'`)
    expect(what).toContain(`account ${alice} its chain_hash is not the hash of its last entry 4`)
  })

  test('tells that an entry was put at the end, with the account set to it', async () => {
    const what = await said(`
      insert into entries
        select ledger_id, account_id, 6, transaction_id, position, direction, amount, '2000',
               debits_after, posted_at, hash, 5
          from entries where account_id = '${alice}' and account_version = 5;
      update accounts set version = 6, chain_version = 6, posted_credits = '2000'
       where id = '${alice}'`)
    expect(what).toContain(`account ${alice} entry 6 does not continue the chain`)
  })

  test('tells that two entries were swapped', async () => {
    const move = (from: number, to: number) =>
      `update entries set account_version = ${to}
        where account_id = '${alice}' and account_version = ${from}`
    const what = await said([move(3, 9), move(4, 3), move(9, 4)].join(';'))
    expect(what).toContain(`account ${alice} entry 3 does not continue the chain`)
  })

  test('tells that an account lost the hash of its last entry', async () => {
    for (const set of ['chain_hash = null', 'chain_version = null', 'chain_version = 4']) {
      const what = await said(`update accounts set ${set} where id = '${alice}'`)
      expect(what).toBe(`account ${alice} its chain_hash is not the hash of its last entry 5`)
    }
  })

  test('tells that the entries of an account are not in the order of ids, or that it names another as the newest', async () => {
    const newest = (set: string) => said(`update accounts set ${set} where id = '${alice}'`)
    const notLast = `account ${alice} its newest_transaction is not that of version 5`
    expect(await newest(`newest_transaction_version = 4`)).toBe(notLast)
    expect(await newest(`newest_transaction_id = '${other}'`)).toBe(notLast)
    expect(await newest(`newest_transaction_id = null, newest_transaction_version = null`)).toBe(
      notLast,
    )
    expect(await said(`update entries set transaction_id = '${other}' where ${third()}`)).toMatch(
      /entry 3 follows version 2 in the order of ids, whose id is greater/,
    )
  })

  test('tells that the fingerprint of a transaction was changed', async () => {
    const what = await said(`
      update transactions set fingerprint = (select hash from entries where ${third()})
       where id = (select transaction_id from entries where ${third()})`)
    expect(what).toContain(`account ${alice} entry 3 does not continue the chain`)
    expect(what).toContain(`account ${cash} entry 3 does not continue the chain`)
  })

  test('begins where a version without hashes has stopped, and is counted from there', async () => {
    const older = await create()
    const opened = (await openStore(older)).store
    const posting = new Posting(opened, new Metrics().posting)
    const bank = await openAccount(opened, 'asset')
    const bob = await openAccount(opened, 'liability')
    const pay = (amount: string) =>
      posting.post(commandOf(payment({ debit: bank, credit: bob, amount })))
    for (const amount of ['1.00', '2.00']) await pay(amount)
    await opened.close()
    // As the version before leaves entries and accounts, also while this one is there already.
    const past = await spoilable(older)
    const lastOne = 'account_version = 2'
    await past.spoil(`
      update entries set hash = null, follows_version = null where ${lastOne};
      update accounts set chain_version = 1, newest_transaction_version = 1,
             newest_transaction_id = (select e.transaction_id from entries e
                                       where e.account_id = accounts.id and e.account_version = 1),
             chain_hash = (select e.hash from entries e
                            where e.account_id = accounts.id and e.account_version = 1)`)
    const report = await verifyStore(past.location)
    expect(report.differences).toEqual([])
    expect(report.ledgers).toMatchObject([{ entriesOfAccounts: 4, unchained: 2 }])

    const { store: next } = await openStore(past.location)
    await new Posting(next, new Metrics().posting).post(
      commandOf(payment({ debit: bank, credit: bob, amount: '3.00' })),
    )
    const [entry] = await next.listEntries(1, bob, { before: undefined, size: 1 })
    await next.close()
    expect(entry?.accountVersion).toBe(3)
    const after = await verifyStore(past.location)
    expect(after.differences).toEqual([])
    expect(after.ledgers).toMatchObject([{ entriesOfAccounts: 6, unchained: 2 }])
  })
})
