import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../shared/engine/new-id.ts'
import { Posting } from '../../shared/engine/post.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { spoilable } from './spoilable-books.ts'

const stores = [
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
]

/** What becomes of one transaction: how many entries it has on the account, or that it is refused. */
const kinds = ['once', 'twice', 'elsewhere', 'refused'] as const
type Kind = (typeof kinds)[number]

describe.each(stores)('the transactions of an account on $name', ({ create }) => {
  let location: StoreLocation
  let store: LedgerStore
  let posting: Posting
  let cash: string
  let other: string
  beforeAll(async () => {
    location = await create()
    store = (await openStore(location)).store
    posting = new Posting(store, new Metrics().posting)
    cash = await openAccount(store, 'asset')
    other = await openAccount(store, 'liability')
  })
  afterAll(() => store.close())

  const commandFor = (account: string, kind: Kind, transactionId: string): PostCommand => {
    const paid = payment({ debit: cash, credit: account, amount: '1.00' })
    const [debit, credit] = paid.entries ?? []
    if (debit === undefined || credit === undefined) throw new Error('a payment has two entries')
    const requests = {
      once: paid,
      twice: { ...paid, entries: [{ ...debit, amount: '2.00' }, credit, credit] },
      elsewhere: payment({ debit: cash, credit: other, amount: '1.00' }),
      refused: payment({ debit: account, credit: other, amount: '1.00', idempotency_key: newId() }),
    }
    return { ...commandOf(requests[kind]), transactionId }
  }

  /** All of an account's transactions, a page after the other. */
  const listed = async (from: LedgerStore, accountId: string, size: number, status?: 'posted') => {
    const ids: string[] = []
    let after: string | undefined
    do {
      const page = await from.listTransactions(
        ledgerId,
        { accountId, ...(status === undefined ? {} : { status }) },
        { after, size },
      )
      expect(page.transactions.length).toBeLessThanOrEqual(size)
      ids.push(...page.transactions.map(({ id }) => id))
      after = page.next
    } while (after !== undefined)
    return ids
  }

  test('are listed by their ids, in whatever order they were posted, however long a page is', async () => {
    const kind = fc.constantFrom(...kinds, 'once' as const)
    const inAnyOrder = fc
      .array(fc.record({ kind, delay: fc.integer({ min: 0, max: 6 }) }), {
        minLength: 1,
        maxLength: 24,
      })
      // Made one after the other, and posted later by as many places: as queued ones are, and those of another process.
      .map((made) =>
        made.map(({ kind: one, delay }, index) => ({ kind: one, index, at: index + delay })),
      )
    await fc.assert(
      fc.asyncProperty(
        inAnyOrder,
        fc.integer({ min: 1, max: 6 }),
        fc.boolean(),
        async (made, size, together) => {
          const account = await openAccount(store, 'liability', 0n)
          const ids = made.map(() => newId())
          const commands = made
            .toSorted((a, b) => a.at - b.at || a.index - b.index)
            .map(({ kind: one, index }) => commandFor(account, one, ids[index] ?? ''))
          if (together) await posting.postBatch(commands)
          else for (const command of commands) await posting.post(command)
          const of = (wanted: readonly Kind[]) =>
            ids.filter((_, index) => wanted.includes(made[index]?.kind ?? 'elsewhere')).toReversed()
          // What comes before the first funds is refused, whatever it asks for.
          expect(await listed(store, account, size)).toEqual(of(['once', 'twice', 'refused']))
          const refused = await store.listTransactions(
            ledgerId,
            { accountId: account, status: 'failed' },
            { after: undefined, size: 100 },
          )
          const failed = new Set(refused.transactions.map(({ id }) => id))
          expect(await listed(store, account, size, 'posted')).toEqual(
            of(['once', 'twice', 'refused']).filter((id) => !failed.has(id)),
          )
        },
      ),
      { numRuns: 25 },
    )
    expect((await verifyStore(location)).differences).toEqual([])
  })

  test('are listed over more versions than are read at once, also where more than these are late', async () => {
    const account = await openAccount(store, 'liability')
    const ids = Array.from({ length: 260 }, newId)
    const [first, late, last] = [ids.slice(0, 80), ids.slice(80, 170), ids.slice(170)]
    for (const some of [first, last.slice(0, 40), late, last.slice(40)]) {
      await posting.postBatch(some.map((id) => commandFor(account, 'once', id)))
    }
    for (const size of [9, 64, 200]) {
      expect(await listed(store, account, size)).toEqual(ids.toReversed())
    }
  })

  test('are found from a cursor that names no version, as one of an earlier version', async () => {
    const account = await openAccount(store, 'liability')
    const ids = Array.from({ length: 9 }, newId)
    for (const id of ids) await posting.post(commandFor(account, 'once', id))
    const page = await store.listTransactions(
      ledgerId,
      { accountId: account },
      { after: ids[6] ?? '', size: 3 },
    )
    expect(page.transactions.map(({ id }) => id)).toEqual([ids[5], ids[4], ids[3]])
  })

  test('go on from the version that was come to, also behind one that was late', async () => {
    const account = await openAccount(store, 'liability')
    const ids = Array.from({ length: 4 }, newId)
    for (const index of [0, 1, 3, 2]) {
      await posting.post(commandFor(account, 'once', ids[index] ?? ''))
    }
    const page = await store.listTransactions(
      ledgerId,
      { accountId: account },
      { after: undefined, size: 2 },
    )
    expect(page.transactions.map(({ id }) => id)).toEqual([ids[3], ids[2]])
    expect(page.next).toBe(`2/${ids[2]}`)
  })

  test('are listed also where a version without the order has posted, before and in between', async () => {
    const account = await openAccount(store, 'liability')
    const ids = Array.from({ length: 12 }, newId)
    for (const id of ids.slice(0, 8)) await posting.post(commandFor(account, 'once', id))
    const past = await spoilable(location)
    const former = (version: number) =>
      `update accounts set newest_transaction_id = ${version === 0 ? 'null' : `'${ids[version - 1]}'`},
              newest_transaction_version = ${version === 0 ? 'null' : version}
        where id = '${account}';
       update entries set follows_version = null
        where account_id = '${account}' and account_version > ${version}`
    for (const version of [0, 5]) {
      await past.spoil(former(version))
      const next = (await openStore(past.location)).store
      const again = new Posting(next, new Metrics().posting)
      for (const id of ids.slice(8)) await again.post(commandFor(account, 'once', id))
      expect(await listed(next, account, 3)).toEqual(ids.toReversed())
      const { differences } = await verifyStore(past.location)
      expect(differences.filter(({ subject }) => subject.includes(account))).toEqual([])
      await next.close()
    }
  })
})
