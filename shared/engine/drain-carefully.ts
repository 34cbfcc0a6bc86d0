import type { Caution } from './caution.ts'
import { chooseCarefully, type CarefulChoice } from './choose-carefully.ts'
import { drainPlaces, type DrainResult, type ParkedTransaction } from './drain.ts'
import type { DrainRest, QueueStore, QueuedCandidate } from './queue-store.ts'
import { StoreFailure } from './store-failure.ts'

/**
 * Drains some slots so that a row that ends the process is found: what is taken is marked before, in a database transaction of
 * its own, and a mark that is still there when the process is not says what it had in hand. Marked rows are taken in
 * smaller and smaller batches, at last alone, and parked after a bounded number of deaths; all others go on.
 *
 * One database transaction more than `drainOnce`, so it is only for slots that are not calm: those that a process has not
 * drained yet, and those in which it met a mark. Rejects with `StoreFailure` as `drainOnce` does.
 */
export async function drainCarefully(
  store: QueueStore,
  ledgerId: number,
  slots: readonly number[],
  caution: Caution,
): Promise<DrainResult> {
  await caution.settle(store)
  let candidates: readonly QueuedCandidate[] = []
  let choice: CarefulChoice = { take: [], park: [] }
  let inHand: readonly QueuedCandidate[] = []
  try {
    const rest = await store.markInHand(ledgerId, slots, (found) => {
      candidates = found
      choice = chooseCarefully(found)
      inHand = choice.take
      return inHand.map(({ place }) => place)
    })
    const parked = await parkAll(store, ledgerId, choice.park)
    const drained = await drainChosen(store, ledgerId, choice.take)
    inHand = leftOf(choice.take, drained)
    const suspicious = suspiciousSlots(candidates, inHand)
    const others = new Set([...rest.takenElsewhere, ...drained.takenElsewhere, ...suspicious])
    caution.calm(
      ledgerId,
      slots.filter((slot) => !others.has(slot)),
    )
    return {
      ended: drained.ended,
      parked: [...parked, ...drained.parked],
      mayHaveMore: [...new Set([...rest.mayHaveMore, ...drained.mayHaveMore, ...suspicious])],
      takenElsewhere: [...rest.takenElsewhere, ...drained.takenElsewhere],
      suspect: [],
    }
  } finally {
    // Whatever is still marked and not drained, we have let go of alive.
    caution.owe(
      ledgerId,
      inHand.map(({ place }) => place),
    )
    await caution.settle(store).catch(() => undefined)
  }
}

async function parkAll(
  store: QueueStore,
  ledgerId: number,
  culprits: readonly QueuedCandidate[],
): Promise<ParkedTransaction[]> {
  const parked: ParkedTransaction[] = []
  for (const { place, transactionId: id, deaths } of culprits) {
    const reason = `the process ended ${deaths} times while it was posting this transaction`
    await store.park(ledgerId, place, reason)
    parked.push({ ledgerId, id, slot: place.slot, reason })
  }
  return parked
}

/** Drains exactly these rows; where somebody else has come to their slots meanwhile, they are the other's. */
async function drainChosen(
  store: QueueStore,
  ledgerId: number,
  chosen: readonly QueuedCandidate[],
): Promise<DrainResult> {
  const nothing: DrainRest = { mayHaveMore: [], takenElsewhere: [], suspect: [] }
  if (chosen.length === 0) return { ended: [], parked: [], ...nothing }
  const places = chosen.map(({ place }) => place)
  try {
    return await drainPlaces(store, ledgerId, places)
  } catch (error) {
    if (!(error instanceof StoreFailure) || error.code !== 'rows_taken') throw error
    const takenElsewhere = [...new Set(places.map(({ slot }) => slot))]
    return { ended: [], parked: [], ...nothing, takenElsewhere }
  }
}

/** What was taken and has not ended: parked, canceled meanwhile, or somebody else's. */
function leftOf(
  taken: readonly QueuedCandidate[],
  { ended }: DrainResult,
): readonly QueuedCandidate[] {
  const done = new Set(ended.map(({ id }) => id))
  return taken.filter(({ transactionId }) => !done.has(transactionId))
}

/** The slots that must be looked at with care once more. */
function suspiciousSlots(
  candidates: readonly QueuedCandidate[],
  left: readonly QueuedCandidate[],
): number[] {
  const suspects = candidates.filter(({ deaths }) => deaths > 0)
  return [...new Set([...suspects, ...left].map(({ place }) => place.slot))]
}
