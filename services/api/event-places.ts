import type { EventPosition, EventType } from '../../shared/engine/event.ts'
import type { EventPage, LostPlace } from '../../shared/engine/event-store.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { readCursor, writeCursor, type CursorScope } from '../../shared/wire/cursor.ts'
import { invalidParts } from '../../shared/wire/invalid-request.ts'
import { Problem } from '../../shared/wire/problems.ts'
import { cursorScope } from './cursor-scope.ts'

/** Which events somebody asks for, as the query says it. */
export interface EventWish {
  readonly type?: EventType | undefined
  readonly account_id?: string | undefined
}

/** The events of a ledger that somebody asks for, and the cursors among them. */
export class EventPlaces {
  readonly #store: LedgerStore
  readonly #ledgerId: number
  readonly #scope: CursorScope
  readonly #wish: EventWish

  private constructor(store: LedgerStore, ledgerId: number, scope: CursorScope, wish: EventWish) {
    this.#store = store
    this.#ledgerId = ledgerId
    this.#scope = scope
    this.#wish = wish
  }

  static async of(store: LedgerStore, ledgerId: number, wish: EventWish): Promise<EventPlaces> {
    const { type, account_id } = wish
    const scope = await cursorScope(store, ledgerId, 'events', { type, account_id })
    return new EventPlaces(store, ledgerId, scope, wish)
  }

  /** Where a cursor is; undefined without one. Throws the problem of one that is none of these; `now` costs a round trip. */
  async positionOf(
    cursor: string | undefined,
    pointer: string,
  ): Promise<EventPosition | undefined> {
    if (cursor === undefined) return undefined
    if (cursor === 'now') return this.#store.latestPosition(this.#ledgerId)
    const key = readCursor(this.#scope, cursor)
    if (key === undefined) {
      throw invalidParts([{ pointer, detail: 'is not a cursor of these events' }])
    }
    return BigInt(key)
  }

  cursorAt(position: EventPosition): string {
    return writeCursor(this.#scope, position.toString())
  }

  /** Reads what is wanted behind a position; see `EventStore.readEvents`. */
  read(after: EventPosition | undefined, size: number): Promise<EventPage | LostPlace> {
    const { type, account_id: accountId } = this.#wish
    return this.#store.readEvents({ ledgerId: this.#ledgerId, after, size, type, accountId })
  }
}

/** The page that was read; throws the problem of a place that is lost. */
export function pageThere(page: EventPage | LostPlace): EventPage {
  if (typeof page !== 'string') return page
  const detail = {
    forgotten: 'Events behind this cursor are older than is kept, and are forgotten.',
    unseen: 'This ledger has not come to this cursor: it was restored from a time before.',
  }[page]
  throw new Problem('events_gone', { detail, details: { reason: page } })
}
