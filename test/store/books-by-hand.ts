// SQL that both stores run as it stands, as somebody at a prompt would write it.

/** The rows of `openBooks`, and ids that nobody has. */
export const ids = {
  cash: '01900000-0000-7000-8000-00000000ca54',
  alice: '01900000-0000-7000-8000-00000000a11c',
  euros: '01900000-0000-7000-8000-00000000e000',
  posted: '01900000-0000-7000-9000-000000000001',
  queued: '01900000-0000-7000-9000-000000000002',
  failed: '01900000-0000-7000-9000-000000000003',
  fresh: '01900000-0000-7000-9000-000000000009',
  stranger: '01900000-0000-7000-9000-00000000ffff',
} as const

/** An entry; its running totals are those of a first one: they do not matter to the guards. */
export type HandEntry = readonly [
  transaction: string,
  account: string,
  version: number,
  direction: 'debit' | 'credit',
  amount: number,
]

const times = { posted: 'posted_at', failed: 'failed_at', queued: undefined } as const

/** Inserts a transaction at a time, given as SQL. */
export function bookTransaction(
  id: string,
  status: keyof typeof times = 'posted',
  at = 'now()',
  ledgerId = 1,
): string {
  const column = times[status]
  const names = `ledger_id, id, status, currency, idempotency_key, created_at`
  const values = `${ledgerId}, '${id}', '${status}', 'USD', 'key of ${id}', ${at}`
  return column === undefined
    ? `insert into transactions (${names}) values (${values})`
    : `insert into transactions (${names}, ${column}) values (${values}, ${at})`
}

/** Inserts entries in one statement, at a time, given as SQL. */
export function bookEntries(entries: readonly HandEntry[], at = 'now()', ledgerId = 1): string {
  const rows = entries.map(
    ([transaction, account, version, direction, amount], position) =>
      `(${ledgerId}, '${account}', ${version}, '${transaction}', ${position}, '${direction}',
        '${amount}', '${amount}', '${direction === 'debit' ? amount : 0}', ${at})`,
  )
  return `insert into entries
    (ledger_id, account_id, account_version, transaction_id, position, direction, amount,
     balance_after, debits_after, posted_at)
    values ${rows.join(', ')}`
}

/** Makes one statement of several, which only Postgres can: it judges them all at its end. */
export function together(...statements: readonly [string, ...string[]]): string {
  const before = statements.slice(0, -1).map((sql, index) => `step${index} as (${sql})`)
  return `with ${before.join(', ')} ${statements.at(-1)}`
}

/** Inserts an account with one entry behind it, or with none. */
function bookAccount(
  id: string,
  accountType: string,
  currency: string,
  at: string,
  version = 1,
): string {
  const debits = version === 1 && accountType === 'asset' ? 100 : 0
  const credits = version === 1 && accountType !== 'asset' ? 100 : 0
  return `insert into accounts (ledger_id, id, code, name, account_type, currency, exponent,
            posted_debits, posted_credits, version, created_at)
    values (1, '${id}', '${id}', 'an account', '${accountType}', '${currency}', 2, '${debits}',
            '${credits}', ${version}, ${at})`
}

/** Three accounts, one posted transaction between two of them, one that is queued and one that failed. */
export function openBooks(at: string): string[] {
  const entries = bookEntries(
    [
      [ids.posted, ids.cash, 1, 'debit', 100],
      [ids.posted, ids.alice, 1, 'credit', 100],
    ],
    at,
  )
  return [
    bookAccount(ids.cash, 'asset', 'USD', at),
    bookAccount(ids.alice, 'liability', 'USD', at),
    bookAccount(ids.euros, 'liability', 'EUR', at, 0),
    'begin',
    // SQLite wants the entries first, Postgres both at once.
    ...(at === 'now()'
      ? [together(bookTransaction(ids.posted, 'posted', at), entries)]
      : [entries, bookTransaction(ids.posted, 'posted', at)]),
    'commit',
    bookTransaction(ids.queued, 'queued', at),
    bookTransaction(ids.failed, 'failed', at),
  ]
}
