import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  accountTypes,
  availableOf,
  balanceOf,
  normalSides,
  type AccountType,
  type Direction,
  type LockedAccount,
} from '../../shared/ledger/account.ts'
import {
  price,
  type Priced,
  type PricedEntry,
  type RequestedEntry,
} from '../../shared/ledger/command.ts'
import { isoCurrencies } from '../../shared/ledger/currency.ts'
import { creditsAfter, decide, type RunningAccounts } from '../../shared/ledger/decide.ts'
import { decideWish } from '../../shared/ledger/decide-wish.ts'
import { minorUnits, minorUnitsMax } from '../../shared/ledger/money.ts'
import type { RefusalCode } from '../../shared/ledger/refusal.ts'
import type { SpecialWish } from '../../shared/ledger/special-wish.ts'
import { timelessMerits } from '../support/merits.ts'

/** An account with a balance, in cents of USD unless it says otherwise. */
function account(id: string, balance: bigint, rest: Partial<LockedAccount> = {}): LockedAccount {
  const accountType = rest.accountType ?? 'liability'
  const debits = (normalSides[accountType] === 'debit') === balance >= 0n
  const size = minorUnits(balance < 0n ? -balance : balance)
  return {
    id,
    accountType,
    currency: 'USD',
    exponent: 2,
    status: 'active',
    minAvailable: minorUnits(0n),
    postedDebits: debits ? size : minorUnits(0n),
    postedCredits: debits ? minorUnits(0n) : size,
    heldDebits: minorUnits(0n),
    heldCredits: minorUnits(0n),
    version: 1,
    lastPostedAt: 0,
    ...rest,
  }
}

/** Alice with 5.00, cash without a floor, and one account for each way to refuse. */
function everybody(): RunningAccounts {
  const all = [
    account('alice', 500n),
    account('bob', 0n),
    account('cash', 500n, { accountType: 'asset', minAvailable: null }),
    account('euro', 0n, { currency: 'EUR' }),
    account('frozen', 0n, { status: 'frozen' }),
    account('full', minorUnitsMax, { minAvailable: null }),
  ]
  return new Map(all.map((one) => [one.id, one]))
}

type Written = `${'debit' | 'credit'} ${string} ${string}`

const requested = (...written: Written[]): RequestedEntry[] =>
  written.map((text) => {
    const [direction, accountId, amount] = text.split(' ') as [Direction, string, string]
    return { accountId, direction, amount }
  })

/** Prices and, when that lets it through, decides: the whole judgement of a wish. */
function judge(
  written: readonly Written[],
  { currency = 'USD', accounts = everybody(), wish = null }: Judged = {},
): RefusalCode | 'posted' | 'held' {
  const pricing = price({ currency, entries: requested(...written) }, isoCurrencies)
  if (!pricing.ok) return pricing.refusal.code
  const decision = decideWish(wish, pricing, { accounts, targets: new Map(), now: 1000 })
  return decision.outcome === 'refused' ? decision.refusal.code : decision.outcome
}

interface Judged {
  readonly currency?: string
  readonly accounts?: RunningAccounts
  readonly wish?: SpecialWish | null
}

/** Entries in cents of USD as they were priced. */
function inUsd(entries: readonly PricedEntry[]): Priced {
  return { currency: { code: 'USD', exponent: 2 }, currencies: null, entries }
}

/** A condition that alice does not meet, and a hold that was over before it began. */
const unmet: SpecialWish = {
  kind: 'post',
  require: [{ accountId: 'alice', availableGte: null, version: 7 }],
}
const late: SpecialWish = { ...unmet, kind: 'hold', terms: { expiresAt: 1000 } }

/** In the public order: each wish breaks its rule in its last entry and later rules in earlier ones. */
const inPublicOrder: readonly [RefusalCode, string, readonly Written[], SpecialWish?][] = [
  ['currency_unknown', 'NOPE', ['debit ghost 0.00', `credit frozen ${'9'.repeat(60)}`]],
  ['amount_not_positive', 'USD', ['debit ghost 1.001', 'credit frozen 1.00', 'debit euro 0.00']],
  [
    'amount_scale',
    'USD',
    [`debit ghost ${'9'.repeat(37)}`, 'credit frozen 1.00', 'debit euro 0.001'],
  ],
  [
    'amount_too_large',
    'USD',
    ['debit ghost 1.00', 'credit frozen 2.00', `debit euro ${'9'.repeat(37)}`],
  ],
  ['unbalanced', 'USD', ['debit ghost 1.00', 'credit ghost 1.01']],
  ['single_account', 'USD', ['debit ghost 1.00', 'credit ghost 1.00']],
  ['expiry_out_of_range', 'USD', ['debit frozen 6.00', 'credit ghost 6.00'], late],
  [
    'account_not_found',
    'USD',
    ['debit frozen 1.00', 'debit alice 6.00', 'credit euro 6.00', 'credit ghost 1.00'],
  ],
  [
    'account_not_active',
    'USD',
    ['debit euro 1.00', 'debit alice 6.00', 'credit cash 6.00', 'credit frozen 1.00'],
  ],
  ['currency_mismatch', 'USD', ['debit alice 6.00', 'credit cash 5.00', 'credit euro 1.00']],
  ['condition_failed', 'USD', ['debit alice 6.00', 'credit cash 6.00'], unmet],
  ['insufficient_funds', 'USD', ['debit alice 6.00', 'credit cash 6.00']],
]

describe('the public order of refusals', () => {
  it('has a wish for each code', () => {
    expect(inPublicOrder.map(([code]) => code)).toEqual(timelessMerits)
  })

  it.each(inPublicOrder)(
    '%s is found before all that come after it',
    (code, currency, written, wish) => {
      expect(judge(written, { currency, wish: wish ?? null })).toBe(code)
    },
  )

  it('does not depend on the order of the entries', () => {
    fc.assert(
      fc.property(
        fc
          .constantFrom(...inPublicOrder)
          .chain(([code, currency, written, wish]) =>
            fc.tuple(
              fc.constant(code),
              fc.constant(currency),
              fc.shuffledSubarray([...written], { minLength: written.length }),
              fc.constant(wish ?? null),
            ),
          ),
        ([code, currency, written, wish]) => {
          expect(judge(written, { currency, wish })).toBe(code)
        },
      ),
    )
  })

  it('of accounts that would hold more than 38 digits comes before funds', () => {
    expect(judge(['debit alice 6.00', 'credit full 6.00'])).toBe('amount_too_large')
    expect(judge(['debit full 0.01', 'credit cash 0.01'])).toBe('posted')
  })
})

describe('a decision', () => {
  const priced = (...written: Written[]): readonly PricedEntry[] => {
    const pricing = price({ currency: 'USD', entries: requested(...written) }, isoCurrencies)
    if (!pricing.ok) throw new Error(pricing.refusal.code)
    return pricing.entries
  }

  it('numbers the entries and says what they leave behind', () => {
    const accounts = everybody()
    const entries = priced('debit alice 2.00', 'credit bob 3.00', 'debit alice 1.00')
    expect(decide(inUsd(entries), accounts)).toEqual({
      outcome: 'posted',
      currencies: null,
      entries: [
        { ...entries[0], accountVersion: 2, balanceAfter: 300n, debitsAfter: 200n },
        { ...entries[1], accountVersion: 2, balanceAfter: 300n, debitsAfter: 0n },
        { ...entries[2], accountVersion: 3, balanceAfter: 200n, debitsAfter: 300n },
      ],
    })
    expect(accounts.get('alice')).toMatchObject({ postedDebits: 300n, version: 3 })
    expect(accounts.get('bob')).toMatchObject({ postedCredits: 300n, version: 2 })
  })

  it('that refuses leaves the accounts as they were', () => {
    for (const [, , written, wish = null] of inPublicOrder.slice(6)) {
      const accounts = everybody()
      judge(written, { accounts, wish })
      expect(accounts).toEqual(everybody())
    }
  })

  it('sees what the decision before it moved', () => {
    const accounts = everybody()
    const out = ['debit alice 5.00', 'credit bob 5.00'] as const
    expect(judge(out, { accounts })).toBe('posted')
    expect(judge(out, { accounts })).toBe('insufficient_funds')
  })

  it('is the same for the same question', () => {
    const entries = priced('debit alice 2.00', 'credit bob 2.00')
    const decided = () => decide(inUsd(entries), everybody())
    expect(decided()).toEqual(decided())
  })

  it('counts outgoing holds against what is available, and incoming ones not', () => {
    for (const accountType of accountTypes) {
      const out = normalSides[accountType] === 'debit' ? 'credit' : 'debit'
      const held = (debits: bigint, credits: bigint) =>
        account('held', 500n, {
          accountType,
          heldDebits: minorUnits(debits),
          heldCredits: minorUnits(credits),
        })
      const [outgoing, incoming] =
        out === 'debit' ? [held(200n, 0n), held(0n, 200n)] : [held(0n, 200n), held(200n, 0n)]
      expect([availableOf(accountType, outgoing), availableOf(accountType, incoming)]).toEqual([
        300n,
        500n,
      ])

      const pay = (from: LockedAccount, amount: string) => {
        const other = out === 'debit' ? 'credit' : 'debit'
        const accounts = everybody().set('held', from)
        return judge([`${out} held ${amount}`, `${other} cash ${amount}`], { accounts })
      }
      expect([pay(outgoing, '3.00'), pay(outgoing, '3.01')]).toEqual([
        'posted',
        'insufficient_funds',
      ])
      expect([pay(incoming, '5.00'), pay(incoming, '5.01')]).toEqual([
        'posted',
        'insufficient_funds',
      ])
    }
  })

  it('tells what is available, required and missing', () => {
    const decision = decide(inUsd(priced('debit alice 6.50', 'credit bob 6.50')), everybody())
    expect(decision).toEqual({
      outcome: 'refused',
      refusal: {
        code: 'insufficient_funds',
        details: {
          account_id: 'alice',
          available: '5.00',
          required: '6.50',
          shortfall: '1.50',
          version: 1,
        },
      },
    })
  })

  it('never takes an account past its floor, and never refuses what stays above it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<AccountType>(...accountTypes),
        fc.bigInt({ min: -1000n, max: 1000n }),
        fc.bigInt({ min: -1000n, max: 1000n }),
        fc.array(fc.tuple(fc.boolean(), fc.bigInt({ min: 1n, max: 500n })), {
          minLength: 1,
          maxLength: 6,
        }),
        (accountType, balance, floor, moves) => {
          const minAvailable = minorUnits(floor)
          const accounts = everybody()
          accounts.set('limited', account('limited', balance, { accountType, minAvailable }))
          const entries = moves.flatMap(([debits, amount]): PricedEntry[] => [
            {
              accountId: 'limited',
              direction: debits ? 'debit' : 'credit',
              amount: minorUnits(amount),
            },
            {
              accountId: 'cash',
              direction: debits ? 'credit' : 'debit',
              amount: minorUnits(amount),
            },
          ])
          const net = moves.reduce((sum, [debits, amount]) => sum + (debits ? amount : -amount), 0n)
          const after = balance + (normalSides[accountType] === 'debit' ? net : -net)

          const { outcome } = decide(inUsd(entries), accounts)
          expect(outcome).toBe(after >= floor || after >= balance ? 'posted' : 'refused')
          const left = accounts.get('limited') as LockedAccount
          expect(balanceOf(accountType, left)).toBe(outcome === 'posted' ? after : balance)
        },
      ),
    )
  })

  it('leaves a balance from which the credits follow', () => {
    fc.assert(
      fc.property(
        fc.constantFrom<AccountType>(...accountTypes),
        fc.bigInt({ min: 0n, max: minorUnitsMax }).map(minorUnits),
        fc.bigInt({ min: 0n, max: minorUnitsMax }).map(minorUnits),
        (accountType, postedDebits, postedCredits) => {
          const totals = account('any', 0n, { accountType, postedDebits, postedCredits })
          const balance = balanceOf(accountType, totals)
          expect(creditsAfter(accountType, balance, postedDebits)).toBe(postedCredits)
        },
      ),
    )
  })
})

describe('a price', () => {
  const usd = (...written: Written[]) =>
    price({ currency: 'USD', entries: requested(...written) }, isoCurrencies)

  it('is the exact amount in minor units', () => {
    expect(usd('debit cash 1', 'credit alice 0.25', 'credit bob 0.75')).toMatchObject({
      ok: true,
      currency: { code: 'USD', exponent: 2 },
      entries: [{ amount: 100n }, { amount: 25n }, { amount: 75n }],
    })
  })

  it('has sums of at most 38 digits', () => {
    const most = `${'9'.repeat(36)}.99`
    expect(usd(`debit cash ${most}`, `credit alice ${most}`)).toMatchObject({ ok: true })
    expect(usd(`debit cash ${most}`, 'debit bob 0.01', `credit alice ${most}`)).toMatchObject({
      refusal: { code: 'amount_too_large' },
    })
  })

  it('points at the first entry that breaks the first rule broken', () => {
    const wish = ['debit cash 1.001', 'credit alice 0.00', 'debit bob 0.00'] as const
    expect(usd(...wish)).toMatchObject({
      refusal: { code: 'amount_not_positive', details: { position: 1 } },
    })
  })

  it('needs both sides and two accounts', () => {
    expect(usd('debit cash 1.00', 'debit alice 1.00')).toMatchObject({
      refusal: { code: 'unbalanced', details: { debits: '2.00', credits: '0.00' } },
    })
    expect(usd('debit cash 1.00', 'credit cash 1.00')).toMatchObject({
      refusal: { code: 'single_account', details: { account_id: 'cash' } },
    })
  })
})
