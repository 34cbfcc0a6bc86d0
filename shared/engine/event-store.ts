import type { EventPosition, EventType, LedgerEvent } from './event.ts'

/** Which events to read of a ledger, oldest first. */
export interface EventReads {
  readonly ledgerId: number
  /** Behind which one; undefined: from the oldest that is kept. */
  readonly after: EventPosition | undefined
  readonly size: number
  readonly type?: EventType | undefined
  readonly accountId?: string | undefined
}

/** What was read of the events, and where to go on. */
export interface EventPage {
  readonly events: readonly LedgerEvent[]
  /** What to read behind the next time: never passes an event that has not been read, also one that is committed later. */
  readonly next: EventPosition
  /** Whether there may be more right now; a search that finds little gives what it has. */
  readonly more: boolean
}

/** Why events cannot be read behind a position: some there are forgotten by now, or it lies in a future that this database has not seen. */
export type LostPlace = 'forgotten' | 'unseen'

/** The events of a ledger as they can be read. Rejections are `StoreFailure`. */
export interface EventStore {
  /**
   * Reads events behind a position, each with its transaction or account as it was then. Whoever goes on behind `next` reads each event
   * once, whatever is committed meanwhile. One round trip, and two for each 25 transactions.
   */
  readEvents(reads: EventReads): Promise<EventPage | LostPlace>

  /** A position behind which everything lies that begins from now on. One round trip. */
  latestPosition(ledgerId: number): Promise<EventPosition>

  /**
   * Forgets the oldest events of a ledger that were told before a time (ms since 1970), up to about `size`; gives how many were
   * forgotten. The guards of the schema refuse those of the last day.
   */
  forgetEvents(ledgerId: number, before: number, size: number): Promise<number>
}
