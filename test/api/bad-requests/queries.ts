import { requestBytes } from '../raw-http.ts'
import {
  accountsPath,
  canary,
  invalidAt,
  payment,
  transactionsPath,
  type BadRequest,
  type World,
} from './bad-request.ts'

const elevenPairs = Array.from({ length: 11 }, (_, at) => `metadata[n${at}]=1`).join('&')

/** Query parameters and cursors. */
export const queries: readonly BadRequest[] = [
  ...['0', '-1', '201', '1.5', '1e1', 'abc', '0x10', '', '05', '+5', '%205', '٥', canary].map(
    (limit) => list(`a limit of “${limit}”`, `limit=${encodeURI(decodeURI(limit))}`, 'query/limit'),
  ),
  list('a limit sent twice', 'limit=5&limit=6', 'query/limit'),
  list('a limit sent twice, the same', 'limit=5&limit=5', 'query/limit'),
  list('a limit in brackets', 'limit[]=5', 'query/…'),
  list('an unknown parameter', `sort=${canary}`, 'query/sort'),
  list('a parameter in capitals', 'Limit=5', 'query/Limit'),
  list('a parameter without a name', `=${canary}`, 'query/…'),
  list('__proto__', `__proto__=${canary}`, 'query/__proto__'),
  list('constructor', `constructor=${canary}`, 'query/constructor'),
  list('a currency that is none', `currency=${canary}%20`, 'query/currency'),
  list('a status that is none', `status=${canary}`, 'query/status'),
  list('a code with a NUL', `code=${canary}%00`, 'query/code'),
  list('a code that is no UTF-8', `code=${canary}%ff`, 'query'),
  list('a code with half an escape', `code=${canary}%f`, 'query'),
  list('metadata that is no pair', `metadata=${canary}`, 'query/metadata'),
  list('metadata without a name', `metadata[]=${canary}`, 'query/metadata/…'),
  list('metadata with a name sent twice', 'metadata[a]=1&metadata[a]=2', 'query/metadata/a'),
  list('metadata beside its pairs', `metadata=${canary}&metadata[a]=1`, 'query/metadata'),
  list('metadata with a NUL', `metadata[a]=${canary}%00`, 'query/metadata/a'),
  list('metadata of 501 characters', `metadata[a]=${'x'.repeat(501)}`, 'query/metadata/a'),
  list('metadata of eleven names', elevenPairs, 'query/metadata'),
  list('another name with brackets', '__proto__[a]=1', 'query/…'),
  good('metadata with brackets and dots in its name', `${accountsPath}?metadata[a.b[c]]=1`),
  good('metadata that is empty', `${accountsPath}?metadata[a]=`),
  good('metadata called __proto__', `${accountsPath}?metadata[__proto__]=1`),

  good('a limit of 1', `${accountsPath}?limit=1`),
  good('a limit of 200', `${accountsPath}?limit=200`),
  good('a question mark and nothing', `${accountsPath}?`),

  ...(
    [
      ['a status that is none', `status=${canary}`, 'query/status'],
      ['an account that is no id', `account_id=${canary}`, 'query/account_id'],
      ['an empty reference', 'reference=', 'query/reference'],
      ['a wait, which is not there yet', 'wait=5', 'query/wait'],
      ['a currency that is none', `currency=${canary}%20`, 'query/currency'],
      ['an amount without a currency', 'amount_gte=1.00', 'query/currency'],
      ['an amount that is none', `currency=USD&amount_gte=${canary}`, 'query/amount_gte'],
      ['a negative amount', 'currency=USD&amount_lte=-1.00', 'query/amount_lte'],
      ['an amount of 61 digits', `currency=USD&amount_lte=${'9'.repeat(61)}`, 'query/amount_lte'],
      ['a time without a zone', 'posted_from=2026-01-31T12:00:00', 'query/posted_from'],
      ['a time that does not exist', 'effective_to=2026-02-30T12:00:00Z', 'query/effective_to'],
      [
        'a span that ends before it begins',
        'posted_from=2026-01-02T00:00:00Z&posted_to=2026-01-01T00:00:00Z',
        'query/posted_to',
      ],
      ['metadata without a name', `metadata[]=${canary}`, 'query/metadata/…'],
    ] as const
  ).map(([what, query, pointer]) => ({
    title: `${what}, in a list of transactions`,
    bytes: () => requestBytes('GET', `${transactionsPath}?${query}`),
    ...invalidAt(pointer),
  })),
  {
    title: 'a parameter where there are none',
    bytes: ({ ids }) => requestBytes('GET', `${accountsPath}/${ids.alice}?fields=${canary}`),
    ...invalidAt('query/fields'),
  },
  {
    title: 'a time of balance that has no zone',
    bytes: ({ ids }) =>
      requestBytes('GET', `${accountsPath}/${ids.alice}/balance?at=2026-01-31T12:00:00`),
    ...invalidAt('query/at'),
  },
  ...(
    [
      ['an axis that is none, of a balance', 'balance', `axis=${canary}`, 'query/axis'],
      ['an axis that is none, of a statement', 'statement', `axis=${canary}`, 'query/axis'],
      ['a format that is none', 'statement', `format=${canary}`, 'query/format'],
      ['a statement from no time', 'statement', `from=${canary}`, 'query/from'],
      ['a statement of 201 lines', 'statement', 'limit=201', 'query/limit'],
      ['a limit for CSV', 'statement', 'format=csv&limit=5', 'query/limit'],
      ['a cursor of a statement that is none', 'statement', `cursor=${canary}`, 'query/cursor'],
      ['metadata of a statement', 'statement', 'metadata[a]=1', 'query/metadata'],
    ] as const
  ).map(([title, of, query, pointer]) => ({
    title,
    bytes: ({ ids }: World) => requestBytes('GET', `${accountsPath}/${ids.alice}/${of}?${query}`),
    ...invalidAt(pointer),
  })),
  {
    title: 'a trial balance at no time',
    bytes: () => requestBytes('GET', `/api/v1/trial-balance?at=${canary}`),
    ...invalidAt('query/at'),
  },
  good(
    'a trial balance of the last time there is',
    '/api/v1/trial-balance?at=9999-12-31T23:59:59.999Z&axis=effective',
  ),
  good(
    'a trial balance of the first time there is',
    '/api/v1/trial-balance?at=0001-01-01T00:00:00Z&axis=effective',
  ),
  {
    title: 'closing the books for no time',
    bytes: () => requestBytes('PATCH', '/api/v1/ledger', { body: { books_closed_until: canary } }),
    ...invalidAt('books_closed_until'),
  },
  {
    title: 'closing the books for the future',
    bytes: () =>
      requestBytes('PATCH', '/api/v1/ledger', {
        body: { books_closed_until: '9999-12-31T23:59:59Z' },
      }),
    ...invalidAt('books_closed_until'),
  },
  {
    title: 'a mode that is none',
    bytes: (world) =>
      requestBytes('POST', `${transactionsPath}?mode=${canary}`, { body: payment(world) }),
    ...invalidAt('query/mode'),
  },
  {
    title: 'an unknown parameter of a post',
    bytes: (world) =>
      requestBytes('POST', `${transactionsPath}?dryrun=true`, { body: payment(world) }),
    ...invalidAt('query/dryrun'),
  },
  {
    title: 'a dry run that is neither true nor false',
    bytes: (world) =>
      requestBytes('POST', `${transactionsPath}?dry_run=1`, { body: payment(world) }),
    ...invalidAt('query/dry_run'),
  },
  {
    title: 'a dry run for later',
    bytes: (world) =>
      requestBytes('POST', `${transactionsPath}?dry_run=true&mode=async`, { body: payment(world) }),
    ...invalidAt('query/dry_run'),
  },
  {
    title: 'an unknown mode of a batch',
    bytes: (world) =>
      requestBytes('POST', `${transactionsPath}/batch?mode=atomic`, {
        body: { mode: 'atomic', transactions: [payment(world)] },
      }),
    ...invalidAt('query/mode'),
  },

  goodCursor('a cursor of the list', (world) => `limit=1&cursor=${world.accountCursor}`),
  goodCursor(
    'a cursor of the list with its filter',
    (world) => `currency=USD&limit=2&cursor=${world.usdCursor}`,
  ),
  cursor('with its first bit flipped', ({ accountCursor }) => flipped(accountCursor, 0)),
  cursor('with a bit in the middle flipped', ({ accountCursor }) =>
    flipped(accountCursor, accountCursor.length >> 1),
  ),
  cursor('with a bit of its last letter flipped', ({ accountCursor }) =>
    flipped(accountCursor, accountCursor.length - 2),
  ),
  cursor('cut short by one', ({ accountCursor }) => accountCursor.slice(0, -1)),
  cursor('cut short by half', ({ accountCursor }) =>
    accountCursor.slice(0, accountCursor.length >> 1),
  ),
  cursor('with a letter more', ({ accountCursor }) => `${accountCursor}A`),
  cursor('with padding', ({ accountCursor }) => `${accountCursor}=`),
  cursor('of another filter', ({ usdCursor }) => usdCursor),
  cursor('of another list', ({ entryCursor }) => entryCursor),
  cursor('of another ledger', ({ foreignCursor }) => foreignCursor),
  cursor('of our own making', () => canary),
  cursor('that is empty', () => ''),
  cursor('of 300 characters', () => canary.repeat(24).slice(0, 300)),
  cursor('sent twice', ({ accountCursor }) => `${accountCursor}&cursor=${accountCursor}`),
  {
    title: "a cursor of another account's entries",
    bytes: ({ ids, entryCursor }) =>
      requestBytes('GET', `${accountsPath}/${ids.bob}/entries?cursor=${entryCursor}`),
    ...invalidAt('query/cursor'),
  },
]

function list(what: string, query: string, pointer: string): BadRequest {
  return {
    title: what,
    bytes: () => requestBytes('GET', `${accountsPath}?${query}`),
    ...invalidAt(pointer),
  }
}

function good(title: string, path: string): BadRequest {
  return { title, bytes: () => requestBytes('GET', path), status: 200 }
}

function goodCursor(title: string, query: (world: World) => string): BadRequest {
  return {
    title,
    bytes: (world) => requestBytes('GET', `${accountsPath}?${query(world)}`),
    status: 200,
  }
}

function cursor(what: string, text: (world: World) => string): BadRequest {
  return {
    title: `a cursor ${what}`,
    bytes: (world) => requestBytes('GET', `${accountsPath}?cursor=${text(world)}`),
    ...invalidAt('query/cursor'),
  }
}

/** Another letter of the same alphabet at a place: at least one bit of the cursor is another. */
function flipped(cursorText: string, at: number): string {
  const other = cursorText[at] === 'A' ? 'B' : 'A'
  return cursorText.slice(0, at) + other + cursorText.slice(at + 1)
}
