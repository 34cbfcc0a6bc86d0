import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** When a connection is cut: before the server hears of the COMMIT, or after it has answered it. */
export type Cut = 'before_commit' | 'after_commit'

/** A network between a client and Postgres that fails on command. */
export interface CuttingProxy {
  /** The database behind the proxy. */
  readonly url: string
  /** How many connections were cut. */
  readonly cuts: number
  /** Cuts the next `times` connections that commit. What passed until then, and what passes later, is untouched. */
  arm(cut: Cut, times?: number): void
  /** Lets nothing through in either direction, as if the server were stopped, until it is called with false. */
  silence(silent: boolean): void
  close(): Promise<void>
}

/** Starts a proxy in front of the database at `databaseUrl`; `greeting` changes the first packet of each connection. */
export async function startCuttingProxy(
  databaseUrl: string,
  greeting: (packet: Buffer) => Buffer = (packet) => packet,
): Promise<CuttingProxy> {
  const target = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  const state = { cut: 'after_commit' as Cut, left: 0, cuts: 0, silent: false }

  const proxy = createServer((client) => {
    const server = connect(Number(target.port), target.hostname)
    let swallowing = false
    let greeted = false
    const end = () => {
      client.destroy()
      server.destroy()
    }
    for (const socket of [client, server]) {
      sockets.add(socket)
      socket.on('error', end)
      socket.on('close', () => {
        sockets.delete(socket)
        end()
      })
    }
    if (state.silent) client.pause()
    client.on('data', (data) => {
      if (state.left > 0 && data.includes('commit')) {
        state.left -= 1
        state.cuts += 1
        if (state.cut === 'before_commit') return end()
        swallowing = true
      }
      server.write(greeted ? data : greeting(data))
      greeted = true
    })
    server.on('data', (data) => {
      if (!swallowing) client.write(data)
      // The tag by which Postgres says that the COMMIT is done.
      else if (data.includes('COMMIT')) end()
    })
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')

  const url = new URL(databaseUrl)
  url.hostname = '127.0.0.1'
  url.port = String((proxy.address() as AddressInfo).port)
  return {
    url: url.href,
    get cuts() {
      return state.cuts
    },
    arm: (cut, times = 1) => Object.assign(state, { cut, left: times }),
    silence: (silent) => {
      state.silent = silent
      for (const socket of sockets) socket[silent ? 'pause' : 'resume']()
    },
    close: async () => {
      for (const socket of sockets) socket.destroy()
      proxy.close()
      await once(proxy, 'close')
    },
  }
}
