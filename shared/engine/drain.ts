import { drainDecider } from './decide-drain.ts'
import type { DrainOrder, DrainRest, QueueStore, TakenTransaction } from './queue-store.ts'
import { StoreFailure } from './store-failure.ts'
import type { QueuePlace, TransactionRecord } from './transaction-record.ts'

/** What one drain did, and what it left. */
export interface DrainResult extends DrainRest {
  /** What has ended, posted or failed, in the order of its slots and sequences. */
  readonly ended: readonly TransactionRecord[]
  readonly parked: readonly ParkedTransaction[]
}

/** A transaction that was set aside because it cannot be posted and is not refused on merits. */
export interface ParkedTransaction {
  readonly ledgerId: number
  readonly id: string
  readonly slot: number
  readonly reason: string
}

/**
 * Drains the queue once: takes the oldest of what waits in some slots, posts it in order, and says what is left. What there
 * is to do comes from the database alone, so it does not matter who calls, how often, or whether two do at once.
 *
 * Rejects with `StoreFailure` when the database failed; nothing has moved then, or nobody knows (the next drain finds out).
 */
export async function drainOnce(
  store: QueueStore,
  ledgerId: number,
  slots: readonly number[],
): Promise<DrainResult> {
  return drainOrder(store, { ledgerId, slots })
}

/** Drains exactly these rows, as far as they are still there, in the same way. */
export async function drainPlaces(
  store: QueueStore,
  ledgerId: number,
  places: readonly QueuePlace[],
): Promise<DrainResult> {
  return drainOrder(store, { ledgerId, places })
}

async function drainOrder(store: QueueStore, order: DrainOrder): Promise<DrainResult> {
  let taken: readonly TakenTransaction[] = []
  let ended: readonly TransactionRecord[] = []
  try {
    const rest = await store.drain(order, {
      targetsOf: (rows) => {
        taken = rows
        return drainDecider.targetsOf(rows)
      },
      accountsOf: (rows, targets) => drainDecider.accountsOf(rows, targets),
      closingMatters: (rows) => drainDecider.closingMatters(rows),
      decide: (state) => {
        const writes = drainDecider.decide(state)
        ended = writes.ended
        return writes
      },
    })
    return { ended, parked: [], ...rest }
  } catch (error) {
    if (isOfTheRows(error)) return isolate(store, order.ledgerId, taken, error)
    await store.noteAttempt(order.ledgerId, placesOf(taken), reasonOf(error)).catch(() => undefined)
    throw error
  }
}

/**
 * Halves what was taken until the place that cannot be posted stands alone, and parks it. Both halves keep their order, and what
 * waits behind a parked row stays in the queue.
 */
async function isolate(
  store: QueueStore,
  ledgerId: number,
  taken: readonly TakenTransaction[],
  error: unknown,
): Promise<DrainResult> {
  const [first] = taken
  if (first === undefined) throw error
  const { slot } = first.place
  const places = placesOf(taken)
  if (places.length === 1) {
    const reason = reasonOf(error)
    await store.park(ledgerId, first.place, reason)
    const parked = { ledgerId, id: first.transaction.id, slot, reason }
    return { ended: [], parked: [parked], mayHaveMore: [slot], takenElsewhere: [], suspect: [] }
  }
  const middle = places.length >> 1
  const before = await drainPlaces(store, ledgerId, places.slice(0, middle))
  const after = await drainPlaces(store, ledgerId, places.slice(middle))
  return {
    ended: [...before.ended, ...after.ended],
    parked: [...before.parked, ...after.parked],
    mayHaveMore: [...new Set(places.map((place) => place.slot))],
    takenElsewhere: [],
    suspect: [],
  }
}

/** The places of what was taken, each once: all of an atomic batch has one. */
function placesOf(taken: readonly TakenTransaction[]): QueuePlace[] {
  const places: QueuePlace[] = []
  for (const { place } of taken) {
    const last = places.at(-1)
    if (last?.slot !== place.slot || last.sequence !== place.sequence) places.push(place)
  }
  return places
}

/** Whether a failure is of the rows' own making: the database refuses what we write, or an invariant is broken. */
function isOfTheRows(error: unknown): boolean {
  return !(error instanceof StoreFailure) || error.kind === 'deterministic'
}

/** A reason that an operator can act on, without amounts or names: the database's code, or our own words. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}`.slice(0, 500) : 'unknown'
}
