import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { makeAnchors } from '../../shared/store/anchors/make-anchors.ts'
import { openAnchorBooks } from '../../shared/store/anchors/open-anchor-books.ts'
import { paceOf } from '../../shared/store/verify/pace.ts'
import { verifySome, type SomeVerified } from '../../shared/store/verify/verify-some.ts'
import { ledgerId } from '../support/commands.ts'
import { fund, openPeople, payment, type People } from '../support/people.ts'
import { postgres, sqlite, startService, type Service } from '../support/service.ts'
import { spoilable, type Spoilable } from '../store/spoilable-books.ts'

const stores = [
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
]

describe.each(stores)('POST /api/v1/audit/verify on $name', ({ create }) => {
  let service: Service
  let people: People
  let spoiled: Spoilable

  beforeAll(async () => {
    service = await startService(await create())
    people = await openPeople(service.api)
    await fund(service.api, people, people.alice, '100.00')
    const { alice: debit, bob: credit } = people
    for (let n = 0; n < 9; n += 1) {
      await service.api.postTransaction(payment({ debit, credit, amount: '1.00' }))
    }
    const books = openAnchorBooks(service.location)
    await makeAnchors(books, ledgerId, paceOf(0))
    await books.close()
    // Books that somebody is connected to cannot be copied.
    const { location } = service
    await service.close()
    spoiled = await spoilable(location)
    service = await startService(location)
  })
  afterAll(() => service.close())

  const verify = async (body: object) =>
    (await service.api.post('/api/v1/audit/verify', body)) as unknown as {
      status: number
      body: Record<string, unknown>
    }

  test('says what it looked at, of all accounts or of one', async () => {
    const all = await verify({})
    expect(all).toMatchObject({
      status: 200,
      body: {
        clean: true,
        complete: true,
        accounts: 3,
        entries: 20,
        entries_without_hash: 0,
        differences: [],
        next_cursor: null,
      },
    })
    expect((await verify({ account_id: people.bob })).body).toMatchObject({
      accounts: 1,
      entries: 9,
    })
  })

  test('looks at all accounts when nothing is said', async () => {
    const response = await fetch(`${service.url}/api/v1/audit/verify`, { method: 'POST' })
    expect([response.status, await response.json()]).toMatchObject([
      200,
      { clean: true, complete: true, accounts: 3 },
    ])
  })

  test('refuses an account that is not there, and a cursor that is none or of another account', async () => {
    const nobody = '0198c0de-7a11-7000-8000-00000000a11c'
    expect((await verify({ account_id: nobody })).status).toBe(404)
    expect((await verify({ cursor: 'AAAA' })).status).toBe(400)
  })

  test('names the account, the entry and what differs', async () => {
    const place = `account_id = '${people.bob}' and account_version = 4`
    await spoiled.spoil(`update entries set position = 5 where ${place}`)
    const found = await verifySome(spoiled.location, ledgerId, { only: people.bob, timeMs: 5000 })
    expect(found.differences).toEqual([
      {
        ledgerId,
        subject: `account ${people.bob}`,
        detail: 'entry 4 was changed: position was 1, not 5',
      },
    ])
    await spoiled.spoil(`
      delete from entries where account_id = '${people.bob}' and account_version = 9;
      update accounts set version = 8, chain_version = 8 where id = '${people.bob}'`)
    const cut = await verifySome(spoiled.location, ledgerId, { timeMs: 5000 })
    expect(cut.differences.map(({ detail }) => detail)).toContain(
      'its entries end at version 8, anchor 1 says that it had version 9',
    )
  })

  test('goes on where its time was over, entry by entry, and comes to the same', async () => {
    const place = `account_id = '${people.bob}' and account_version = 4`
    for (const [sql, details] of [
      ['select 1', []],
      [
        `update entries set position = 5 where ${place}`,
        ['entry 4 was changed: position was 1, not 5'],
      ],
    ] as const) {
      await spoiled.spoil(sql)
      const steps = await inSteps(spoiled.location)
      const sum = (count: (step: SomeVerified) => number) =>
        steps.reduce((all, step) => all + count(step), 0)
      expect(steps.length).toBeGreaterThan(3)
      expect(sum(({ accounts }) => accounts)).toBe(3)
      expect(sum(({ entries }) => entries)).toBe(20)
      const found = steps.flatMap(({ differences }) => differences.map(({ detail }) => detail))
      expect(found).toEqual(details)
    }
  })

  /** Verifies with no time at all: each call looks at as little as it can. */
  async function inSteps(location: Service['location']): Promise<SomeVerified[]> {
    const steps: SomeVerified[] = []
    for (let from: SomeVerified['place']; ;) {
      const step = await verifySome(location, ledgerId, { from, timeMs: 0, entriesPerRead: 3 })
      steps.push(step)
      from = step.place
      if (from === undefined) return steps
    }
  }

  test('runs once at a time', async () => {
    const answers = await Promise.all([verify({}), verify({}), verify({})])
    const ok = answers.filter(({ status }) => status === 200)
    const busy = answers.filter(({ status }) => status === 503)
    expect(ok.length).toBeGreaterThanOrEqual(1)
    expect(ok.length + busy.length).toBe(3)
    expect(busy.length).toBeGreaterThanOrEqual(1)
    expect((await verify({})).status).toBe(200)
  })
})
