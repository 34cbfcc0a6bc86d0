import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Metrics } from '../../shared/metrics.ts'
import { Problem, problemJson } from '../../shared/wire/problems.ts'
import { readinessDetails, type DetailedParts } from '../readiness-details.ts'

/** A worker's port for operators. */
export interface OperatorPort {
  readonly address: string
  /** From now on the worker is not ready. */
  stopping(): void
  close(): Promise<void>
}

/** What the port tells of. */
export interface OperatorParts extends DetailedParts {
  readonly metrics: Metrics
}

const retryAfterS = 1

/** Answers `/health`, `/health/ready`, its details and `/metrics` of a worker as the API answers its own. Port 0 picks a free one. */
export async function listenForOperators(
  parts: OperatorParts,
  host: string,
  port: number,
): Promise<OperatorPort> {
  let stopping = false
  const server = createServer((request, response) => {
    answer(request, response).catch(() => response.destroy())
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

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? '').split('?', 1)[0] ?? ''
    const route = routes[path]
    if (route === undefined) return sendProblem(response, '/', new Problem('route_not_found'))
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      const problem = new Problem('method_not_allowed', { allow: 'GET, HEAD' })
      return sendProblem(response, path, problem)
    }
    const said = await route(parts, stopping)
    if (said instanceof Problem) return sendProblem(response, path, said)
    send(response, 200, said)
  }
}

/** What is answered: a text of a type, or what is wrong. */
type Answer = { readonly type: string; readonly text: string } | Problem

const routes: Readonly<
  Record<string, (parts: OperatorParts, stopping: boolean) => Promise<Answer>>
> = {
  '/health': async () => json({ status: 'ok' }),

  '/health/ready': async ({ store, queue }, stopping) => {
    if (stopping) return unready('overloaded', 'The process is stopping.')
    const answers = await store.checkReady().then(
      () => true,
      () => false,
    )
    if (!answers) return unready('store_unavailable')
    const connected = queue.isConnected() ? 'ok' : 'unavailable'
    return json({ status: 'ready', store: 'ok', migrations: 'ok', queue: connected })
  },

  '/health/ready/details': async (parts, stopping) => json(await readinessDetails(parts, stopping)),

  '/metrics': async ({ metrics: { registry } }) => ({
    type: registry.contentType,
    text: await registry.metrics(),
  }),
}

function unready(code: 'overloaded' | 'store_unavailable', detail?: string): Problem {
  return new Problem(code, { retryAfterS, ...(detail === undefined ? {} : { detail }) })
}

function json(body: object): Answer {
  return { type: 'application/json; charset=utf-8', text: JSON.stringify(body) }
}

function sendProblem(response: ServerResponse, instance: string, problem: Problem): void {
  const { allow, retryAfterS: seconds } = problem.content
  if (allow !== undefined) response.setHeader('allow', allow)
  if (seconds !== undefined) response.setHeader('retry-after', seconds)
  send(response, problem.status, {
    type: 'application/problem+json; charset=utf-8',
    text: JSON.stringify(problemJson(problem, instance)),
  })
}

function send(
  response: ServerResponse,
  status: number,
  { type, text }: Exclude<Answer, Problem>,
): void {
  response.statusCode = status
  response.setHeader('content-type', type)
  response.setHeader('cache-control', 'no-store')
  response.end(text)
}
