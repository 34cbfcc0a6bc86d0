import { requestBytes } from '../raw-http.ts'
import {
  accepted,
  accountsPath,
  canary,
  invalidAt,
  payment,
  posting,
  type BadRequest,
} from './bad-request.ts'

const pointer = 'headers/idempotency-key'

/** What the header `Idempotency-Key` may be. */
export const idempotencyKeys: readonly BadRequest[] = [
  key('empty', '', invalidAt(pointer)),
  key('blank', '     ', invalidAt(pointer)),
  key('blank in quotes', '"   "', invalidAt(pointer)),
  key('empty in quotes', '""', invalidAt(pointer)),
  key('of one character', 'k', accepted),
  key('of 255 characters', 'h'.repeat(255), accepted),
  key('of 256 characters', canary.padEnd(256, 'h'), invalidAt(pointer)),
  key('of 255 characters in quotes', `"${'q'.repeat(255)}"`, accepted),
  key('of 256 characters in quotes', `"${canary.padEnd(256, 'q')}"`, invalidAt(pointer)),
  key('with a TAB', `${canary}\t1`, invalidAt(pointer)),
  key('in UTF-8', `${canary}-ü`, invalidAt(pointer)),
  key('in Latin-1', Buffer.from(`${canary}-ü`, 'latin1'), invalidAt(pointer)),
  key('sent twice', [`${canary}-1`, `${canary}-2`], invalidAt(pointer)),
  key('sent twice, the same', [canary, canary], invalidAt(pointer)),
  key('sent twice, once empty', [canary, ''], invalidAt(pointer)),
  {
    title: 'a key in the header and another in the body',
    bytes: (world) =>
      posting(payment(world, { idempotency_key: `${canary}-body` }), {
        headers: { 'idempotency-key': `${canary}-header` },
      }),
    ...invalidAt(pointer),
  },
  {
    title: 'a key with a NUL, which is no HTTP',
    bytes: (world) =>
      posting(payment(world), { headers: { 'idempotency-key': `${canary}\u0000` } }),
    status: 400,
    code: 'invalid_request',
  },
  {
    title: 'a key in the header, the same as in the body',
    bytes: (world) =>
      posting(payment(world, { idempotency_key: 'in-both' }), {
        headers: { 'idempotency-key': 'in-both' },
      }),
    ...accepted,
  },
  {
    title: 'a bad key on GET, where there are none',
    bytes: () =>
      requestBytes('GET', accountsPath, { headers: { 'idempotency-key': ['', `ü\t${canary}`] } }),
    status: 200,
  },
]

function key(
  what: string,
  value: string | Buffer | readonly string[],
  answer: Pick<BadRequest, 'status' | 'code' | 'pointer'>,
): BadRequest {
  return {
    title: `a key ${what}`,
    bytes: (world) => posting(payment(world), { headers: { 'idempotency-key': value } }),
    ...answer,
  }
}
