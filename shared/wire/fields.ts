import { z } from 'zod'
import type { Metadata } from '../engine/transaction-record.ts'
import { axes, timeMax, timeMin } from '../ledger/axis.ts'
import { decimalPattern, signedDecimalPattern } from '../ledger/money.ts'

/** Any UUID, in either case; this service makes version 7. Kept in lower case. */
export const uuid = z
  .string()
  .regex(/^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/, 'must be a UUID')
  .transform((text) => text.toLowerCase())
  .meta({ description: 'A UUID.', example: '0198c0de-7a11-7000-8000-00000000a11c' })

/** Text of one line: no control characters, no lone surrogates. `lengthMax` counts characters as JSON Schema does: code points. */
export function line(lengthMax: number) {
  return z
    .string()
    .min(1, 'must not be empty')
    .max(lengthMax, `must have at most ${lengthMax} characters`)
    .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters')
}

/** A decimal amount as text. Its sign, scale and size are judged with its currency, on merits. */
export const amount = z
  .string('must be a decimal in a string, such as "125.00"')
  .regex(decimalPattern, 'must be a plain decimal, such as "125.00"')

/** A decimal that may be negative, for limits. */
export const signedAmount = z
  .string('must be a decimal in a string, such as "-500.00"')
  .regex(signedDecimalPattern, 'must be a plain decimal, such as "-500.00"')

/** The code of a currency; whether the ledger knows it is judged on merits. */
export const currencyCode = z
  .string()
  .regex(/^[A-Za-z0-9._-]{1,24}$/, 'must be a currency code, such as USD')

/** The caller's own name for a request: 1 to 255 printable ASCII characters, not only spaces. */
export const idempotencyKey = z
  .string()
  .regex(/^(?=.*[!-~])[ -~]{1,255}$/, 'must be 1 to 255 printable ASCII characters')

/** A time as RFC 3339 with its zone, kept to the millisecond: ms since 1970. */
export const time = z.iso
  .datetime({ offset: true, error: 'must be a time as RFC 3339 with a zone' })
  .transform((text) => Date.parse(text))
  .refine((ms) => ms >= timeMin && ms <= timeMax, 'must be between the years 1 and 9999')

/** The axis that a question about the past is asked of. */
export const axis = z
  .enum(axes)
  .default('posted')
  .meta({ description: 'By the time of posting, or by the time at which entries take effect.' })

const metadataNamesMax = 50
const metadataNameLengthMax = 64
const metadataValueLengthMax = 500

/** The caller's own names and values: flat, at most 50. */
export const metadata = z
  .record(
    line(metadataNameLengthMax),
    z
      .string()
      .max(metadataValueLengthMax, `must have at most ${metadataValueLengthMax} characters`)
      .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters'),
  )
  .refine(
    (value) => Object.keys(value).length <= metadataNamesMax,
    `must have at most ${metadataNamesMax} names`,
  )
  .transform((value): Metadata => value)

const metadataPairsMax = 10

/** Names and values of metadata that a list asks for, as `metadata[order]=4711`: sorted, so that their order does not matter. */
export const metadataFilter = z
  .record(
    line(metadataNameLengthMax),
    z
      .string('must be given once')
      .max(metadataValueLengthMax, `must have at most ${metadataValueLengthMax} characters`)
      .regex(/^[^\p{Cc}\p{Cs}]*$/u, 'must not have control characters'),
  )
  .refine(
    (value) => Object.keys(value).length <= metadataPairsMax,
    `must have at most ${metadataPairsMax} names`,
  )
  .transform((value) => Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
  .meta({
    description: 'What the metadata must have, each as `metadata[name]=value`; all of it.',
    example: { order: '4711' },
  })

let lastTime = Number.NaN
let lastTimeText = ''

/**
 * Writes a time for people and programs: RFC 3339 in UTC with milliseconds. The last one is kept: all of a batch
 * happens at one time, and each answer writes it four times.
 */
export function timeJson(ms: number): string {
  if (ms !== lastTime) {
    lastTimeText = new Date(ms).toISOString()
    lastTime = ms
  }
  return lastTimeText
}
