import type { z } from 'zod'
import { describe, expect, it } from 'vitest'
import {
  amount,
  currencyCode,
  idempotencyKey,
  line,
  metadata,
  signedAmount,
  time,
  timeJson,
  uuid,
} from '../../shared/wire/fields.ts'

/** For each field what it takes and what it refuses: where there is a limit, the last allowed and the first refused. */
const fields: Record<string, { schema: z.ZodType; takes: unknown[]; refuses: unknown[] }> = {
  uuid: {
    schema: uuid,
    takes: ['0198c0de-7a11-7000-8000-00000000a11c', '00000000-0000-0000-0000-000000000000'],
    refuses: [
      '',
      '0198c0de7a1170008000000000000a11',
      '{0198c0de-7a11-7000-8000-00000000a11c}',
      '0198c0de-7a11-7000-8000-00000000a11c\n',
      '0198c0de-7a11-7000-8000-00000000a11g',
      '0198c0de-7a11-7000-8000-00000000a11',
      1,
      null,
    ],
  },
  line: {
    schema: line(5),
    takes: ['a', 'abcde', ' ', 'Zoë', '١٢', '\u{1f4b6}'.repeat(5), '\u00a0', '\u200d'],
    refuses: [
      '',
      'abcdef',
      '\u{1f4b6}'.repeat(6),
      'a\n',
      '\t',
      '\u0000',
      '\u007f',
      '\u009f',
      '\ud800',
      'a\udfff',
      5,
      null,
    ],
  },
  amount: {
    schema: amount,
    takes: ['0', '0.0', '1', '125.00', '0.001', '9'.repeat(60), `0.${'0'.repeat(60)}1`],
    refuses: [
      '',
      '.5',
      '1.',
      '01',
      '00',
      '00.5',
      '+1',
      '-1',
      ' 1',
      '1 ',
      '1\n',
      '1e3',
      '1E3',
      '0x10',
      '1,000',
      '1_000',
      '١',
      '１',
      'NaN',
      'Infinity',
      '1.2.3',
      1,
      0,
      1n,
      null,
      undefined,
      ['5'],
      { toString: () => '5' },
    ],
  },
  signedAmount: {
    schema: signedAmount,
    takes: ['0.00', '-0.00', '-500.00', '500'],
    refuses: ['--1', '- 1', '+1', '-', '-.5', '-01', '−1', 0, null],
  },
  currencyCode: {
    schema: currencyCode,
    takes: ['USD', 'usd', 'POINTS.v2', 'A'.repeat(24)],
    refuses: ['', 'A'.repeat(25), 'US D', 'USD\n', 'ÜSD', '$', 1, null],
  },
  idempotencyKey: {
    schema: idempotencyKey,
    takes: ['k', ' k ', '"', 'k'.repeat(255), '~'],
    refuses: ['', ' ', ' '.repeat(10), 'k'.repeat(256), 'a\tb', 'a\n', 'ü', '\u007f', 1, null],
  },
  time: {
    schema: time,
    takes: [
      '2026-01-31T12:00:00Z',
      '2026-01-31T12:00:00.123456789+05:30',
      '2028-02-29T00:00:00Z',
      '0001-01-01T00:00:00Z',
      '9999-12-31T23:59:59.999Z',
    ],
    refuses: [
      '',
      '2026-01-31',
      '2026-01-31T12:00:00',
      '2026-01-31 12:00:00Z',
      '2026-02-29T12:00:00Z',
      '2100-02-29T12:00:00Z',
      '2026-04-31T12:00:00Z',
      '2026-13-01T12:00:00Z',
      '2026-01-31T24:00:00Z',
      '2026-01-31T12:60:00Z',
      '2026-01-31T12:00:00+24:00',
      '0000-12-31T23:59:59Z',
      '0001-01-01T00:00:00+00:01',
      '9999-12-31T23:59:59-00:01',
      '+12026-01-31T12:00:00Z',
      ' 2026-01-31T12:00:00Z',
      '2026-01-31T12:00:00Z\n',
      1_769_860_800_000,
      null,
    ],
  },
  metadata: {
    schema: metadata,
    takes: [
      {},
      named(50),
      { ['n'.repeat(64)]: '' },
      { note: 'v'.repeat(500) },
      { constructor: 'c', toString: 't' },
    ],
    refuses: [
      named(51),
      { ['n'.repeat(65)]: '' },
      { '': 'v' },
      { 'a\nb': 'v' },
      { note: 'v'.repeat(501) },
      { note: '\u0000' },
      { note: '\ud800' },
      { note: 1 },
      { note: null },
      { note: {} },
      ['v'],
      'v',
      null,
    ],
  },
}

describe.each(Object.entries(fields))('%s', (_, { schema, takes, refuses }) => {
  it.each(takes.map((value) => [value]))('takes %j', (value) => {
    expect(schema.safeParse(value)).toMatchObject({ success: true })
  })

  it.each(refuses.map((value) => [value]))('refuses %o', (value) => {
    expect(schema.safeParse(value)).toMatchObject({ success: false })
  })
})

describe('what a field is read as', () => {
  it('is the id in small letters', () => {
    expect(uuid.parse('0198C0DE-7A11-7000-8000-00000000A11C')).toBe(
      '0198c0de-7a11-7000-8000-00000000a11c',
    )
  })

  it('is text as it was written, neither trimmed nor normalised', () => {
    expect(line(9).parse(' e\u0301 ')).toBe(' e\u0301 ')
    expect(amount.parse('125.00')).toBe('125.00')
  })

  it('is the instant to the millisecond, of whatever zone', () => {
    expect(time.parse('2026-01-31T13:00:00.123999+01:00')).toBe(
      Date.parse('2026-01-31T12:00:00.123Z'),
    )
  })

  it('is written back as the same instant in UTC', () => {
    for (const text of ['0001-01-01T00:00:00.000Z', '9999-12-31T23:59:59.999Z']) {
      expect(timeJson(time.parse(text))).toBe(text)
      expect(timeJson(time.parse(text))).toBe(text)
    }
  })
})

function named(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, 'v']))
}
