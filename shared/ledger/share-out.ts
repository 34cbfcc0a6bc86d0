import type { MinorUnits } from './money.ts'

/**
 * Shares an amount out in proportion to weights, by the largest remainder: each gets the whole part of its share, and what is left goes, a
 * minor unit each, to those that lost most by that; of equal ones to the earlier. The shares always add up to
 * the amount, and while the amount is at most the sum of the weights no share is more than its weight. Pure.
 */
export function shareOut(amount: MinorUnits, weights: readonly MinorUnits[]): MinorUnits[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0n)
  if (total <= 0n) throw new Error('an amount is to be shared over nothing')
  const shares = weights.map((weight) => (amount * weight) / total)
  const left = shares.reduce((rest, share) => rest - share, amount as bigint)
  const byLoss = weights
    .map((weight, position) => ({ position, lost: (amount * weight) % total }))
    .toSorted((a, b) => (a.lost === b.lost ? a.position - b.position : a.lost > b.lost ? -1 : 1))
  for (const { position } of byLoss.slice(0, Number(left))) {
    shares[position] = (shares[position] ?? 0n) + 1n
  }
  return shares as MinorUnits[]
}
