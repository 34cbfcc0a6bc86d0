import { requestBytes } from '../raw-http.ts'
import {
  accepted,
  answered,
  badPayment,
  canary,
  entries,
  invalidAt,
  transactionsPath,
  type BadRequest,
  type World,
} from './bad-request.ts'

type Answer = Pick<BadRequest, 'status' | 'code' | 'pointer'>
type Target = keyof World['transactions']

const tooLong = 366 * 24 * 60 * 60 + 1
const unknown = '0198c0de-0000-7000-8000-000000000000'
const conditions = (count: number) => (world: World) => ({
  require: Array.from({ length: count }, () => ({ account_id: world.ids.alice, version: 0 })),
})
const condition = (fields: object) => (world: World) => ({
  require: [{ account_id: world.ids.alice, ...fields }],
})

/** Holds, conditions, currencies of entries; captures, voids, extensions and reversals. */
export const holds: readonly BadRequest[] = [
  ...(
    [
      ['that is true', true, 'hold'],
      ['without an end', {}, 'hold/expires_in'],
      ['with two ends', { expires_in: 60, expires_at: '2099-01-31T12:00:00Z' }, 'hold/expires_in'],
      ['for no time', { expires_in: 0 }, 'hold/expires_in'],
      ['for less than no time', { expires_in: -1 }, 'hold/expires_in'],
      ['for half a second', { expires_in: 0.5 }, 'hold/expires_in'],
      ['for a second too long', { expires_in: tooLong }, 'hold/expires_in'],
      ['for a time in a text', { expires_in: '60' }, 'hold/expires_in'],
      ['until a time without a zone', { expires_at: '2099-01-31T12:00:00' }, 'hold/expires_at'],
      ['until something else', { expires_at: canary }, 'hold/expires_at'],
      ['with an unknown field', { expires_in: 60, until: canary }, 'hold/until'],
    ] as const
  ).map(([what, hold, pointer]) => badPayment(`a hold ${what}`, { hold }, invalidAt(pointer))),
  badPayment('a hold for a second', { hold: { expires_in: 1 } }, accepted),
  badPayment('a hold for 366 days', { hold: { expires_in: tooLong - 1 } }, accepted),
  badPayment('no hold', { hold: null, require: null }, accepted),
  badPayment(
    'a hold until a time that is over',
    { hold: { expires_at: '2026-01-31T12:00:00Z' } },
    answered(422, 'expiry_out_of_range'),
  ),

  badPayment('conditions that are none', { require: [] }, invalidAt('require')),
  badPayment('a condition that is no list', { require: { version: 1 } }, invalidAt('require')),
  badPayment('101 conditions', conditions(101), invalidAt('require')),
  badPayment('100 conditions of which one fails', conditions(100), {
    status: 422,
    code: 'condition_failed',
    pointer: 'require/0',
  }),
  ...(
    [
      ['that asks for nothing', {}, 'require/0/available'],
      ['without an amount', { available: {} }, 'require/0/available/gte'],
      ['on an amount that is a number', { available: { gte: 1 } }, 'require/0/available/gte'],
      ['on an amount that is a text', { available: { gte: canary } }, 'require/0/available/gte'],
      [
        'on an amount of 61 characters',
        { available: { gte: '1'.repeat(61) } },
        'require/0/available/gte',
      ],
      ['on less than it knows', { available: { lte: '1.00' } }, 'require/0/available/gte'],
      ['on a version below nothing', { version: -1 }, 'require/0/version'],
      ['on half a version', { version: 0.5 }, 'require/0/version'],
      ['on a version in a text', { version: '1' }, 'require/0/version'],
      ['on no account', { account_id: canary, version: 1 }, 'require/0/account_id'],
      ['with an unknown field', { version: 1, balance: canary }, 'require/0/balance'],
    ] as const
  ).map(([what, fields, pointer]) =>
    badPayment(`a condition ${what}`, condition(fields), invalidAt(pointer)),
  ),

  badPayment('no currency at all', { currency: undefined }, invalidAt('currency')),
  badPayment(
    'a currency on one entry only',
    (world) => ({ currency: null, entries: entries(world, { currency: 'USD' } as object) }),
    invalidAt('currency'),
  ),
  badPayment(
    'a currency of an entry that is a number',
    (world) => ({ entries: entries(world, { currency: 840 } as object) }),
    invalidAt('entries/0/currency'),
  ),
  badPayment(
    'a currency of an entry that nobody knows',
    (world) => ({ entries: entries(world, {}, { currency: 'NOPE' } as object) }),
    { status: 422, code: 'currency_unknown', pointer: 'entries/1/currency' },
  ),
  badPayment(
    'currencies that do not balance by themselves',
    (world) => ({ entries: entries(world, {}, { currency: 'EUR' } as object) }),
    answered(422, 'unbalanced'),
  ),

  ...(
    [
      ['an amount that is a number', { amount: 7 }, invalidAt('amount')],
      ['an amount that is a text', { amount: canary }, invalidAt('amount')],
      ['an amount and entries', { amount: '7.00', entries: [] }, invalidAt('entries')],
      ['one entry', { entries: [{}] }, invalidAt('entries/0/account_id')],
      ['an unknown field', { currency: 'USD' }, invalidAt('currency')],
      ['a key of no length', { idempotency_key: '' }, invalidAt('idempotency_key')],
      ['a description of control characters', { description: '\u0001' }, invalidAt('description')],
      ['no amount', { amount: '0.00' }, answered(422, 'amount_not_positive')],
      ['an amount of too many decimals', { amount: '1.001' }, answered(422, 'amount_scale')],
      ['an amount of 39 digits', { amount: '9'.repeat(37) }, answered(422, 'amount_too_large')],
    ] as const
  ).flatMap(([what, body, answer]) => [
    about(`a capture with ${what}`, 'hold', 'capture', body, answer),
    about(`a reversal with ${what}`, 'paid', 'reversals', { reason: 'Mistake.', ...body }, answer),
  ]),
  about(
    'a capture that is final by a text',
    'hold',
    'capture',
    { final: 'yes' },
    invalidAt('final'),
  ),
  about(
    'a capture of more than there is',
    'hold',
    'capture',
    { amount: '125.01' },
    answered(422, 'hold_exceeded'),
  ),
  about('a capture of a payment', 'paid', 'capture', {}, answered(409, 'not_a_hold')),
  about('a capture that is none', 'hold', 'capture', [canary], invalidAt('')),
  about('a reversal without a reason', 'paid', 'reversals', {}, invalidAt('reason')),
  about(
    'a reversal with an empty reason',
    'paid',
    'reversals',
    { reason: '' },
    invalidAt('reason'),
  ),
  about(
    'a reversal with a reason of 501 characters',
    'paid',
    'reversals',
    { reason: canary.padEnd(501, '!') },
    invalidAt('reason'),
  ),
  about('a reversal without a body', 'paid', 'reversals', undefined, invalidAt('')),
  about(
    'a reversal of a hold',
    'hold',
    'reversals',
    { reason: canary },
    answered(409, 'not_reversible'),
  ),
  about(
    'a reversal of more than there is',
    'paid',
    'reversals',
    { reason: canary, amount: '125.01' },
    answered(422, 'reversal_exceeds_remaining'),
  ),
  about('a void with a reason', 'hold', 'void', { reason: canary }, invalidAt('reason')),
  about('a void of a payment', 'paid', 'void', {}, answered(409, 'not_a_hold')),
  about('an extension to no time', 'hold', 'extend', {}, invalidAt('expires_in')),
  about('an extension without a body', 'hold', 'extend', undefined, invalidAt('')),
  about(
    'an extension to two times',
    'hold',
    'extend',
    { expires_in: 60, expires_at: '2099-01-31T12:00:00Z' },
    invalidAt('expires_in'),
  ),
  about(
    'an extension by too long',
    'hold',
    'extend',
    { expires_in: tooLong },
    invalidAt('expires_in'),
  ),
  about(
    'an extension into the past',
    'hold',
    'extend',
    { expires_at: '2026-01-31T12:00:00Z' },
    answered(422, 'expiry_out_of_range'),
  ),
  about(
    'an extension of a payment',
    'paid',
    'extend',
    { expires_in: 60 },
    answered(409, 'not_a_hold'),
  ),

  ...['capture', 'void', 'extend', 'reversals'].flatMap((what) => {
    const body = { extend: { expires_in: 60 }, reversals: { reason: canary } }[what] ?? {}
    return [
      {
        title: `${what} of what is no id`,
        bytes: () => requestBytes('POST', `${transactionsPath}/${canary}/${what}`, { body }),
        ...answered(404, 'not_found'),
      },
      {
        title: `${what} of what nobody has`,
        bytes: () => requestBytes('POST', `${transactionsPath}/${unknown}/${what}`, { body }),
        ...answered(404, 'not_found'),
      },
      {
        title: `${what} by GET`,
        bytes: () => requestBytes('GET', `${transactionsPath}/${unknown}/${what}`),
        ...answered(405, 'method_not_allowed'),
      },
      {
        title: `${what} with an unknown parameter`,
        bytes: ({ transactions }: World) =>
          requestBytes(
            'POST',
            `${transactionsPath}/${transactions.hold}/${what}?fields=${canary}`,
            {
              body,
            },
          ),
        ...invalidAt('query/fields'),
      },
      {
        title: `${what} with two keys that differ`,
        bytes: ({ transactions }: World) =>
          requestBytes('POST', `${transactionsPath}/${transactions.hold}/${what}`, {
            body: { ...body, idempotency_key: `${canary} 1` },
            headers: { 'idempotency-key': `${canary} 2` },
          }),
        ...invalidAt('headers/idempotency-key'),
      },
    ]
  }),

  ...(
    [
      ['a time of expiry without a zone', 'expires_before=2026-01-31T12:00:00', 'expires_before'],
      ['a time of expiry that is none', `expires_after=${canary}`, 'expires_after'],
    ] as const
  ).map(([what, query, name]) => ({
    title: `${what}, in a list`,
    bytes: () => requestBytes('GET', `${transactionsPath}?${query}`),
    ...invalidAt(`query/${name}`),
  })),
]

/** A request about a transaction of the world. */
function about(
  title: string,
  target: Target,
  what: 'capture' | 'void' | 'extend' | 'reversals',
  body: object | undefined,
  answer: Answer,
): BadRequest {
  return {
    title,
    bytes: ({ transactions }) =>
      requestBytes(
        'POST',
        `${transactionsPath}/${transactions[target]}/${what}`,
        body === undefined ? {} : { body },
      ),
    ...answer,
  }
}
