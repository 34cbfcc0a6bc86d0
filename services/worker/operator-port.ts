import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from '../../shared/metrics.ts'
import type { Queue } from '../../shared/queue/queue.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'

/** A worker's port for operators. */
export interface OperatorPort {
  readonly address: string
  /** From now on the worker is not ready. */
  stopping(): void
  close(): Promise<void>
}

/** Answers `/health`, `/health/ready` and `/metrics` of a worker. Port 0 picks a free one. */
export async function listenForOperators(
  parts: { readonly store: LedgerStore; readonly queue: Queue; readonly metrics: Metrics },
  host: string,
  port: number,
): Promise<OperatorPort> {
  let stopping = false
  const server = createServer((request, response) => {
    answer(request.url ?? '', response).catch(() => response.destroy())
  })
  server.listen(port, host)
  await once(server, 'listening')
  const { port: bound } = server.address() as AddressInfo
  return {
    address: `http://${host}:${bound}`,
    stopping: () => {
      stopping = true
    },
    close: async () => {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }

  async function answer(url: string, response: ServerResponse): Promise<void> {
    switch (url) {
      case '/health':
        return sendJson(response, 200, { status: 'ok' })
      case '/health/ready': {
        const store = await parts.store.checkReady().then(
          () => 'ok',
          () => 'unavailable',
        )
        const ready = store === 'ok' && !stopping
        const queue = parts.queue.isConnected() ? 'ok' : 'unavailable'
        return sendJson(response, ready ? 200 : 503, {
          status: ready ? 'ready' : 'not_ready',
          store,
          queue,
        })
      }
      case '/metrics': {
        const { registry } = parts.metrics
        response.setHeader('content-type', registry.contentType)
        response.end(await registry.metrics())
        return
      }
      default:
        sendJson(response, 404, { status: 'not_found' })
    }
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.statusCode = status
  response.setHeader('content-type', 'application/json; charset=utf-8')
  response.end(JSON.stringify(body))
}
