import type { QueuedCandidate } from './queue-store.ts'

/**
 * How many rows are taken at once, by the number of processes that have ended with them in hand: all the first time, then few,
 * then each alone, twice, because its process may have been ended by something else. After that a row is not tried again.
 */
const togetherMax = [Number.POSITIVE_INFINITY, 32, 1, 1]

/** From so many deaths on a row is parked. */
export const deathsMax = togetherMax.length

/** So many deaths a resumed row keeps: it is taken alone from the beginning. */
export const deathsOfResumed = togetherMax.indexOf(1)

/** What to do with the oldest rows of some slots. */
export interface CarefulChoice {
  readonly take: readonly QueuedCandidate[]
  readonly park: readonly QueuedCandidate[]
}

/**
 * Chooses what to take of rows that may have ended the processes before us, in their order. What nobody has died of goes
 * first, so that it need not wait for the culprit; no row passes another of its ordering key. Pure.
 */
export function chooseCarefully(candidates: readonly QueuedCandidate[]): CarefulChoice {
  const park = candidates.filter(({ deaths }) => deaths >= deathsMax)
  for (const [deaths, most] of togetherMax.entries()) {
    const take = takeable(candidates, deaths, most)
    if (take.length > 0) return { take, park }
  }
  return { take: [], park }
}

/** Those with so many deaths that need not wait for an earlier one of their key. */
function takeable(
  candidates: readonly QueuedCandidate[],
  deaths: number,
  most: number,
): QueuedCandidate[] {
  const take: QueuedCandidate[] = []
  const keysPassed = new Set<string>()
  for (const candidate of candidates) {
    const { orderingKey } = candidate
    const fits = candidate.deaths === deaths && take.length < most
    if (fits && !keysPassed.has(orderingKey)) take.push(candidate)
    else keysPassed.add(orderingKey)
  }
  return take
}
