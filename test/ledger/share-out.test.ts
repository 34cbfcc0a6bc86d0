import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { minorUnits, minorUnitsMax } from '../../shared/ledger/money.ts'
import { partOf } from '../../shared/ledger/part-of-target.ts'
import { shareOut } from '../../shared/ledger/share-out.ts'
import { remainingOf, withResolved, type Target } from '../../shared/ledger/target.ts'

const units = (...values: bigint[]) => values.map(minorUnits)

describe('an amount shared out', () => {
  it.each([
    [10n, [1n, 1n], [5n, 5n]],
    [7n, [1n, 1n, 1n], [3n, 2n, 2n]],
    [500n, [667n, 333n], [334n, 166n]],
    [1n, [333n, 666n], [0n, 1n]],
    [1n, [5n, 5n], [1n, 0n]],
    [3n, [0n, 3n], [0n, 3n]],
    [0n, [3n, 4n], [0n, 0n]],
  ])('%s over %s is %s', (amount, weights, shares) => {
    expect(shareOut(minorUnits(amount), units(...weights))).toEqual(shares)
  })

  const weights = fc
    .array(fc.bigInt({ min: 0n, max: minorUnitsMax }), { minLength: 1, maxLength: 20 })
    .filter((all) => all.some((weight) => weight > 0n))

  it('is never more than the weights, never less than a whole part, and nothing is lost', () => {
    fc.assert(
      fc.property(
        weights.chain((all) => {
          const total = all.reduce((sum, weight) => sum + weight, 0n)
          return fc.tuple(fc.constant(all), fc.constant(total), fc.bigInt({ min: 0n, max: total }))
        }),
        ([all, total, amount]) => {
          const shares = shareOut(minorUnits(amount), all.map(minorUnits))
          expect(shares.reduce((sum, share) => sum + share, 0n)).toBe(amount)
          for (const [at, share] of shares.entries()) {
            const weight = all[at] ?? 0n
            const whole = (amount * weight) / total
            expect(share === whole || share === whole + 1n).toBe(true)
            expect(share <= weight).toBe(true)
          }
        },
      ),
    )
  })

  it('of equal parts left over goes to the earlier', () => {
    fc.assert(
      fc.property(fc.nat({ max: 19 }), fc.integer({ min: 1, max: 20 }), (left, count) => {
        const amount = BigInt(Math.min(left, count))
        const shares = shareOut(
          minorUnits(amount),
          units(...Array.from({ length: count }, () => 1n)),
        )
        expect(shares).toEqual(shares.toSorted((a, b) => (a === b ? 0 : a < b ? 1 : -1)))
      }),
    )
  })
})

describe('the parts of a target', () => {
  const targets = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 3 }), fc.bigInt({ min: 1n, max: 1000n })), {
      minLength: 1,
      maxLength: 6,
    })
    .map((debits): Target => {
      const total = debits.reduce((sum, [, amount]) => sum + amount, 0n)
      const credits = total > 1n ? [total / 2n, total - total / 2n] : [total]
      return {
        id: 'target',
        status: 'held',
        isReversal: false,
        expiresAt: 0,
        currency: { code: 'USD', exponent: 2 },
        currencies: null,
        resolved: [],
        entries: [
          ...debits.map(([who, amount]) => ({
            accountId: `account ${who}`,
            direction: 'debit' as const,
            amount: minorUnits(amount),
          })),
          ...credits.map((amount, who) => ({
            accountId: `account ${who}`,
            direction: 'credit' as const,
            amount: minorUnits(amount),
          })),
        ],
      }
    })

  it('balance, add up to what was asked, and never take more than remains, until nothing does', () => {
    fc.assert(
      fc.property(targets, fc.array(fc.bigInt({ min: 1n, max: 900n })), (target, amounts) => {
        let left = target
        for (const amount of amounts) {
          const text = `${amount / 100n}.${String(amount % 100n).padStart(2, '0')}`
          const part = partOf(left, { of: 'amount', amount: text }, left)
          const remaining = remainingOf(left).reduce(
            (sum, units_, at) => (left.entries[at]?.direction === 'debit' ? sum + units_ : sum),
            0n,
          )
          expect('excess' in part).toBe(amount > remaining)
          if ('excess' in part) continue
          for (const side of ['debit', 'credit']) {
            const own = part.entries.filter(({ direction }) => direction === side)
            expect(own.reduce((sum, entry) => sum + entry.amount, 0n)).toBe(amount)
          }
          left = withResolved(left, part.taken)
          for (const units_ of remainingOf(left)) expect(units_ >= 0n).toBe(true)
        }
        const rest = partOf(left, { of: 'rest' }, left)
        if ('excess' in rest) throw new Error('the rest is more than remains')
        expect(remainingOf(withResolved(left, rest.taken)).every((units_) => units_ === 0n)).toBe(
          true,
        )
        expect(rest.entries.every(({ amount }) => amount > 0n)).toBe(true)
      }),
    )
  })
})
