import { gzipSync } from 'node:zlib'
import { chunked } from '../raw-http.ts'
import {
  accepted,
  answered,
  canary,
  invalidAt,
  payment,
  posting,
  type BadRequest,
  type World,
} from './bad-request.ts'

const bodyBytesMax = 1024 * 1024
const malformed = answered(400, 'malformed_json')
const otherType = answered(415, 'unsupported_media_type')

/** Bodies that are not the JSON we take, and what is said about them. */
export const bodies: readonly BadRequest[] = [
  json('that is empty', () => '', malformed),
  json('that is blank', () => ' \r\n', malformed),
  json('that is malformed', (text) => text.replace('{', `{${canary}`), malformed),
  json('with a comment', (text) => `${text}// ${canary}`, malformed),
  json('with a trailing comma', (text) => text.replace(/}$/, ',}'), malformed),
  json('in single quotes', (text) => text.replaceAll('"', "'"), malformed),
  json('that ends too early', (text) => text.slice(0, -1), malformed),
  json('that goes on after its end', (text) => `${text}{"amount":"${canary}"}`, malformed),
  json(
    'with a member twice',
    (text) => text.replace('"currency":"USD"', `"currency":"${canary}","currency":"USD"`),
    malformed,
  ),
  json(
    'with a member twice, once escaped',
    (text) => text.replace('"currency":"USD"', String.raw`"currency":"USD","\u0063urrency":"EUR"`),
    malformed,
  ),
  json(
    'with an amount twice',
    (text) => text.replace('"amount":"125.00"', '"amount":"125.00","amount":"925.00"'),
    malformed,
  ),
  json('with __proto__', (text) => text.replace('{', `{"__proto__":{"${canary}":1},`), malformed),
  json(
    'with __proto__, escaped',
    (text) => text.replace('{', String.raw`{"__pr\u006fto__":{},`),
    malformed,
  ),
  json(
    'with constructor.prototype',
    (text) => text.replace('{', `{"constructor":{"prototype":{"${canary}":1}},`),
    invalidAt('constructor'),
  ),
  json('with a byte order mark', (text) => `\ufeff${text}`, malformed),
  json('in UTF-16', (text) => Buffer.from(text, 'utf16le'), malformed),
  json('in Latin-1', (text) => Buffer.from(text.replace('for ', 'für '), 'latin1'), malformed),
  json(
    'nested 10,000 deep',
    (text) => text.replace('"USD"', `${'['.repeat(10_000)}${']'.repeat(10_000)}`),
    malformed,
  ),
  json(
    'with a control character in a text',
    (text) => text.replace('for ', 'for \u0001'),
    malformed,
  ),
  json('of one megabyte', (text) => text.padEnd(bodyBytesMax), accepted),
  json('of a byte more', (text) => text.padEnd(bodyBytesMax + 1), answered(413, 'body_too_large')),
  json(
    'of ten megabytes',
    (text) => text.padEnd(10 * bodyBytesMax),
    answered(413, 'body_too_large'),
  ),
  {
    title: 'a body of one megabyte, in chunks',
    bytes: (world) => inChunks(textOf(world).padEnd(bodyBytesMax)),
    ...accepted,
  },
  {
    title: 'a body of a byte more, in chunks',
    bytes: (world) => inChunks(textOf(world).padEnd(bodyBytesMax + 1)),
    ...answered(413, 'body_too_large'),
  },
  {
    title: 'a body of ten megabytes, in chunks',
    bytes: (world) => inChunks(textOf(world).padEnd(10 * bodyBytesMax)),
    ...answered(413, 'body_too_large'),
  },

  ...[
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data; boundary=x',
    'application/json2',
    'application/problem+json',
    'application/vnd.api+json',
    'application/json; charset=iso-8859-1',
    'application/json; charset=utf-16',
    'application/json; version=1',
    'application/json, application/json',
    'json',
    '',
    canary,
  ].map((type) => typed(`content type ${type || 'that is empty'}`, type, otherType)),
  typed('no content type', null, otherType),
  ...[
    'application/json; charset=utf-8',
    'application/json;charset=UTF-8',
    'APPLICATION/JSON; Charset="utf-8"',
  ].map((type) => typed(`content type ${type}`, type, accepted)),
  {
    title: 'a body that is compressed',
    bytes: (world) => posting(gzipSync(textOf(world)), { headers: { 'content-encoding': 'gzip' } }),
    ...otherType,
  },
  {
    title: 'a body that says it is compressed',
    bytes: (world) => posting(payment(world), { headers: { 'content-encoding': `br, ${canary}` } }),
    ...otherType,
  },
  {
    title: 'no body',
    bytes: () => posting(undefined),
    ...invalidAt(''),
  },
  {
    title: 'no body, but a content type',
    bytes: () =>
      posting(undefined, {
        headers: { 'content-type': 'application/json', 'content-length': '0' },
      }),
    ...malformed,
  },
]

function textOf(world: World): string {
  return JSON.stringify(payment(world))
}

function json(
  what: string,
  spoilt: (text: string) => string | Buffer,
  answer: Pick<BadRequest, 'status' | 'code' | 'pointer'>,
): BadRequest {
  return {
    title: `a body ${what}`,
    bytes: (world) => posting(spoilt(textOf(world))),
    ...answer,
  }
}

function typed(
  title: string,
  type: string | null,
  answer: Pick<BadRequest, 'status' | 'code'>,
): BadRequest {
  return {
    title,
    bytes: (world) => posting(payment(world), { headers: { 'content-type': type } }),
    ...answer,
  }
}

function inChunks(body: string): Buffer {
  const headers = { 'content-length': null, 'transfer-encoding': 'chunked' }
  return posting(chunked(body, 64 * 1024), { headers })
}
