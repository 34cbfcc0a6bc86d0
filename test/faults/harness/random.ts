/** Numbers that look random and follow from a seed. */
export interface Random {
  /** A whole number from 0 below `bound`. */
  below(bound: number): number
  pick<Item>(items: readonly Item[]): Item
}

/** Makes a generator from a seed: mulberry32, the same on every machine. */
export function randomOf(seed: number): Random {
  let state = seed >>> 0
  const below = (bound: number): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return (((mixed ^ (mixed >>> 14)) >>> 0) % bound) >>> 0
  }
  return {
    below,
    pick: (items) => {
      const item = items[below(items.length)]
      if (item === undefined) throw new Error('nothing to pick from')
      return item
    },
  }
}

/** The seed of this run: FAULTS_SEED replays an earlier one. */
export function seedOfRun(): number {
  const given = Number(process.env['FAULTS_SEED'] ?? '')
  return Number.isSafeInteger(given) && given > 0 ? given : (Date.now() % 1_000_000) + 1
}
