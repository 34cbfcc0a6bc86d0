import type { FastifyInstance, FastifyRequest } from 'fastify'
import { invalidParts } from '../../shared/wire/invalid-request.ts'
import { Problem } from '../../shared/wire/problems.ts'

/** What RFC 9110, 4.1, asks every server to take at least, and no more. */
const addressLengthMax = 8192

/** Judges what Node and Fastify let pass before a request is routed to its handler: its Host and its address. */
export function judgeHeads(server: FastifyInstance): void {
  server.addHook('onRequest', (request, _reply, done) => {
    done(headFault(request))
  })
}

function headFault({ raw }: FastifyRequest): Problem | undefined {
  const address = raw.url ?? ''
  if (address.length > addressLengthMax) return new Problem('uri_too_long')
  if (raw.headers.host === undefined && raw.httpVersion === '1.1') {
    return invalidParts([{ pointer: 'headers/host', detail: 'is required' }])
  }
  const queryStart = address.indexOf('?')
  if (queryStart !== -1 && !isDecodable(address.slice(queryStart))) {
    return invalidParts([{ pointer: 'query', detail: 'must be UTF-8, percent-encoded' }])
  }
  return undefined
}

/** Fastify would take text that it cannot decode as it stands, and look for something else than the client meant. */
function isDecodable(query: string): boolean {
  if (!query.includes('%')) return true
  try {
    decodeURIComponent(query)
    return true
  } catch {
    return false
  }
}
