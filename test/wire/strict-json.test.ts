import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { depthMax, readStrictJson, type StrictJsonFault } from '../../shared/wire/strict-json.ts'

const read = (text: string) => readStrictJson(Buffer.from(text, 'utf8'))
const faultOf = (body: Buffer | string) => {
  const reading = typeof body === 'string' ? read(body) : readStrictJson(body)
  return reading.ok ? undefined : reading.fault
}
const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels)
const nestedObjects = (levels: number) => '{"a":'.repeat(levels) + '1' + '}'.repeat(levels)
const bytes = (...parts: (string | number[])[]) =>
  Buffer.concat(parts.map((part) => Buffer.from(part as string)))

type Limit = { rule: string; allowed: Buffer | string; refused: Buffer | string }

/** For each fault the last body allowed and the first refused. */
const limits = {
  empty: [{ rule: 'no bytes', allowed: '0', refused: '' }],
  bom: [
    { rule: 'a mark before the value', allowed: '"\ufeff"', refused: '\ufeff{}' },
    { rule: 'a mark and nothing else', allowed: '{}', refused: '\ufeff' },
  ],
  invalid_utf8: [
    { rule: 'a character cut short', allowed: '"é"', refused: bytes('"', [0xc3], '"') },
    {
      rule: 'a character in too many bytes',
      allowed: '"/"',
      refused: bytes('"', [0xc0, 0xaf], '"'),
    },
    {
      rule: 'a surrogate as bytes',
      allowed: bytes('"', [0xed, 0x9f, 0xbf], '"'),
      refused: bytes('"', [0xed, 0xa0, 0x80], '"'),
    },
    {
      rule: 'a character past U+10FFFF',
      allowed: bytes('"', [0xf4, 0x8f, 0xbf, 0xbf], '"'),
      refused: bytes('"', [0xf4, 0x90, 0x80, 0x80], '"'),
    },
    { rule: 'UTF-16 with its mark', allowed: '{}', refused: bytes([0xff, 0xfe, 0x7b, 0, 0x7d, 0]) },
  ],
  too_deep: [
    { rule: 'arrays', allowed: nested(depthMax), refused: nested(depthMax + 1) },
    { rule: 'objects', allowed: nestedObjects(depthMax), refused: nestedObjects(depthMax + 1) },
    {
      rule: 'levels, not brackets',
      allowed: `[${'[],{},'.repeat(99)}0]`,
      refused: `[${nested(depthMax)}]`,
    },
    {
      rule: 'brackets that are text',
      allowed: `"\\"${'['.repeat(99)}"`,
      refused: `["\\"",${nested(depthMax)}]`,
    },
  ],
  malformed: [
    { rule: 'white space alone', allowed: ' 0\n', refused: ' \n' },
    { rule: 'a trailing comma', allowed: '[1]', refused: '[1,]' },
    { rule: 'text after the value', allowed: '{}\t', refused: '{}x' },
    { rule: 'an end too early', allowed: '{"a":1}', refused: '{"a":1' },
    { rule: 'an escape cut short', allowed: '"\\\\"', refused: '"\\' },
    { rule: 'an unescaped control character', allowed: '"\\u001f\u0020"', refused: '"\u001f"' },
    { rule: 'NUL', allowed: '"\\u0000"', refused: '"\u0000"' },
    { rule: 'a number JSON cannot say', allowed: '-0.1e+2', refused: '+1' },
    { rule: 'NaN', allowed: 'null', refused: 'NaN' },
    { rule: 'single quotes', allowed: '{"a":1}', refused: "{'a':1}" },
  ],
  reserved_member: [
    { rule: 'plain', allowed: '{"__proto":1}', refused: '{"__proto__":1}' },
    { rule: 'escaped', allowed: '{"\\u005f_proto":1}', refused: '{"\\u005f_proto__":1}' },
    { rule: 'inside', allowed: '[{"a":"__proto__"}]', refused: '[{"a":{"__proto__":null}}]' },
  ],
  lone_surrogate: [
    { rule: 'a first half', allowed: '"\\ud83d\\ude00"', refused: '"\\ud83d"' },
    { rule: 'a second half', allowed: '"\\ud83d\\ude00"', refused: '"\\ude00"' },
    { rule: 'halves in the wrong order', allowed: '"\\ud83d\\ude00"', refused: '"\\ude00\\ud83d"' },
    { rule: 'the lowest', allowed: '"\\ud7ff"', refused: '"\\ud800"' },
    { rule: 'the highest', allowed: '"\\ue000"', refused: '"\\udfff"' },
    { rule: 'in capitals', allowed: '"\\uE000"', refused: '"\\uDFFF"' },
    { rule: 'an escaped backslash is no escape', allowed: '"\\\\ud83d"', refused: '"\\\\\\ud83d"' },
    { rule: 'in a name', allowed: '{"\\ud83d\\ude00":1}', refused: '{"\\ud83d":1}' },
  ],
  unsafe_number: [
    { rule: 'large', allowed: '9007199254740991', refused: '9007199254740992' },
    {
      rule: 'one the double would change',
      allowed: '"9007199254740993"',
      refused: '9007199254740993',
    },
    { rule: 'negative', allowed: '-9007199254740991', refused: '-9007199254740992' },
    { rule: 'with an exponent', allowed: '9e15', refused: '1e16' },
    { rule: 'infinite', allowed: '1e-400', refused: '1e400' },
    { rule: 'inside', allowed: '{"a":[0.1]}', refused: '{"a":[-1e400]}' },
  ],
  duplicate_member: [
    { rule: 'plain', allowed: '{"a":1,"A":2}', refused: '{"a":1,"a":2}' },
    { rule: 'with equal values', allowed: '{"a":1,"b":1}', refused: '{"a":1,"a":1}' },
    { rule: 'one escaped', allowed: '{"a":1,"\\u0062":2}', refused: '{"a":1,"\\u0061":2}' },
    { rule: 'both escaped', allowed: '{"\\/":1,"\\u003f":2}', refused: '{"\\/":1,"\\u002f":2}' },
    {
      rule: 'a backslash escaped',
      allowed: '{"a":1,"\\\\u0061":2}',
      refused: '{"\\\\":1,"\\u005c":2}',
    },
    { rule: 'the empty name', allowed: '{"":1}', refused: '{"":1,"":2}' },
    { rule: 'a numeric name', allowed: '{"1":1,"01":2}', refused: '{"1":1,"1":2}' },
    {
      rule: 'one object, not two',
      allowed: '[{"a":1},{"a":2}]',
      refused: '[{"a":1},{"a":2,"a":3}]',
    },
    { rule: 'one level, not two', allowed: '{"a":{"a":1}}', refused: '{"a":{"a":1,"a":2}}' },
    {
      rule: 'inside a value that is replaced',
      allowed: '{"a":{"b":1}}',
      refused: '{"a":{"b":1},"a":{"b":1}}',
    },
    { rule: 'colons that are text', allowed: '{"a:b":":\\":"}', refused: '{"a":"::","a":"::"}' },
    {
      rule: 'a name every object inherits',
      allowed: '{"toString":1}',
      refused: '{"toString":1,"toString":2}',
    },
  ],
} satisfies Record<StrictJsonFault, Limit[]>

describe.each(Object.entries(limits))(
  'a body is refused as %s at its limit and not before',
  (fault, rows: Limit[]) => {
    it.each(rows)('$rule', ({ allowed, refused }) => {
      expect(readStrictJson(Buffer.from(allowed as string))).toEqual({
        ok: true,
        value: JSON.parse(allowed.toString()),
      })
      expect(faultOf(refused)).toBe(fault)
    })
  },
)

describe('what the reader says of a body with several faults', () => {
  it.each<[StrictJsonFault, Buffer | string]>([
    ['bom', bytes([0xef, 0xbb, 0xbf, 0xff])],
    ['invalid_utf8', bytes(nested(depthMax + 1), [0xff])],
    ['too_deep', '['.repeat(depthMax + 1)],
    ['malformed', '{"a":1e400,"a":1e400'],
    ['reserved_member', '{"__proto__":1,"__proto__":1}'],
    ['lone_surrogate', '{"a":"\\ud800","b":1e400}'],
    ['unsafe_number', '{"b":1e400,"a":"\\ud800"}'],
    ['duplicate_member', '{"a":1e400,"a":1}'],
  ])('is %s first', (fault, body) => {
    expect(faultOf(body)).toBe(fault)
  })
})

describe('names that only look dangerous', () => {
  it('are ordinary members of their own object and change no prototype', () => {
    const reading = read(
      '{"constructor":{"prototype":{"admin":true}},"prototype":1,"toJSON":1,"then":1}',
    )
    expect(reading).toMatchObject({ ok: true })
    expect({}).not.toHaveProperty('admin')
    expect(Object.prototype).not.toHaveProperty('admin')
  })
})

describe('the detail for the caller', () => {
  it.each<[StrictJsonFault, Buffer | string]>([
    ['bom', '\ufeff{"hunter2":"hunter2"}'],
    ['invalid_utf8', bytes('{"hunter2":"', [0xff], '"}')],
    ['too_deep', '{"hunter2":'.repeat(depthMax + 1)],
    ['malformed', '{"hunter2":hunter2}'],
    ['malformed', 'hunter2'],
    ['malformed', '"hunter2'],
    ['malformed', '{"a":1 hunter2}'],
    ['reserved_member', '{"hunter2":{"__proto__":"hunter2"}}'],
    ['lone_surrogate', '{"hunter2":"hunter2\\ud800"}'],
    ['unsafe_number', '{"hunter2":1e400}'],
    ['duplicate_member', '{"hunter2":1,"hunter2":1}'],
  ])('of %s is a sentence that repeats nothing from the body', (fault, body) => {
    const reading = readStrictJson(Buffer.from(body as string))
    expect(reading).toEqual({
      ok: false,
      fault,
      detail: expect.stringMatching(/^(The|An?) [^\n]+\.$/),
    })
    expect(JSON.stringify(reading)).not.toMatch(/hunter|__proto__|1e400/)
  })

  it('does not take a position out of the body', () => {
    for (const text of ['x at position 98765', '[1] at position 98765']) {
      expect(JSON.stringify(read(text))).not.toContain('98765')
    }
  })

  it('says where, when it can', () => {
    expect(read('[1 2]')).toMatchObject({ detail: 'The body is not valid JSON at character 3.' })
    expect(read('[1')).toMatchObject({
      detail: expect.stringMatching(/it ends too early|at character 2/),
    })
    expect(read(nested(depthMax + 1))).toMatchObject({
      detail: 'The body nests deeper than 32 levels at byte 32.',
    })
  })
})

describe('a hostile body of one megabyte gets an answer', () => {
  const members = (count: number, name: (index: number) => string | number) =>
    `{${Array.from({ length: count }, (_, index) => `"${name(index)}":1`).join(',')}}`
  const megabyte = 1_000_000

  it.each<[string, StrictJsonFault | undefined, () => string]>([
    ['opening brackets', 'too_deep', () => '['.repeat(megabyte)],
    ['100,000 closed levels', 'too_deep', () => nested(100_000)],
    ['100,000 levels of objects', 'too_deep', () => nestedObjects(100_000)],
    ['closing brackets', 'malformed', () => ']'.repeat(megabyte)],
    ['backslashes in one string', undefined, () => `"${'\\'.repeat(megabyte)}"`],
    ['backslashes that never end', 'malformed', () => `"${'\\'.repeat(megabyte)}`],
    ['quotes', 'malformed', () => '"'.repeat(megabyte)],
    ['colons', 'malformed', () => ':'.repeat(megabyte)],
    ['digits', 'unsafe_number', () => '1'.repeat(megabyte)],
    ['empty objects', undefined, () => `[${'{},'.repeat(megabyte / 3)}0]`],
    ['100,000 names', undefined, () => members(100_000, (index) => `k${index}`)],
    ['100,000 numeric names', undefined, () => members(100_000, (index) => index * 40_503)],
    ['100,000 times one name', 'duplicate_member', () => members(100_000, () => 'a')],
    [
      '100,000 names, the last a repetition',
      'duplicate_member',
      () => members(100_000, (i) => `k${i % 99_999}`),
    ],
    ['surrogate pairs', undefined, () => `"${'\\ud83d\\ude00'.repeat(megabyte / 12)}"`],
    [
      'surrogate pairs and a half',
      'lone_surrogate',
      () => `"${'\\ud83d\\ude00'.repeat(megabyte / 12)}\\ud83d"`,
    ],
  ])('%s', (_, fault, text) => {
    expect(faultOf(text())).toBe(fault)
  })
})

/** Any JSON value whose meaning all readers share: no reserved name, no number past 2^53 - 1. */
const plainJson = fc.jsonValue({ maxDepth: 6, stringUnit: 'binary' }).map((value): unknown =>
  JSON.parse(JSON.stringify(value), (name, inner: unknown) => {
    if (name === '__proto__') return undefined
    return typeof inner === 'number' && Math.abs(inner) > Number.MAX_SAFE_INTEGER ? 1 : inner
  }),
)
const memberName = fc
  .string({ unit: 'binary', maxLength: 8 })
  .filter((name) => name !== '__proto__')

/** A name spelled plainly, or with its first unit or every unit escaped: one name to any reader. */
const spelled = (name: string, spelling: 'plain' | 'first' | 'all') => {
  const units = name
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  if (spelling === 'plain') return JSON.stringify(name)
  if (spelling === 'all') return `"${units.join('')}"`
  const first = [...name][0]?.length ?? 0
  return `"${units.slice(0, first).join('')}${JSON.stringify(name.slice(first)).slice(1)}`
}
const spelling = fc.constantFrom('plain' as const, 'first' as const, 'all' as const)

describe('for any body', () => {
  it('a value that JSON can carry is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(plainJson, fc.constantFrom('', '  ', '\t'), (value, indent) => {
        const text = JSON.stringify(value, null, indent)
        expect(read(text)).toEqual({ ok: true, value: JSON.parse(text) as unknown })
      }),
      { numRuns: 1_000 },
    )
  })

  it('an object with distinct names is read, and with one of them repeated refused', () => {
    const objects = fc.record({
      members: fc.uniqueArray(fc.tuple(memberName, plainJson, spelling), {
        selector: ([name]) => name,
        minLength: 1,
        maxLength: 20,
      }),
      repeated: fc.nat(),
      at: fc.nat(),
      again: fc.tuple(plainJson, spelling),
      around: fc.constantFrom(['', ''], ['[0,', ']'], ['{"a":[', ',{"a":1}],"b":{}}']),
    })
    fc.assert(
      fc.property(objects, ({ members, repeated, at, again, around }) => {
        const texts = members.map(
          ([name, value, how]) => `${spelled(name, how)}:${JSON.stringify(value)}`,
        )
        const body = (inner: string[]) => `${around[0]}{${inner.join(',')}}${around[1]}`
        expect(faultOf(body(texts))).toBeUndefined()

        const name = members[repeated % members.length]![0]
        const repetition = `${spelled(name, again[1])}:${JSON.stringify(again[0])}`
        expect(faultOf(body(texts.toSpliced(at % (texts.length + 1), 0, repetition)))).toBe(
          'duplicate_member',
        )
      }),
      { numRuns: 1_000 },
    )
  })

  it('what JSON.parse cannot read is malformed, and what is read is what JSON.parse reads', () => {
    const piece = fc.constantFrom(
      ...'{}[]:,"\\/ 01-.eu',
      '"a"',
      '"a":',
      '\\u0061',
      '\\ud800',
      'null',
      '1e999',
      'é',
    )
    const text = fc.array(piece, { minLength: 1, maxLength: 24 }).map((pieces) => pieces.join(''))
    fc.assert(
      fc.property(text, (body) => {
        let parsed: { value: unknown } | undefined
        try {
          parsed = { value: JSON.parse(body) as unknown }
        } catch {
          parsed = undefined
        }
        const reading = read(body)
        if (reading.ok) expect(reading.value).toEqual(parsed?.value)
        expect(!reading.ok && reading.fault === 'malformed').toBe(parsed === undefined)
      }),
      { numRuns: 5_000 },
    )
  })
})
