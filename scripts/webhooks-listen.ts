import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { parseArgs } from 'node:util'
import { readConfiguration } from '../shared/config.ts'
import { verifyWebhook } from './receiver/verify-webhook.ts'

const requestTimeoutMs = 15_000
const configuration = readConfiguration()

/** An endpoint as the API shows it when it is made. */
interface MadeEndpoint {
  readonly id: string
  readonly secret: string
}

/**
 * Receives webhooks, to try them out: makes an endpoint at the API at BASE_URL that leads here, prints each event once its signature is
 * verified, and removes the endpoint when it is interrupted. With `--answer 500` it refuses what it gets.
 */
async function listen(): Promise<void> {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '0' },
      types: { type: 'string' },
      answer: { type: 'string', default: '204' },
    },
  })
  let endpoint: MadeEndpoint | undefined
  const server = createServer((request, response) => {
    receive(request, response, endpoint?.secret ?? '', Number(values.answer)).catch(() => {
      response.destroy()
    })
  })
  server.listen(Number(values.port), '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const types = values.types === undefined ? {} : { types: values.types.split(',') }
  const url = `http://127.0.0.1:${port}/events`
  const made = await call('POST', '/api/v1/webhooks', { url, description: 'Listener', ...types })
  endpoint = made as MadeEndpoint
  console.log(`Listening at ${url} as endpoint ${endpoint.id}. Ctrl+C removes it.`)

  const { id } = endpoint
  const end = () => {
    call('DELETE', `/api/v1/webhooks/${id}`)
      .then(() => process.exit(0))
      .catch(cannotListen)
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}

/** Prints one event. What cannot be verified is refused: somebody else has sent it. */
async function receive(
  request: IncomingMessage,
  response: ServerResponse,
  secret: string,
  answer: number,
): Promise<void> {
  const parts: Buffer[] = []
  for await (const part of request) parts.push(part as Buffer)
  try {
    const event = verifyWebhook(secret, request.headers, Buffer.concat(parts))
    console.log(JSON.stringify(event))
    response.writeHead(answer).end()
  } catch (error) {
    console.error(`refused: ${(error as Error).message}`)
    response.writeHead(401).end()
  }
}

async function call(method: string, path: string, body?: object): Promise<object> {
  const { BASE_URL: base, API_KEY: key } = configuration
  const response = await fetch(new URL(path, base), {
    method,
    headers: {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(requestTimeoutMs),
  }).catch((cause: unknown) => {
    throw new Error(`the API at ${base} does not answer`, { cause })
  })
  const answer = (await response.json()) as { code?: string; detail?: string }
  if (response.ok) return answer
  const hint =
    answer.code === 'webhook_target_refused'
      ? ' Start the service with WEBHOOK_ALLOW_PRIVATE=true to try webhooks on this machine.'
      : ''
  throw new Error(`${method} ${path}: ${answer.code}: ${answer.detail}.${hint}`)
}

function cannotListen(error: unknown): never {
  console.error(`webhooks:listen: ${error instanceof Error ? error.message : String(error)}`)
  process.exit(1)
}

listen().catch(cannotListen)
