import { Readable } from 'node:stream'
import { setImmediate as turn, setTimeout as sleep } from 'node:timers/promises'
import { StoreFailure } from '../../shared/engine/store-failure.ts'
import type { EventPosition } from '../../shared/engine/event.ts'
import type { EventPage, EventStore } from '../../shared/engine/event-store.ts'
import type { EndedNews } from '../../shared/queue/queue.ts'
import { eventJson } from '../../shared/wire/event-json.ts'
import { Problem } from '../../shared/wire/problems.ts'
import type { EventPlaces } from './event-places.ts'
import { EventWake, type EventWatch } from './event-wake.ts'
import { ReadingTurns } from './reading-turns.ts'

/** How often a stream that has nothing to tell says that it is alive, and where it stands. */
const heartbeatMs = 15_000

/** The longest that a stream waits before it looks whether its reader may still read. Revocation is effective within a second. */
const lookMs = 500

/** How often is looked for readers that take nothing. */
const stuckCheckMs = 1000

/** The most events that a stream holds in memory, and how many entries they may have before it takes one at a time. */
const pageSizeMax = 16
const entriesOfPageMax = 200

/** How many streams read the database at once: the others wait for their turn, and no other reader for them. */
const readingMax = 2

/** After a failure of the database. */
const retryMs = 1000

/** How long a client waits before it connects again, as the stream tells it. */
const reconnectMs = 2000

/** What a stream is to tell, and to whom. */
export interface StreamWish {
  readonly ledgerId: number
  readonly places: EventPlaces
  /** Behind which event; undefined: from the oldest that is kept. */
  readonly after: EventPosition | undefined
  /** Whether who asked may still read. */
  readonly mayRead: () => Promise<boolean>
}

/** The bounds of a process. */
export interface StreamBounds {
  readonly streamsMax: number
  /** How long a reader may leave unread what its connection cannot take any more. */
  readonly stuckMsMax: number
}

/** One reader that is connected. */
interface Stream {
  readonly readable: Readable
  /** Since when its connection takes nothing. */
  stuckSince: number | undefined
}

/**
 * The streams of events of one process. Each reads by small pages at its own pace and only when its connection has taken what was read
 * before, so that a reader who takes nothing costs one page and one socket's buffer, whatever happens in the ledger.
 */
export class EventStreams {
  readonly #wake: EventWake
  readonly #turns = new ReadingTurns(readingMax)
  readonly #streams = new Set<Stream>()
  readonly #bounds: StreamBounds
  readonly #stuckCheck: NodeJS.Timeout
  #stopped = false

  constructor(store: EventStore, news: EndedNews, bounds: StreamBounds) {
    this.#wake = new EventWake(store, news)
    this.#bounds = bounds
    this.#stuckCheck = setInterval(() => this.#endStuck(), stuckCheckMs)
    this.#stuckCheck.unref()
  }

  /** Begins a stream. Throws `overloaded` when there are as many as there may be. Whoever takes it must read or destroy it. */
  open(wish: StreamWish): Readable {
    if (this.#stopped || this.#streams.size >= this.#bounds.streamsMax) {
      throw new Problem('overloaded', { retryAfterS: 5 })
    }
    const stream: Stream = {
      readable: Readable.from(
        this.#pieces(wish, () => stream),
        { objectMode: false },
      ),
      stuckSince: undefined,
    }
    this.#streams.add(stream)
    stream.readable.once('close', () => this.#streams.delete(stream))
    return stream.readable
  }

  /** Ends all streams: each after the event in hand, at once where nobody takes that. */
  stop(): void {
    this.#stopped = true
    clearInterval(this.#stuckCheck)
    this.#wake.stop()
    for (const { readable, stuckSince } of this.#streams) {
      if (stuckSince !== undefined) readable.destroy()
    }
  }

  /** What is sent, piece by piece; it goes on when what was sent before is taken. */
  async *#pieces(wish: StreamWish, own: () => Stream): AsyncGenerator<string> {
    const watch = this.#wake.watch(wish.ledgerId)
    try {
      // Once the stream is destroyed, nobody takes what comes: a generator hears of that at its next piece only.
      const isOver = () => this.#stopped || own().readable.destroyed
      for await (const piece of this.#told(wish, watch, isOver)) {
        own().stuckSince = performance.now()
        yield piece
        own().stuckSince = undefined
      }
    } finally {
      watch.done()
    }
  }

  async *#told(
    { places, after, mayRead }: StreamWish,
    watch: EventWatch,
    isOver: () => boolean,
  ): AsyncGenerator<string> {
    yield `retry: ${reconnectMs}\n${after === undefined ? '' : `id: ${places.cursorAt(after)}\n`}\n`
    let position = after
    let size = 1
    let beatAt = performance.now()
    while (!isOver()) {
      const { round } = watch
      const page = await this.#turns.take(() => readPage(places, position, size, mayRead))
      if (page === 'ended') return
      if (page === 'failed') {
        await sleep(retryMs)
        continue
      }
      for (const event of page.events) {
        const { type } = event
        yield `id: ${places.cursorAt(event.position)}\nevent: ${type}\ndata: ${JSON.stringify(eventJson(event))}\n\n`
        if (isOver()) return
      }
      position = page.next
      size = nextSize(page, size)
      if (page.more) continue
      if (performance.now() - beatAt >= heartbeatMs) {
        beatAt = performance.now()
        // An id without data moves the place to which a reader comes back, and is no event. HTML, 9.2.6.
        yield `: alive\nid: ${places.cursorAt(position)}\n\n`
      }
      await watch.next(round, lookMs)
    }
  }

  #endStuck(): void {
    const before = performance.now() - this.#bounds.stuckMsMax
    for (const { readable, stuckSince = before } of this.#streams) {
      if (stuckSince < before) readable.destroy()
    }
  }
}

/** Reads a page for whoever may still read; a place that is lost ends the stream: coming back is answered with why. */
async function readPage(
  places: EventPlaces,
  position: EventPosition | undefined,
  size: number,
  mayRead: () => Promise<boolean>,
): Promise<EventPage | 'ended' | 'failed'> {
  try {
    // On SQLite nothing of a read waits: without a turn for others a hundred streams that had much to tell kept posting for a second.
    await turn()
    if (!(await mayRead())) return 'ended'
    const page = await places.read(position, size)
    return typeof page === 'string' ? 'ended' : page
  } catch (error) {
    if (error instanceof StoreFailure) return 'failed'
    throw error
  }
}

/** Twice as many while they are small; one by one where they are large. */
function nextSize({ events }: EventPage, size: number): number {
  if (events.length === 0) return size
  const entries = events.reduce(
    (sum, event) => sum + ('transaction' in event ? entriesOf(event.transaction) : 0),
    0,
  )
  return entries > entriesOfPageMax ? 1 : Math.min(size * 2, pageSizeMax)
}

function entriesOf({
  entries,
  requestedEntries,
}: {
  entries: readonly unknown[]
  requestedEntries: readonly unknown[]
}) {
  return entries.length + requestedEntries.length
}
