import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifyWebhook, type WebhookEvent } from '../../scripts/receiver/verify-webhook.ts'

/** An event of a transaction, as far as these tests look into it. */
export interface ReceivedEvent extends WebhookEvent {
  readonly data: {
    readonly id: string
    readonly entries?: readonly { readonly account_id: string; readonly account_version?: number }[]
  }
}

/** What a receiver answers an event with, which came so many times before; `hang` never answers. */
export type Behaviour = (event: ReceivedEvent, earlier: number) => Answer | Promise<Answer>
type Answer = number | 'hang'

const well: Behaviour = () => 204

/** A receiver of webhooks: a real HTTP server that verifies each delivery as the documentation says. */
export class Receiver {
  /** What was taken, in the order in which it came: a good answer was given for it. */
  readonly taken: ReceivedEvent[] = []
  /** What came, whatever was answered. */
  readonly came: ReceivedEvent[] = []
  readonly headers: IncomingMessage['headers'][] = []
  readonly refused: string[] = []
  secret = ''
  behaviour: Behaviour = well
  #server: Server
  #port = 0

  private constructor() {
    this.#server = this.#newServer()
  }

  static async start(): Promise<Receiver> {
    const receiver = new Receiver()
    await receiver.open()
    return receiver
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}/events`
  }

  /** Listens, the second time on the port that it had. */
  async open(): Promise<void> {
    this.#server = this.#newServer()
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    ;({ port: this.#port } = this.#server.address() as AddressInfo)
  }

  /** Is away: nobody listens at its port any more. */
  async close(): Promise<void> {
    this.#server.close()
    this.#server.closeAllConnections()
    await once(this.#server, 'close')
  }

  #newServer(): Server {
    return createServer((request, response) => {
      this.#receive(request, response).catch(() => response.destroy())
    })
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    let event: ReceivedEvent
    try {
      event = verifyWebhook(this.secret, request.headers, Buffer.concat(parts)) as ReceivedEvent
    } catch (error) {
      this.refused.push((error as Error).message)
      response.writeHead(401).end()
      return
    }
    const earlier = this.came.filter(({ id }) => id === event.id).length
    this.came.push(event)
    this.headers.push(request.headers)
    const answer = await this.behaviour(event, earlier)
    if (answer === 'hang') return
    if (answer < 300) this.taken.push(event)
    response.writeHead(answer).end()
  }
}

/** The order in which an account's entries came for the first time: rising, when each waited for the one before. */
export function versionsOf(events: readonly ReceivedEvent[], account: string): number[] {
  const seen = new Set<string>()
  const versions: number[] = []
  for (const { id, data } of events) {
    if (seen.has(id)) continue
    seen.add(id)
    const entry = data.entries?.find(({ account_id }) => account_id === account)
    if (entry?.account_version !== undefined) versions.push(entry.account_version)
  }
  return versions
}
