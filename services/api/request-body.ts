import type { FastifyInstance } from 'fastify'
import { readStrictJson } from '../../shared/wire/strict-json.ts'
import { Problem } from '../../shared/wire/problems.ts'

/** The only content type whose bodies are read, with the only charset that JSON has. */
const jsonType = /^application\/json[ \t]*(?:;[ \t]*charset="?utf-8"?[ \t]*)?$/i

/** Methods that carry a body here. */
const methodsWithBody = new Set(['POST', 'PATCH', 'PUT'])

/**
 * Reads bodies strictly: `application/json` in UTF-8 without content encoding, and JSON that means one thing only. What
 * Fastify would do by itself (coerce, drop, take the last of two members) is wrong for money.
 */
export function readStrictBodies(server: FastifyInstance): void {
  server.removeAllContentTypeParsers()
  server.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => {
    const read = readStrictJson(body as Buffer)
    if (read.ok) done(null, read.value)
    else done(new Problem('malformed_json', { detail: read.detail }))
  })
  server.addHook('onRequest', (request, _reply, done) => {
    if (request.is404 || !methodsWithBody.has(request.method)) return done()
    const { 'content-type': type, 'content-encoding': encoding } = request.headers
    const plain = encoding === undefined || encoding.toLowerCase() === 'identity'
    if (plain && takesNoBody(request.headers) && type === undefined) return done()
    done(plain && jsonType.test(type ?? '') ? undefined : new Problem('unsupported_media_type'))
  })
}

/** A request that announces no body has no content type to be wrong; its route says whether it needs one. */
function takesNoBody(headers: NodeJS.Dict<string | string[]>): boolean {
  return headers['transfer-encoding'] === undefined && (headers['content-length'] ?? '0') === '0'
}
