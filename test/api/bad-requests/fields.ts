import { requestBytes } from '../raw-http.ts'
import {
  accepted,
  accountsPath,
  answered,
  badPayment,
  canary,
  invalidAt,
  payment,
  posting,
  type BadRequest,
} from './bad-request.ts'

const sql = `'); drop table entries; -- "${canary}"`

/** Fields besides amounts and entries, of transactions, accounts and currencies. */
export const fields: readonly BadRequest[] = [
  badPayment('an unknown field', { amount: canary }, invalidAt('amount')),
  badPayment(
    'an unknown field named like nothing we would',
    { [`${canary} !`]: 1 },
    invalidAt('…'),
  ),
  badPayment('a field in capitals', { Reference: canary }, invalidAt('Reference')),
  badPayment('a reference that is a number', { reference: 7_319_173_191 }, invalidAt('reference')),
  badPayment('an empty reference', { reference: '' }, invalidAt('reference')),
  badPayment('a reference of 255 characters', { reference: 'r'.repeat(255) }, accepted),
  badPayment(
    'a reference of 256 characters',
    { reference: 'r'.repeat(256) },
    invalidAt('reference'),
  ),
  badPayment(
    'a description of 1,001 characters',
    { description: canary.repeat(77) },
    invalidAt('description'),
  ),
  badPayment(
    'an ordering key of 256 characters',
    { ordering_key: 'o'.repeat(256) },
    invalidAt('ordering_key'),
  ),
  badPayment('a key of 255 characters', { idempotency_key: 'k'.repeat(255) }, accepted),
  badPayment(
    'a key of 256 characters',
    { idempotency_key: 'k'.repeat(256) },
    invalidAt('idempotency_key'),
  ),
  badPayment(
    'a key that is a number',
    { idempotency_key: 7_319_173_191 },
    invalidAt('idempotency_key'),
  ),

  ...[
    ['a NUL', '\u0000'],
    ['a line break', '\n'],
    ['a TAB', '\t'],
    ['a DEL', '\u007f'],
    ['a control character of Latin-1', '\u0085'],
  ].map(([what, character]) =>
    badPayment(
      `${what} in a text`,
      { description: `${canary}${character}` },
      invalidAt('description'),
    ),
  ),
  {
    title: 'half of a surrogate pair in a text',
    bytes: (world) => posting(JSON.stringify(payment(world)).replace('for ', String.raw`\ud800`)),
    ...answered(400, 'malformed_json'),
  },
  badPayment('an emoji in a text', { description: '\u{1f4b6} für Zoë' }, accepted),
  badPayment('SQL in a text', { description: sql, reference: sql }, accepted),

  badPayment('metadata of 50 names', { metadata: names(50) }, accepted),
  badPayment('metadata of 51 names', { metadata: names(51) }, invalidAt('metadata')),
  badPayment('a metadata name of 64', { metadata: { ['n'.repeat(64)]: '' } }, accepted),
  badPayment(
    'a metadata name of 65',
    { metadata: { ['n'.repeat(65)]: canary } },
    invalidAt('metadata/…'),
  ),
  badPayment('an empty metadata name', { metadata: { '': canary } }, invalidAt('metadata/…')),
  badPayment(
    'a control character in a metadata name',
    { metadata: { [`${canary}\u0001`]: '' } },
    invalidAt('metadata/…'),
  ),
  badPayment('a metadata value of 500', { metadata: { note: 'v'.repeat(500) } }, accepted),
  badPayment(
    'a metadata value of 501',
    { metadata: { note: canary.padEnd(501, '!') } },
    invalidAt('metadata/note'),
  ),
  badPayment(
    'a metadata value that is a number',
    { metadata: { note: 7_319_173_191 } },
    invalidAt('metadata/note'),
  ),
  badPayment(
    'a metadata value that is an object',
    { metadata: { note: { [canary]: canary } } },
    invalidAt('metadata/note'),
  ),
  badPayment(
    'a NUL in a metadata value',
    { metadata: { note: `${canary}\u0000` } },
    invalidAt('metadata/note'),
  ),
  badPayment('metadata that is a list', { metadata: [canary] }, invalidAt('metadata')),

  ...[
    ['does not exist', '2026-02-30T12:00:00Z'],
    ['is a leap day of no leap year', '2026-02-29T12:00:00Z'],
    ['has no zone', '2026-01-31T12:00:00'],
    ['has no time', '2026-01-31'],
    ['has an hour too many', '2026-01-31T24:00:00Z'],
    ['has a zone too far', '2026-01-31T12:00:00+24:00'],
    ['is a number in a text', '1769860800000'],
    ['has a fifth digit in its year', '+12026-01-31T12:00:00Z'],
    ['is before the year 1', '0001-01-01T00:00:00+01:00'],
    ['is after the year 9999', '9999-12-31T23:59:59-01:00'],
    ['is something else', canary],
  ].map(([what, time]) =>
    badPayment(`a time that ${what}`, { effective_at: time }, invalidAt('effective_at')),
  ),
  badPayment('a time that is a number', { effective_at: 7_319_173_191 }, invalidAt('effective_at')),
  badPayment('a leap day', { effective_at: '2028-02-29T12:00:00.5+05:30' }, accepted),
  badPayment('the first time of all', { effective_at: '0001-01-01T00:00:00Z' }, accepted),
  badPayment('the last time of all', { effective_at: '9999-12-31T23:59:59.999Z' }, accepted),

  ...[
    ['null', null],
    ['a list', [canary]],
    ['a text', canary],
    ['a number', 7_319_173_191],
    ['true', true],
  ].map(([what, body]) => ({
    title: `a body that is ${what as string}`,
    bytes: () => posting(JSON.stringify(body)),
    ...invalidAt(''),
  })),

  account('without a name', { name: undefined }, invalidAt('name')),
  account('with an empty name', { name: '' }, invalidAt('name')),
  account('with a name of 201 characters', { name: canary.padEnd(201) }, invalidAt('name')),
  account('of an unknown type', { account_type: canary }, invalidAt('account_type')),
  account('with an unknown field', { balance: canary }, invalidAt('balance')),
  account('with an empty code', { code: '' }, invalidAt('code')),
  account('in an unknown currency', { currency: 'XQX' }, answered(422, 'currency_unknown')),
  account('with a floor that is a number', { min_available: 0 }, invalidAt('min_available')),
  account('with a floor that is a text', { min_available: canary }, invalidAt('min_available')),
  account(
    'with a floor of too many decimals',
    { min_available: '-0.001' },
    { status: 422, code: 'amount_scale', pointer: 'min_available' },
  ),
  account(
    'with a floor of 39 digits',
    { min_available: `-1${'0'.repeat(36)}.00` },
    { status: 422, code: 'amount_too_large', pointer: 'min_available' },
  ),
  {
    title: 'a code that another account has',
    bytes: () => requestBytes('POST', accountsPath, { body: accountBody({ code: 'code:alice' }) }),
    ...answered(409, 'code_taken'),
  },
  change('an unknown field', 'alice', { currency: canary }, invalidAt('currency')),
  change('an unknown status', 'alice', { status: canary }, invalidAt('status')),
  change('closed to active', 'closed', { status: 'active' }, answered(409, 'account_closed')),
  change(
    'closed with a balance',
    'alice',
    { status: 'closed' },
    answered(409, 'account_not_empty'),
  ),
  change(
    'a floor of too many decimals',
    'alice',
    { min_available: '0.000' },
    { status: 422, code: 'amount_scale', pointer: 'min_available' },
  ),

  currency('with 19 decimals', { code: 'POINTS', exponent: 19 }, invalidAt('exponent')),
  currency('with -1 decimals', { code: 'POINTS', exponent: -1 }, invalidAt('exponent')),
  currency('with half a decimal', { code: 'POINTS', exponent: 0.5 }, invalidAt('exponent')),
  currency('with decimals in a text', { code: 'POINTS', exponent: '2' }, invalidAt('exponent')),
  currency('in small letters', { code: canary, exponent: 2 }, invalidAt('code')),
  currency('of ISO 4217, otherwise', { code: 'USD', exponent: 3 }, answered(409, 'currency_taken')),
]

function names(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`n${index}`, canary]))
}

function accountBody(fields_: object): object {
  return { name: canary, account_type: 'liability', currency: 'USD', ...fields_ }
}

function account(
  what: string,
  body: object,
  answer: Pick<BadRequest, 'status' | 'code' | 'pointer'>,
): BadRequest {
  const bytes = () => requestBytes('POST', accountsPath, { body: accountBody(body) })
  return { title: `an account ${what}`, bytes, ...answer }
}

function change(
  what: string,
  whose: 'alice' | 'closed',
  body: object,
  answer: Pick<BadRequest, 'status' | 'code' | 'pointer'>,
): BadRequest {
  return {
    title: `a change: ${what}`,
    bytes: ({ ids }) => requestBytes('PATCH', `${accountsPath}/${ids[whose]}`, { body }),
    ...answer,
  }
}

function currency(
  what: string,
  body: object,
  answer: Pick<BadRequest, 'status' | 'code' | 'pointer'>,
): BadRequest {
  const bytes = () => requestBytes('POST', '/api/v1/currencies', { body })
  return { title: `a currency ${what}`, bytes, ...answer }
}
