import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { idempotencyKeyOf } from '../../shared/wire/idempotency-key.ts'

const pointer = 'headers/idempotency-key'

describe('the key of a request', () => {
  it.each<[string, string[], string | null, string | null]>([
    ['none', [], null, null],
    ['the body’s', [], 'order-4711', 'order-4711'],
    ['the header’s', ['Idempotency-Key', 'order-4711'], null, 'order-4711'],
    ['the header’s, in capitals', ['IDEMPOTENCY-KEY', 'order-4711'], null, 'order-4711'],
    ['the same in both', ['Idempotency-Key', 'order-4711'], 'order-4711', 'order-4711'],
    [
      'the same in both, once quoted',
      ['Idempotency-Key', '"order-4711"'],
      'order-4711',
      'order-4711',
    ],
    ['among other headers', ['Accept', 'a', 'Idempotency-Key', 'k', 'Host', 'h'], null, 'k'],
    [
      'that is the value of another header',
      ['X-Name', 'idempotency-key', 'Accept', 'a'],
      null,
      null,
    ],
    ['that belongs to another header', ['X-Idempotency-Key', 'k'], 'other', 'other'],
  ])('is %s', (_, rawHeaders, bodyKey, key) => {
    expect(idempotencyKeyOf(rawHeaders, bodyKey)).toEqual({ key })
  })

  it.each<[string, string, string]>([
    ['plain text', 'order 4711; a=b', 'order 4711; a=b'],
    ['the content of quotes', '"order-4711"', 'order-4711'],
    ['an escaped quote', String.raw`"a\"b"`, 'a"b'],
    ['an escaped backslash', String.raw`"a\\b"`, String.raw`a\b`],
    ['a backslash without quotes as it stands', String.raw`a\"b`, String.raw`a\"b`],
    ['one quote as it stands', '"order-4711', '"order-4711'],
    ['a single quote as it stands', `'order-4711'`, `'order-4711'`],
    ['quotes with an escape that is none as they stand', String.raw`"a\nb"`, String.raw`"a\nb"`],
    ['quotes with a parameter as they stand', '"a";b=c', '"a";b=c'],
    ['255 characters', 'k'.repeat(255), 'k'.repeat(255)],
    ['255 characters in quotes', `"${'k'.repeat(255)}"`, 'k'.repeat(255)],
  ])('in the header means %s', (_, value, key) => {
    expect(idempotencyKeyOf(['Idempotency-Key', value], null)).toEqual({ key })
  })

  it.each<[string, string[], string | null]>([
    ['empty', ['Idempotency-Key', ''], null],
    ['empty in quotes', ['Idempotency-Key', '""'], null],
    ['only spaces', ['Idempotency-Key', '"  "'], null],
    ['of 256 characters', ['Idempotency-Key', 'k'.repeat(256)], null],
    ['with a TAB', ['Idempotency-Key', 'a\tb'], null],
    ['with a DEL', ['Idempotency-Key', 'a\u007f'], null],
    ['with a line break at its end', ['Idempotency-Key', 'a\n'], null],
    ['not ASCII', ['Idempotency-Key', 'ü'], null],
    ['sent twice', ['Idempotency-Key', 'a', 'idempotency-key', 'b'], null],
    ['sent twice, the same', ['Idempotency-Key', 'a', 'Idempotency-Key', 'a'], null],
    ['another than the body’s', ['Idempotency-Key', 'a'], 'b'],
    ['the body’s in other letters', ['Idempotency-Key', 'A'], 'a'],
  ])('is refused when it is %s, without being repeated', (_, rawHeaders, bodyKey) => {
    const read = idempotencyKeyOf(rawHeaders, bodyKey)

    expect(read).toMatchObject({
      problem: { code: 'invalid_request', content: { errors: [{ pointer }] } },
    })
    expect(JSON.stringify(read)).not.toContain('kkkk')
  })

  it('is the same however the header writes it: plain, or quoted as RFC 8941 does', () => {
    const character = fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code))
    const keys = fc
      .string({ unit: character, minLength: 1, maxLength: 255 })
      .filter((key) => key.trim() !== '')
    fc.assert(
      fc.property(keys, (key) => {
        const quoted = `"${key.replace(/["\\]/g, String.raw`\$&`)}"`
        expect(idempotencyKeyOf(['Idempotency-Key', quoted], key)).toEqual({ key })
      }),
    )
  })
})
