import type { z } from 'zod'
import { Problem, type ProblemPart } from './problems.ts'

/** The parts of a request that a pointer can lead into. The body is the pointer's root. */
export type RequestPart = 'body' | 'query' | 'headers'

/** The most faults that one answer lists. */
const partsMax = 20

/** Names that may be repeated in an answer: what a programmer types, not what a customer is called. */
const nameThatMayBeTold = /^[A-Za-z0-9_.-]{1,64}$/

/**
 * Turns a schema's complaints into one problem. It says where and what is wrong and never repeats a value; names of the
 * client's own are repeated only when they look like field names.
 */
export function invalidRequest(error: z.ZodError, part: RequestPart): Problem {
  const parts = error.issues.flatMap((issue) => partsOf(issue, part)).slice(0, partsMax)
  return invalidParts(parts)
}

/** The same for a fault that no schema sees. */
export function invalidParts(parts: readonly ProblemPart[]): Problem {
  const first = parts[0]
  const detail =
    first === undefined || first.pointer === '' ? first?.detail : `${first.pointer} ${first.detail}`
  return new Problem('invalid_request', {
    ...(detail === undefined ? {} : { detail }),
    errors: parts,
  })
}

function partsOf(issue: z.core.$ZodIssue, part: RequestPart): ProblemPart[] {
  const path = issue.path.map(String)
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: pointerOf(part, [...path, key]),
      detail: part === 'query' ? 'is not a parameter of this route' : 'is not a known field',
    }))
  }
  return [{ pointer: pointerOf(part, path), detail: detailOf(issue) }]
}

function detailOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    // zod reports an absent field as "received undefined" of the expected type.
    if (issue.input === undefined && /received undefined/.test(issue.message)) return 'is required'
    return `must be of type ${issue.expected}`
  }
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  if (issue.code === 'invalid_key') return 'has a name that is not allowed'
  if (/^Invalid|^Too|^Unrecognized/.test(issue.message)) return 'does not have the required form'
  return issue.message
}

function pointerOf(part: RequestPart, path: readonly string[]): string {
  const told = path.map((name) => (nameThatMayBeTold.test(name) ? name : '…'))
  return (part === 'body' ? told : [part, ...told]).join('/')
}
