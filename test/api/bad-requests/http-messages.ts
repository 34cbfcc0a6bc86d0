import { requestBytes } from '../raw-http.ts'
import {
  accountsPath,
  answered,
  canary,
  invalidAt,
  payment,
  posting,
  transactionsPath,
  type BadRequest,
} from './bad-request.ts'

const broken = answered(400, 'invalid_request')

/** What is no HTTP, or HTTP that we do not speak. */
export const httpMessages: readonly BadRequest[] = [
  raw('garbage', `${canary}\r\n\r\n`, broken),
  raw('bytes of TLS', Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01]), broken),
  raw('the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', broken),
  raw('another version', `GET /${canary} HTTP/3.0\r\nhost: ledger.test\r\n\r\n`, broken),
  raw('no version', `GET /${canary}\r\n\r\n`, answered(404, 'route_not_found')),
  raw('a method that nobody knows', `BREW /${canary} HTTP/1.1\r\nhost: l\r\n\r\n`, broken),
  raw('an address with a space', `GET /${canary} 1 HTTP/1.1\r\nhost: l\r\n\r\n`, broken),
  raw(
    'CONNECT',
    `CONNECT ${canary}:443 HTTP/1.1\r\nhost: l\r\n\r\n`,
    answered(405, 'method_not_allowed'),
  ),
  raw('a header without a name', `GET / HTTP/1.1\r\nhost: l\r\n: ${canary}\r\n\r\n`, broken),
  raw('a header without a colon', `GET / HTTP/1.1\r\nhost: l\r\n${canary}\r\n\r\n`, broken),
  raw('a folded header', `GET / HTTP/1.1\r\nhost: l\r\nx: 1\r\n ${canary}\r\n\r\n`, broken),
  raw(
    'the asterisk',
    `OPTIONS * HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n`,
    answered(404, 'route_not_found'),
  ),
  raw(
    'a whole address',
    `GET http://l/${canary} HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n`,
    answered(404, 'route_not_found'),
  ),
  raw(
    'a whole address, of a known route',
    `DELETE http://l/health HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n`,
    answered(405, 'method_not_allowed'),
  ),
  {
    title: 'no Host',
    bytes: () => requestBytes('GET', '/health', { headers: { host: null } }),
    ...invalidAt('headers/host'),
  },
  {
    title: 'headers of 20,000 bytes',
    bytes: () => requestBytes('GET', '/health', { headers: { 'x-long': canary.repeat(3000) } }),
    ...answered(431, 'headers_too_large'),
  },
  {
    title: 'an expectation that nobody knows',
    bytes: () =>
      requestBytes('GET', `${accountsPath}/${canary}`, { headers: { expect: `200-${canary}` } }),
    ...answered(404, 'not_found'),
  },
  {
    title: 'an upgrade to another protocol',
    bytes: () =>
      requestBytes('GET', `${accountsPath}/${canary}`, {
        headers: { connection: 'upgrade, close', upgrade: canary },
      }),
    ...answered(404, 'not_found'),
  },
  {
    title: 'a content length that is no number',
    bytes: (world) => posting(payment(world), { headers: { 'content-length': canary } }),
    ...broken,
  },
  {
    title: 'a negative content length',
    bytes: (world) => posting(payment(world), { headers: { 'content-length': '-1' } }),
    ...broken,
  },
  {
    title: 'two content lengths',
    bytes: (world) => posting(payment(world), { headers: { 'content-length': ['10', '500'] } }),
    ...broken,
  },
  {
    title: 'a content length and chunks',
    bytes: (world) => posting(payment(world), { headers: { 'transfer-encoding': 'chunked' } }),
    ...broken,
  },
  {
    title: 'chunks that are none',
    bytes: (world) =>
      posting(payment(world), {
        headers: { 'content-length': null, 'transfer-encoding': 'chunked' },
      }),
    ...broken,
  },
  {
    title: 'a body that the client does not finish',
    bytes: (world) => posting(payment(world), { headers: { 'content-length': '5000' } }),
    endAfterwards: true,
    ...broken,
  },
  {
    title: 'a body on GET',
    bytes: () => requestBytes('GET', '/health', { body: `{"${canary}` }),
    status: 200,
  },
  {
    title: 'a method in the header that would override',
    bytes: () =>
      requestBytes('GET', `${transactionsPath}/${canary}`, {
        headers: { 'x-http-method-override': 'DELETE' },
      }),
    ...answered(404, 'not_found'),
  },
  {
    title: 'a request id that is none',
    bytes: () =>
      requestBytes('GET', `${accountsPath}/${canary}`, {
        headers: { 'x-request-id': `${canary} !` },
      }),
    ...answered(404, 'not_found'),
  },
]

function raw(
  title: string,
  bytes: string | Buffer,
  answer: Pick<BadRequest, 'status' | 'code'>,
): BadRequest {
  return { title, bytes: () => Buffer.from(bytes as string), ...answer }
}
