import {
  accepted,
  answered,
  badPayment,
  canary,
  entries,
  invalidAt,
  type BadRequest,
  type World,
} from './bad-request.ts'

/** How many entries, on which accounts, and whether they balance. */
export const entryLists: readonly BadRequest[] = [
  badPayment('no entries', { entries: [] }, invalidAt('entries')),
  badPayment('entries left out', { entries: undefined }, invalidAt('entries')),
  badPayment('entries that are an object', { entries: { 0: canary } }, invalidAt('entries')),
  badPayment('entries that are null', { entries: null }, invalidAt('entries')),
  badPayment(
    'one entry',
    (world) => ({ entries: entries(world).slice(0, 1) }),
    invalidAt('entries'),
  ),
  badPayment('1,001 entries', (world) => ({ entries: many(world, 1001) }), invalidAt('entries')),
  badPayment('1,000 entries', (world) => ({ entries: many(world, 1000) }), accepted),
  badPayment(
    'an entry that is a text',
    (world) => ({ entries: [...entries(world), canary] }),
    invalidAt('entries/2'),
  ),
  badPayment(
    'an entry with an unknown field',
    (world) => ({ entries: entries(world, { ammount: canary } as object) }),
    invalidAt('entries/0/ammount'),
  ),
  badPayment(
    'a direction that is none',
    (world) => ({ entries: entries(world, { direction: canary }) }),
    invalidAt('entries/0/direction'),
  ),
  badPayment(
    'a direction in capitals',
    (world) => ({ entries: entries(world, { direction: 'DEBIT' }) }),
    invalidAt('entries/0/direction'),
  ),
  badPayment(
    'an account that is no id',
    (world) => ({ entries: entries(world, {}, { account_id: canary }) }),
    invalidAt('entries/1/account_id'),
  ),
  badPayment(
    'an account that is a number',
    (world) => ({ entries: entries(world, { account_id: 7_319_173_191 }) }),
    invalidAt('entries/0/account_id'),
  ),

  badPayment(
    'debits one minor unit above credits',
    (world) => ({ entries: entries(world, { amount: '125.01' }) }),
    answered(422, 'unbalanced'),
  ),
  badPayment(
    'debits only',
    (world) => ({ entries: entries(world, {}, { direction: 'debit' }) }),
    answered(422, 'unbalanced'),
  ),
  badPayment(
    'the same account on both sides and no other',
    (world) => ({ entries: entries(world, {}, { account: 'alice' }) }),
    answered(422, 'single_account'),
  ),
  badPayment(
    'an account that does not exist',
    (world) => ({
      entries: entries(world, { account_id: '0198c0de-0000-7000-8000-000000000000' }),
    }),
    answered(422, 'account_not_found'),
  ),
  badPayment(
    'a frozen account',
    (world) => ({ entries: entries(world, { account: 'frozen' }) }),
    answered(422, 'account_not_active'),
  ),
  badPayment(
    'a closed account',
    (world) => ({ entries: entries(world, {}, { account: 'closed' }) }),
    answered(422, 'account_not_active'),
  ),
  badPayment(
    'an account in another currency',
    (world) => ({ entries: entries(world, { account: 'euro' }) }),
    answered(422, 'currency_mismatch'),
  ),
  badPayment(
    'a currency that neither account has',
    { currency: 'EUR' },
    answered(422, 'currency_mismatch'),
  ),
  badPayment(
    'a currency that nobody knows',
    { currency: 'XQX' },
    answered(422, 'currency_unknown'),
  ),
  badPayment('a currency in small letters', { currency: 'usd' }, answered(422, 'currency_unknown')),
  badPayment('a currency with a space', { currency: `USD ${canary}` }, invalidAt('currency')),
  badPayment('no currency', { currency: undefined }, invalidAt('currency')),
  badPayment(
    'more than there is',
    (world) => ({ entries: entries(world, { account: 'empty' }) }),
    answered(422, 'insufficient_funds'),
  ),
]

/** A balanced list: alice pays 1.00 in all entries but the last, which is bob's. */
function many(world: World, count: number): object[] {
  const debits = Array.from({ length: count - 1 }, () => entries(world, { amount: '1.00' })[0])
  return [...debits, entries(world, {}, { amount: `${count - 1}.00` })[1]] as object[]
}
