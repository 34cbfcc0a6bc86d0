import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** Where on the way of a COMMIT a connection is cut. */
export type CommitCut = 'before_commit' | 'after_commit'

/** The network between one process and one server, which fails on command. */
export interface Link {
  readonly port: number
  /** How many connections were cut at a COMMIT. */
  readonly cuts: number
  /** Lets everything through, also what a blackhole has held back. */
  pass(): void
  /** Lets everything through, but later. */
  delay(ms: number): void
  /** Ends what is connected and whoever connects. */
  refuse(): void
  /** Lets nothing through and ends nothing: packets vanish. */
  blackhole(): void
  /** Ends what is connected; new connections are welcome. */
  cutNow(): void
  /** Cuts the next `times` connections that send a COMMIT: before it is passed on, or once it has been answered unseen. */
  cutAtCommit(cut: CommitCut, times?: number): void
  close(): Promise<void>
}

/** The simple-query message `commit`, as the protocol of Postgres writes it: type, length of what follows, text, NUL. */
const commitMessage = Buffer.concat([
  Buffer.from('Q'),
  Buffer.from([0, 0, 0, 4 + 'commit'.length + 1]),
  Buffer.from('commit\0'),
])

interface State {
  mode: 'pass' | 'refuse' | 'blackhole'
  delayMs: number
  cut: CommitCut
  cutsLeft: number
  cuts: number
}

/** Puts a link before a server on this machine. */
export async function startLink(serverPort: number): Promise<Link> {
  const state: State = { mode: 'pass', delayMs: 0, cut: 'before_commit', cutsLeft: 0, cuts: 0 }
  const connections = new Set<Connection>()
  const server = createServer((client) => {
    if (state.mode === 'refuse') {
      client.on('error', () => undefined)
      client.destroy()
      return
    }
    const connection = new Connection(client, serverPort, state)
    connections.add(connection)
    connection.ended.then(() => connections.delete(connection)).catch(() => undefined)
    if (state.mode === 'blackhole') connection.hold()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  const end = () => {
    for (const connection of connections) connection.end()
  }
  return {
    port,
    get cuts() {
      return state.cuts
    },
    pass: () => {
      state.mode = 'pass'
      state.delayMs = 0
      state.cutsLeft = 0
      for (const connection of connections) connection.release()
    },
    delay: (ms) => {
      state.mode = 'pass'
      state.delayMs = ms
    },
    refuse: () => {
      state.mode = 'refuse'
      end()
    },
    blackhole: () => {
      state.mode = 'blackhole'
      for (const connection of connections) connection.hold()
    },
    cutNow: end,
    cutAtCommit: (cut, times = 1) => {
      state.cut = cut
      state.cutsLeft = times
    },
    close: async () => {
      end()
      server.close()
      await once(server, 'close')
    },
  }
}

/** One connection through a link. */
class Connection {
  readonly ended: Promise<void>
  readonly #client: Socket
  readonly #server: Socket
  readonly #state: State
  /** The last bytes that went to the server: a message may come in two pieces. */
  #tail: Buffer = Buffer.alloc(0)
  #answerIsLost = false

  constructor(client: Socket, serverPort: number, state: State) {
    this.#client = client
    this.#server = connect(serverPort, '127.0.0.1')
    this.#state = state
    this.ended = Promise.all([once(client, 'close'), once(this.#server, 'close')]).then(
      () => undefined,
      () => undefined,
    )
    for (const socket of [client, this.#server]) {
      socket.setNoDelay(true)
      socket.on('error', () => this.end())
      socket.on('close', () => this.end())
    }
    client.on('data', (data: Buffer) => this.#later(() => this.#toServer(data)))
    this.#server.on('data', (data: Buffer) => this.#later(() => this.#toClient(data)))
  }

  end(): void {
    this.#client.destroy()
    this.#server.destroy()
  }

  hold(): void {
    this.#client.pause()
    this.#server.pause()
  }

  release(): void {
    this.#client.resume()
    this.#server.resume()
  }

  /** Timers of equal length keep their order. */
  #later(forward: () => void): void {
    if (this.#state.delayMs > 0) setTimeout(forward, this.#state.delayMs)
    else forward()
  }

  #toServer(data: Buffer): void {
    if (this.#server.destroyed) return
    const seen = Buffer.concat([this.#tail, data])
    const commitAt = this.#state.cutsLeft > 0 ? seen.indexOf(commitMessage) : -1
    this.#tail = seen.subarray(-(commitMessage.length - 1))
    if (commitAt !== -1) {
      this.#state.cutsLeft -= 1
      this.#state.cuts += 1
      if (this.#state.cut === 'before_commit') {
        const passed = Math.max(0, commitAt - (seen.length - data.length))
        this.#server.write(data.subarray(0, passed), () => this.end())
        return
      }
      this.#answerIsLost = true
    }
    this.#server.write(data)
  }

  #toClient(data: Buffer): void {
    if (this.#client.destroyed) return
    if (!this.#answerIsLost) this.#client.write(data)
    // The tags by which Postgres says how the COMMIT ended.
    else if (data.includes('COMMIT\0') || data.includes('ROLLBACK\0')) this.end()
  }
}
