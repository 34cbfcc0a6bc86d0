import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'

/**
 * The open connections of a server, to close those on which nothing ever came. Node takes a new connection for one that sends its
 * first request, and does not count it among the idle ones: pools that connect ahead kept a stopping service for as long as it waits
 * for answers.
 */
export class UnusedConnections {
  readonly #open = new Set<Socket>()

  constructor(server: Server) {
    server.on('connection', (socket) => {
      this.#open.add(socket)
      socket.once('close', () => this.#open.delete(socket))
    })
  }

  /** Closes those that have not sent a byte; what has arrived and is not read yet counts as sent. */
  async close(): Promise<void> {
    // What is there is read in the turn of the event loop between the two.
    await nextTurn()
    await nextTurn()
    for (const socket of this.#open) if (socket.bytesRead === 0) socket.destroy()
  }
}
