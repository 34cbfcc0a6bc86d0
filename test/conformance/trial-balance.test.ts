import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accountTypes, normalSides } from '../../shared/ledger/account.ts'
import { parseDecimal } from '../../shared/ledger/money.ts'
import type { AccountEntryJson } from '../support/api-client.ts'
import { openAccount } from '../support/commands.ts'
import { open, payment } from '../support/people.ts'
import { shapesOfBothStores, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'

describe.each(shapesOfBothStores)('the trial balance on $name', (shape) => {
  let ledger: Service
  const accounts: { id: string; account_type: string; currency: string }[] = []
  beforeAll(async () => {
    ledger = await shape.start()
    await ledger.api.registerCurrency({ code: 'PTS', exponent: 0 })
  })
  afterAll(() => ledger.close())

  const units = (decimal: string) => parseDecimal(decimal.replace('.', ''), 0)
  const after = (time: string, ms: number) => new Date(Date.parse(time) + ms).toISOString()

  // First, while the ledger is empty.
  it('of a ledger without accounts has no rows', async () => {
    const { body } = await ledger.api.trialBalance()
    expect(body).toMatchObject({ axis: 'posted', rows: [], totals: [] })
    expect(Math.abs(Date.parse(body.as_of) - Date.now())).toBeLessThan(5000)
  })

  it('is the sum of all entries by currency and type, at any time and on either axis', async () => {
    for (const currency of ['USD', 'PTS']) {
      for (const account_type of accountTypes)
        accounts.push(await open(ledger.api, { account_type, currency }))
    }
    const effects = [null, '2001-01-01T00:00:00Z', '2015-05-05T05:05:05Z', '2095-01-01T00:00:00Z']
    for (const [index, account] of accounts.entries()) {
      const first = accounts.find(({ currency }) => currency === account.currency)
      if (first === undefined || first === account) continue
      for (const [round, effective_at] of effects.entries()) {
        const [debit, credit] = round % 2 === 0 ? [account.id, first.id] : [first.id, account.id]
        const amount = String(10 * index + round + 1)
        const { status } = await ledger.api.postTransaction(
          payment({ debit, credit, amount, currency: account.currency, effective_at }),
        )
        expect(status).toBe(201)
      }
    }
    const entries = (
      await Promise.all(
        accounts.map(async ({ id }) => (await ledger.api.entries(id, { limit: 200 })).body.items),
      )
    ).flat()
    expect(entries.length).toBe(64)
    const times = entries.flatMap(({ posted_at, effective_at }) => [
      after(posted_at, -1),
      posted_at,
      effective_at,
      after(effective_at, -1),
    ])
    for (const axis of ['posted', 'effective'] as const) {
      for (const at of new Set(times)) {
        const { body } = await ledger.api.trialBalance({ at, axis })
        expect([axis, at, rowsOf(body.rows)]).toEqual([axis, at, scan(entries, axis, at)])
      }
    }
    const now = (await ledger.api.trialBalance({ axis: 'effective' })).body
    expect(rowsOf(now.rows)).toEqual(scan(entries, 'effective', now.as_of))
  })

  it('says the totals of each currency at its own scale, equal on both sides', async () => {
    const { body } = await ledger.api.trialBalance()
    expect(body.totals.map(({ currency }) => currency)).toEqual(['PTS', 'USD'])
    for (const { currency, debits, credits } of body.totals) {
      expect(debits).toBe(credits)
      expect(debits).toMatch(currency === 'PTS' ? /^[1-9]\d*$/ : /^[1-9]\d*\.\d\d$/)
    }
    for (const row of body.rows) {
      const over = units(row.debits) - units(row.credits)
      const normal = normalSides[row.account_type] === 'debit' ? over : -over
      expect(units(row.balance)).toBe(normal)
    }
  })

  it('of the future is that of now by posting, and of what takes effect by then', async () => {
    const at = '9999-12-31T23:59:59.999Z'
    const [posted, effective] = [
      (await ledger.api.trialBalance({ at })).body,
      (await ledger.api.trialBalance({ at, axis: 'effective' })).body,
    ]
    expect(Date.parse(posted.as_of)).toBeLessThan(Date.now() + 5000)
    expect(effective.as_of).toBe(at)
    expect(effective.rows).toEqual(posted.rows)
  })

  it('has what was acknowledged just before', async () => {
    const [debit = '', credit = ''] = accounts.map(({ id }) => id)
    for (let round = 0; round < 5; round += 1) {
      const before = units((await ledger.api.trialBalance()).body.totals[1]?.debits ?? '0')
      await ledger.api.postTransaction(payment({ debit, credit, amount: '1.00' }))
      const behind = units((await ledger.api.trialBalance()).body.totals[1]?.debits ?? '0')
      expect(behind - before).toBe(100n)
    }
  })

  it('balances while posting goes on over more accounts than one read takes', async () => {
    const ids: string[] = []
    while (ids.length < 620) ids.push(await openAccount(ledger.store, 'asset'))
    let stopped = false
    let paid = 0
    const pay = async (payer: number) => {
      for (let turn = payer; !stopped; turn += 7919) {
        const [debit, credit] = [ids[turn % 620], ids[(turn + 310) % 620]] as [string, string]
        const effective_at = turn % 3 === 0 ? '2001-01-01T00:00:00Z' : null
        await ledger.api.postTransaction(payment({ debit, credit, amount: '1.00', effective_at }))
        paid += 1
      }
    }
    const payers = [1, 2, 3, 4, 5, 6].map(pay)
    const past = new Date().toISOString()
    try {
      for (let round = 0; round < 12; round += 1) {
        const before = paid
        const axis = round % 2 === 0 ? 'posted' : 'effective'
        const answers = await Promise.all([
          ledger.api.trialBalance({ axis }),
          ledger.api.trialBalance({ axis, at: past }),
        ])
        for (const { body } of answers) {
          for (const { debits, credits } of body.totals) expect(debits).toBe(credits)
        }
        await until('more payments', () => paid > before)
      }
    } finally {
      stopped = true
      await Promise.all(payers)
    }
  })

  it.each([
    [{ at: '2026-01-31' }, 'query/at'],
    [{ axis: 'both' }, 'query/axis'],
    [{ limit: 5 }, 'query/limit'],
  ])('is refused for %j', async (query, pointer) => {
    expect((await ledger.api.trialBalance(query)).problem).toMatchObject({
      code: 'invalid_request',
      errors: [{ pointer }],
    })
  })

  /** Debits and credits by currency and type, of those that have any. */
  function rowsOf(
    rows: readonly { currency: string; account_type: string; debits: string; credits: string }[],
  ) {
    return Object.fromEntries(
      rows
        .filter(({ debits, credits }) => units(debits) + units(credits) > 0n)
        .map((row) => [
          `${row.currency} ${row.account_type}`,
          [units(row.debits), units(row.credits)],
        ])
        .toSorted(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
    ) as Record<string, bigint[]>
  }

  function scan(entries: readonly AccountEntryJson[], axis: 'posted' | 'effective', at: string) {
    const sums = new Map<string, [bigint, bigint]>()
    for (const entry of entries) {
      if ((axis === 'posted' ? entry.posted_at : entry.effective_at) > at) continue
      const account = accounts.find(({ id }) => id === entry.account_id)
      const key = `${account?.currency} ${account?.account_type}`
      const sum = sums.get(key) ?? [0n, 0n]
      sum[entry.direction === 'debit' ? 0 : 1] += units(entry.amount)
      sums.set(key, sum)
    }
    return Object.fromEntries([...sums].toSorted(([a], [b]) => (a < b ? -1 : 1)))
  }
})
