import { get, type IncomingMessage } from 'node:http'
import type { EventJson } from '../../shared/wire/event-json.ts'

/** An event as a stream told it. */
export interface StreamedEvent {
  readonly id: string
  readonly type: string
  readonly data: EventJson
}

/** Reads a stream of server-sent events as a browser would, on a connection of its own. HTML, 9.2. */
export class EventStream {
  /** Where to come back to. */
  lastId: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly #response: IncomingMessage
  readonly #pieces: AsyncIterator<string>
  #text = ''
  #hungUp = false

  private constructor(response: IncomingMessage) {
    this.#response = response.setEncoding('utf8')
    this.headers = response.headers
    this.#pieces = response.iterator({ destroyOnReturn: false }) as AsyncIterator<string>
  }

  /** Connects; rejects when the answer is no stream. */
  static open(url: string, headers: Record<string, string> = {}): Promise<EventStream> {
    return new Promise((resolve, reject) => {
      const request = get(url, { headers, agent: false }, (response) => {
        if (response.statusCode === 200) return resolve(new EventStream(response))
        response.resume()
        reject(new Error(`no stream: ${response.statusCode}`))
      })
      request.once('error', reject)
    })
  }

  /** The next event; undefined when the stream has ended. */
  async next(): Promise<StreamedEvent | undefined> {
    for (;;) {
      const end = this.#text.indexOf('\n\n')
      if (end === -1) {
        const piece = await this.#pieces.next().catch((error: unknown) => {
          if (this.#hungUp) return { done: true, value: undefined } as const
          throw error
        })
        if (piece.done === true) return undefined
        this.#text += piece.value
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
  close(): void {
    this.#hungUp = true
    this.#response.destroy()
  }
}
