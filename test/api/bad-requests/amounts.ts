import {
  accepted,
  answered,
  badPayment,
  canaryDigits,
  entries,
  invalidAt,
  payment,
  posting,
  type AccountName,
  type BadRequest,
} from './bad-request.ts'

const nines = '9'.repeat(36)

/** Amounts that are no decimal text at all: 400. Judged on merits: 422 or accepted. */
export const amounts: readonly BadRequest[] = [
  ...[
    ['an exponent', `${canaryDigits}e3`],
    ['an exponent past the range of a double', `${canaryDigits}e400`],
    ['a minus', `-${canaryDigits}`],
    ['a plus', `+${canaryDigits}`],
    ['a space before', ` ${canaryDigits}`],
    ['a line break after', `${canaryDigits}\n`],
    ['a thousands separator', `${canaryDigits},000`],
    ['a decimal comma', `${canaryDigits},00`],
    ['hexadecimal', `0x${canaryDigits}`],
    ['a point without decimals', `${canaryDigits}.`],
    ['a point without a whole part', `.${canaryDigits}`],
    ['two points', `${canaryDigits}.0.0`],
    ['a leading zero', `0${canaryDigits}`],
    ['a separator of digits', `1_${canaryDigits}`],
    ['a currency sign', `$${canaryDigits}`],
    ['Arabic-Indic digits', '١٢٥'],
    ['fullwidth digits', '１２５'],
    ['NaN', 'NaN'],
    ['Infinity', 'Infinity'],
    ['an empty text', ''],
    ['a NUL after', `${canaryDigits}\u0000`],
  ].map(([what, amount]) => oneAmount(`an amount with ${what}`, amount)),
  ...[
    ['a number', Number(canaryDigits)],
    ['a list', [canaryDigits]],
    ['an object', { amount: canaryDigits }],
    ['null', null],
    ['true', true],
  ].map(([what, amount]) => oneAmount(`an amount that is ${what as string}`, amount)),
  {
    title: 'an amount that is a number too large for a double',
    bytes: (world) =>
      posting(JSON.stringify(payment(world)).replace('"125.00"', `${canaryDigits}e400`)),
    ...answered(400, 'malformed_json'),
  },
  {
    title: 'an amount that is a number which a double would change',
    bytes: (world) =>
      posting(JSON.stringify(payment(world)).replace('"125.00"', '9007199254740993')),
    ...answered(400, 'malformed_json'),
  },
  badPayment(
    'no amount',
    (world) => ({ entries: entries(world, { amount: undefined }) }),
    invalidAt('entries/0/amount'),
  ),

  ...sameAmounts('zero', '0', onMerits('amount_not_positive')),
  ...sameAmounts('zero with decimals', '0.00', onMerits('amount_not_positive')),
  ...sameAmounts('a tenth of a cent', '0.001', onMerits('amount_scale')),
  ...sameAmounts('a surplus zero', '125.000', onMerits('amount_scale')),
  ...sameAmounts('39 digits', `1${nines}.99`, onMerits('amount_too_large')),
  badPayment(
    'sums of 39 digits',
    (world) => ({
      entries: [
        ...entries(world, { amount: `${nines}.99` }, { amount: `${nines}.99` }),
        ...entries(world, { amount: '0.01' }, { amount: '0.01' }),
      ],
    }),
    answered(422, 'amount_too_large'),
  ),
  {
    title: 'decimals in a currency without any',
    ...inCurrency('JPY', ['yen', 'yenToo'], '1.0'),
    ...onMerits('amount_scale'),
  },
  {
    title: 'a fourth decimal in a currency with three',
    ...inCurrency('BHD', ['dinar', 'dinarToo'], '1.5000'),
    ...onMerits('amount_scale'),
  },
  {
    title: 'three decimals in BHD',
    ...inCurrency('BHD', ['dinar', 'dinarToo'], '1.500'),
    ...accepted,
  },
  { title: 'no decimals in JPY', ...inCurrency('JPY', ['yen', 'yenToo'], '1'), ...accepted },
  {
    title: '38 digits',
    ...inCurrency('USD', ['vault', 'vaultToo'], `${nines}.99`),
    ...accepted,
  },
  ...sameAmounts('one cent', '0.01', accepted),
  ...sameAmounts('no decimals in USD', '125', accepted),
]

function oneAmount(title: string, amount: unknown): BadRequest {
  return badPayment(
    title,
    (world) => ({ entries: entries(world, { amount }) }),
    invalidAt('entries/0/amount'),
  )
}

function sameAmounts(
  title: string,
  amount: string,
  answer: Pick<BadRequest, 'status' | 'code' | 'pointer'>,
): BadRequest[] {
  return [
    badPayment(title, (world) => ({ entries: entries(world, { amount }, { amount }) }), answer),
  ]
}

function inCurrency(
  currency: string,
  [from, to]: readonly [AccountName, AccountName],
  amount: string,
): Pick<BadRequest, 'bytes'> {
  return {
    bytes: (world) =>
      posting(
        payment(world, {
          currency,
          entries: entries(world, { account: from, amount }, { account: to, amount }),
        }),
      ),
  }
}

function onMerits(
  code: 'amount_not_positive' | 'amount_scale' | 'amount_too_large',
): Pick<BadRequest, 'status' | 'code' | 'pointer'> {
  return { status: 422, code, pointer: 'entries/0/amount' }
}
