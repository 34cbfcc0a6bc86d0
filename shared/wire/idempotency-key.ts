import { idempotencyKey } from './fields.ts'
import { invalidParts } from './invalid-request.ts'
import type { Problem } from './problems.ts'

/** A string of the structured fields of HTTP: in double quotes, `\"` and `\\` as the only escapes. RFC 8941, 3.3.3. */
const quoted = /^"((?:[^"\\]|\\["\\])*)"$/

/**
 * Reads the key of a request from its `Idempotency-Key` header and its body field; null when neither has one. A header
 * value in double quotes, as the IETF draft writes it, means its content. A key sent twice, or two different
 * keys, is a problem.
 */
export function idempotencyKeyOf(
  rawHeaders: readonly string[],
  bodyKey: string | null,
): { readonly key: string | null } | { readonly problem: Problem } {
  let value: string | undefined
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (!isIdempotencyKey(rawHeaders[index])) continue
    if (value !== undefined) return fault('must be sent once')
    value = rawHeaders[index + 1]
  }
  if (value === undefined) return { key: bodyKey }

  const content = quoted.exec(value)?.[1]?.replace(/\\(["\\])/g, '$1') ?? value
  const parsed = idempotencyKey.safeParse(content)
  if (!parsed.success) return fault('must be 1 to 255 printable ASCII characters')
  if (bodyKey !== null && bodyKey !== parsed.data) {
    return fault('must be the same as idempotency_key in the body')
  }
  return { key: parsed.data }
}

const headerName = 'idempotency-key'

/** Compares lengths first: most headers are told apart by them. */
function isIdempotencyKey(name: string | undefined): boolean {
  return name?.length === headerName.length && name.toLowerCase() === headerName
}

function fault(detail: string): { readonly problem: Problem } {
  return { problem: invalidParts([{ pointer: 'headers/idempotency-key', detail }]) }
}
