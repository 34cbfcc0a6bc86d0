import type { EventJson } from '../../shared/wire/event-json.ts'

/** An event as a stream told it. */
export interface StreamedEvent {
  readonly id: string
  readonly type: string
  readonly data: EventJson
}

/** Reads a stream of server-sent events as a browser would. HTML, 9.2. */
export class EventStream {
  /** Where to come back to. */
  lastId: string | undefined
  readonly response: Response
  readonly #reader: ReadableStreamDefaultReader<string>
  #text = ''

  private constructor(response: Response) {
    if (response.body === null) throw new Error('the stream has no body')
    this.response = response
    this.#reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  }

  /** Connects; throws when the answer is no stream. */
  static async open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    const response = await fetch(url, { headers })
    if (response.status !== 200) throw new Error(await response.text())
    return new EventStream(response)
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<StreamedEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end === -1) {
        const { done, value } = await this.#reader.read()
        if (done) return undefined
        this.#text += value
        continue
      }
      const fields = new Map(
        this.#text
          .slice(0, end)
          .split('\n')
          .map((line) => [line.replace(/:.*/s, ''), line.replace(/^\w*: ?/, '')] as const),
      )
      this.#text = this.#text.slice(end + 2)
      this.lastId = fields.get('id') ?? this.lastId
      const data = fields.get('data')
      if (data !== undefined) {
        const type = fields.get('event') ?? 'message'
        return { id: this.lastId ?? '', type, data: JSON.parse(data) as EventJson }
      }
    }
  }

  /** Reads some events. */
  async take(count: number): Promise<StreamedEvent[]> {
    const events: StreamedEvent[] = []
    while (events.length < count) {
      const event = await this.next()
      if (event === undefined) throw new Error(`the stream has ended after ${events.length} events`)
      events.push(event)
    }
    return events
  }

  /** Hangs up. */
  close(): Promise<void> {
    return this.#reader.cancel()
  }
}
