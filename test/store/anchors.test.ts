import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Anchoring } from '../../services/worker/anchoring.ts'
import type { Anchor } from '../../shared/engine/anchor.ts'
import { Posting } from '../../shared/engine/post.ts'
import { Metrics } from '../../shared/metrics.ts'
import { createLog } from '../../shared/log.ts'
import { makeAnchors } from '../../shared/store/anchors/make-anchors.ts'
import { openAnchorBooks } from '../../shared/store/anchors/open-anchor-books.ts'
import { anchorsOf, headsOf } from '../../shared/store/anchors/read-anchors.ts'
import type { AnchorBooks } from '../../shared/store/anchors/anchor-books.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { paceOf } from '../../shared/store/verify/pace.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { until } from '../support/until.ts'
import { spoilable, type Spoilable } from './spoilable-books.ts'

const stores = [
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
]

const wallets = 7
const small = { accountsPerRead: 2, headsMax: 1 }

describe.each(stores)('anchors on $name', ({ create }) => {
  let location: StoreLocation
  let store: LedgerStore
  let posting: Posting
  let books: AnchorBooks
  let spoiled: Spoilable
  let cash: string
  let alice: string
  let first: readonly Anchor[]
  let kept: readonly Anchor[]

  const pay = (credit: string, amount = '1.00') =>
    posting.post(commandOf(payment({ debit: cash, credit, amount })))
  const anchor = () => makeAnchors(books, ledgerId, paceOf(0))
  const all = async () => {
    const found: Anchor[] = []
    for await (const one of anchorsOf(books, ledgerId)) found.push(one)
    return found
  }
  const said = async (sql: string, outside: readonly Anchor[] = []) => {
    await spoiled.spoil(sql)
    const { differences } = await verifyStore(spoiled.location, { kept: outside })
    return differences.map(({ subject, detail }) => `${subject} ${detail}`).join('\n')
  }

  beforeAll(async () => {
    location = await create()
    store = (await openStore(location)).store
    posting = new Posting(store, new Metrics().posting)
    books = openAnchorBooks(location)
    cash = await openAccount(store, 'asset')
    alice = await openAccount(store, 'liability')
    for (let n = 0; n < 3; n += 1) await pay(alice)
    first = await anchor()
    for (let n = 0; n < 2; n += 1) await pay(alice)
    kept = [...first, ...(await anchor())]
    spoiled = await spoilable(location)
  })
  afterAll(async () => {
    await books.close()
    await store.close()
  })

  /** Removes what was posted after a version, of alice and of cash, with all that says so; as whoever owns the database can. */
  const cutAfter = (version: number) => `
    delete from events where subject_id in (
      select transaction_id from entries where account_id = '${alice}' and account_version > ${version});
    delete from transactions where id in (
      select transaction_id from entries where account_id = '${alice}' and account_version > ${version});
    delete from entries where account_version > ${version};
    update accounts
       set version = ${version}, chain_version = ${version}, newest_transaction_version = ${version},
           newest_transaction_id = (
             select e.transaction_id from entries e
              where e.account_id = accounts.id and e.account_version = ${version}),
           chain_hash = (select e.hash from entries e
                          where e.account_id = accounts.id and e.account_version = ${version}),
           last_posted_at = (select e.posted_at from entries e
                              where e.account_id = accounts.id and e.account_version = ${version});
    update accounts set posted_debits = '${version}00' where id = '${cash}';
    update accounts set posted_credits = '${version}00' where id = '${alice}'`
  const forget = (number: number) => `
    delete from anchors where number >= ${number};
    delete from anchored_heads where anchor >= ${number}`

  test('are over the accounts that have moved since, each with its last version and hash', async () => {
    expect(kept).toMatchObject([
      { number: 1, heads: 2, movedAfter: null, lastAccountId: null },
      { number: 2, heads: 2, movedAfter: kept[0]?.movedUntil, previous: kept[0]?.hash },
    ])
    const heads = await headsOf(books, { ledgerId, number: 2 })
    expect(heads.map(({ accountId, version }) => [accountId, version])).toEqual([
      [cash, 5],
      [alice, 5],
    ])
    expect(await all()).toEqual(kept)
    expect(await anchor()).toEqual([])
    expect(await said('select 1', kept)).toBe('')
    expect((await verifyStore(location)).ledgers).toMatchObject([{ anchors: 2 }])
  })

  test('tell that the newest entries were cut off, with everything that says so', async () => {
    expect(await said(`${cutAfter(3)};${forget(1)}`)).toBe('')
    const what = await said(cutAfter(3))
    for (const id of [cash, alice]) {
      expect(what).toContain(
        `account ${id} its entries end at version 3, anchor 2 says that it had version 5`,
      )
    }
  })

  test('that were kept outside tell it also when those in the database were cut off too', async () => {
    const cut = `${cutAfter(3)};${forget(2)}`
    expect(await said(cut, first)).toBe('')
    expect(await said(cut, kept)).toBe('anchor 2 was kept outside and is not there')
    expect(await said(`${cutAfter(3)};${forget(1)}`, kept)).toContain('anchor 1 was kept outside')
  })

  test('tell that a chain was rewritten, hash by hash', async () => {
    const what = await said(`
      update entries set hash = null;
      update accounts set chain_hash = null`)
    expect(what).toContain(`account ${alice} entry 5 has another hash than anchor 2 says`)
    expect(
      await said(
        `update entries set hash = null; update accounts set chain_hash = null; ${forget(1)}`,
      ),
    ).toBe('')
  })

  test('tell that they were changed themselves', async () => {
    const of2 = (table: string, column: string, value: string) =>
      `update ${table} set ${column} = ${value} where ${table === 'anchors' ? 'number' : 'anchor'} = 2`
    const other = '(select root from anchors where number = 1)'
    for (const [column, value] of [
      ['created_at', '(select created_at from ledgers where id = 1)'],
      ['moved_after', 'null'],
      ['moved_until', 'moved_after'],
      ['last_account_id', `'${alice}'`],
      ['heads', '3'],
      ['root', other],
      ['previous', other],
      ['hash', other],
    ] as const) {
      const what = await said(of2('anchors', column, value))
      expect(what).toContain('anchor 2 ')
    }
    expect(await said(of2('anchored_heads', 'account_version', '4'))).toContain(
      'anchor 2 has other heads of accounts than it was made over',
    )
    expect(await said('delete from anchored_heads where anchor = 1')).toContain(
      'anchor 1 has other',
    )
    expect(await said('delete from anchors where number = 1')).toContain(
      'anchor 2 follows anchor 0',
    )
    expect(await said(forget(2).split(';')[0] ?? '')).toContain('anchor 2 is not there, but heads')
  })

  test('of two who make the same one, one does', async () => {
    await pay(alice)
    const made = await Promise.all([anchor(), anchor(), anchor()])
    expect(made.flat()).toHaveLength(1)
    expect(await anchor()).toEqual([])
  })

  test('of many accounts are several, and go on where they were broken off', async () => {
    const ids: string[] = []
    for (let n = 0; n < wallets; n += 1) ids.push(await openAccount(store, 'liability'))
    for (const id of ids) await pay(id)
    const pace = paceOf(0)
    let reads = 0
    // One anchor of two accounts takes two reads.
    const broken = makeAnchors(
      books,
      ledgerId,
      (read) => {
        reads += 1
        if (reads > 4) throw new Error('stopped')
        return pace(read)
      },
      small,
    )
    await expect(broken).rejects.toThrow('stopped')
    const before = await all()
    expect(before.at(-1)?.lastAccountId).toBe(ids[1])

    await pay(alice)
    const rest = await makeAnchors(books, ledgerId, pace, small)
    expect(rest.length).toBeGreaterThan(1)
    expect(rest.at(-1)?.lastAccountId).toBeNull()
    const moved = new Set<string>()
    for (const { number } of [...before.slice(-2), ...rest]) {
      for (const head of await headsOf(books, { ledgerId, number })) moved.add(head.accountId)
    }
    expect(moved).toEqual(new Set([cash, ...ids]))
    // Those before them were passed already: they are in the next round.
    const [next] = await anchor()
    expect(next).toMatchObject({ movedAfter: rest.at(-1)?.movedUntil, heads: 2 })
    expect((await verifyStore(location)).differences).toEqual([])
  })

  test('are made by a worker once in an interval, and not where nothing has moved', async () => {
    await pay(alice)
    const before = (await all()).length
    const log = createLog('silent')
    const workers = [1, 2].map(() => new Anchoring({ location, intervalMs: 200 }, store, log))
    for (const worker of workers) worker.start()
    await until('an anchor', async () => (await all()).length === before + 1)
    await pay(alice)
    await until('an anchor', async () => (await all()).length === before + 2)
    await Promise.all(workers.map((worker) => worker.stop()))
    const [one, other] = (await all()).slice(-2)
    expect((other?.createdAt ?? 0) - (one?.createdAt ?? 0)).toBeGreaterThanOrEqual(200)
  })

  test('are made while others post, and fit at every moment', async () => {
    let left = 400
    const posted = Promise.all(
      Array.from({ length: 10 }, async () => {
        for (; left > 0; left -= 1) await pay(alice)
      }),
    )
    while (left > 0) await anchor()
    await posted
    await anchor()
    const { differences } = await verifyStore(location, { kept: await all() })
    expect(differences).toEqual([])
    const heads = await headsOf(books, { ledgerId, number: (await all()).at(-1)?.number ?? 0 })
    const found = await store.findAccount(ledgerId, alice)
    expect(heads.find(({ accountId }) => accountId === alice)?.version).toBe(found?.version)
  })
})
