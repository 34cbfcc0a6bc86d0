import type { Direction } from './account.ts'
import { type Priced, type PricedEntry } from './command.ts'
import type { Currency } from './currency.ts'
import { formatMinorUnits, parseDecimal, type MinorUnits } from './money.ts'
import type { Refusal } from './refusal.ts'
import { shareOut } from './share-out.ts'
import type { WishedPart } from './special-wish.ts'
import { remainingOf, type Target } from './target.ts'

/** A part of a target: what it takes of each entry by position, and the entries that move it. */
export interface Part extends Priced {
  readonly taken: readonly MinorUnits[]
}

/** What is wished for is more than remains: how much of each, and the entry that asks too much if one does. */
export interface Excess {
  readonly excess: Refusal['details']
}

/**
 * Finds the part of a target that is wished for. `given` are the entries of the wish, where it has any, on the target's own
 * sides. The entries of the part are on these sides too, those that would be of nothing left out. Pure.
 */
export function partOf(target: Target, wished: WishedPart, given: Priced): Part | Excess {
  switch (wished.of) {
    case 'rest':
      return movedBy(target, remainingOf(target))
    case 'amount':
      return partOfAmount(target, wished.amount)
    case 'entries':
      return partOfEntries(target, given)
  }
}

function partOfAmount(target: Target, text: string): Part | Excess {
  const { exponent } = target.currency
  const amount = parseDecimal(text, exponent)
  const remaining = remainingOf(target)
  const left = sumOfSide(target, remaining, 'debit')
  return amount > left
    ? {
        excess: {
          requested: formatMinorUnits(amount, exponent),
          remaining: formatMinorUnits(left, exponent),
        },
      }
    : movedBy(target, sharedOut(target, amount, remaining))
}

/** Shares an amount out over the entries of a target: each side in proportion to `weights`, by position. */
export function sharedOut(
  target: Priced,
  amount: MinorUnits,
  weights: readonly MinorUnits[],
): MinorUnits[] {
  const taken = target.entries.map(() => 0n as MinorUnits)
  for (const side of ['debit', 'credit'] as const) {
    const positions = [...target.entries.keys()].filter(
      (position) => target.entries[position]?.direction === side,
    )
    const own = positions.map((position) => weights[position] ?? (0n as MinorUnits))
    const shares = shareOut(amount, own)
    for (const [index, position] of positions.entries()) {
      taken[position] = shares[index] ?? (0n as MinorUnits)
    }
  }
  return taken
}

/** Takes entries as they were given: each off the target's entries on the same account and side, from the first on. */
function partOfEntries(target: Target, given: Priced): Part | Excess {
  const remaining = remainingOf(target)
  const taken = target.entries.map(() => 0n)
  for (const [position, entry] of given.entries.entries()) {
    const currency = currencyAt(given, position)
    let wanted: bigint = entry.amount
    let found = 0n
    for (const [at, own] of target.entries.entries()) {
      const same = own.accountId === entry.accountId && own.direction === entry.direction
      if (!same || currencyAt(target, at).code !== currency.code) continue
      const free = (remaining[at] ?? 0n) - (taken[at] ?? 0n)
      const part = wanted < free ? wanted : free
      taken[at] = (taken[at] ?? 0n) + part
      wanted -= part
      found += free
    }
    if (wanted === 0n) continue
    const decimal = (units: bigint) => formatMinorUnits(units as MinorUnits, currency.exponent)
    return {
      excess: { position, requested: decimal(entry.amount), remaining: decimal(found) },
    }
  }
  return { ...given, taken: taken as MinorUnits[] }
}

/** The part that takes so much of each entry, moved by one entry each. */
export function movedBy(target: Priced, taken: readonly MinorUnits[]): Part {
  const positions = [...target.entries.keys()].filter((position) => (taken[position] ?? 0n) > 0n)
  const entries = positions.map((position): PricedEntry => {
    const { accountId, direction } = entryAt(target, position)
    return { accountId, direction, amount: taken[position] ?? (0n as MinorUnits) }
  })
  return {
    currency: target.currency,
    currencies:
      target.currencies === null ? null : positions.map((position) => currencyAt(target, position)),
    entries,
    taken,
  }
}

/** The same on the other sides: what undoes it. */
export function mirrored<Sided extends { readonly direction: Direction }>(
  entries: readonly Sided[],
): Sided[] {
  return entries.map((entry) => ({
    ...entry,
    direction: entry.direction === 'debit' ? 'credit' : 'debit',
  }))
}

/** The sum of one side of a target, of amounts by position. */
export function sumOfSide(
  target: Priced,
  amounts: readonly MinorUnits[],
  side: Direction,
): MinorUnits {
  return amounts.reduce(
    (sum, amount, position) =>
      target.entries[position]?.direction === side ? ((sum + amount) as MinorUnits) : sum,
    0n as MinorUnits,
  )
}

function currencyAt(priced: Priced, position: number): Currency {
  return priced.currencies?.[position] ?? priced.currency
}

function entryAt(priced: Priced, position: number): PricedEntry {
  const entry = priced.entries[position]
  if (entry === undefined) throw new Error('a part names an entry that its target does not have')
  return entry
}
