import { createHash, createHmac, timingSafeEqual } from 'node:crypto'

const filterLength = 8
const signatureLength = 16

/** What a cursor is good for: one list with one set of filters, in one ledger (whose secret signs it). */
export interface CursorScope {
  readonly secret: Buffer
  readonly list: string
  readonly filter: object
}

/**
 * Writes a cursor: the key of the page's last row, bound to its list and filters and signed, so that a changed cursor
 * and one of another list, filter or ledger are refused rather than answered with the wrong rows.
 */
export function writeCursor(scope: CursorScope, key: string): string {
  const content = Buffer.concat([filterHash(scope), Buffer.from(key)])
  return Buffer.concat([signature(scope, content), content]).toString('base64url')
}

/** Reads a cursor's key, or undefined when it is not ours, not of this list or not of these filters. */
export function readCursor(scope: CursorScope, cursor: string): string | undefined {
  const bytes = Buffer.from(cursor, 'base64url')
  // Decoding is lenient; only the text that we would write is taken.
  if (bytes.toString('base64url') !== cursor) return undefined
  if (bytes.length <= signatureLength + filterLength) return undefined
  const content = bytes.subarray(signatureLength)
  const genuine = timingSafeEqual(bytes.subarray(0, signatureLength), signature(scope, content))
  if (!genuine || !content.subarray(0, filterLength).equals(filterHash(scope))) return undefined
  return content.subarray(filterLength).toString()
}

function signature(scope: CursorScope, content: Buffer): Buffer {
  return createHmac('sha256', scope.secret).update(content).digest().subarray(0, signatureLength)
}

function filterHash(scope: CursorScope): Buffer {
  const set = Object.entries(scope.filter).filter(([, value]) => value !== undefined)
  const text = JSON.stringify([scope.list, set.toSorted(([a], [b]) => (a < b ? -1 : 1))])
  return createHash('sha256').update(text).digest().subarray(0, filterLength)
}
