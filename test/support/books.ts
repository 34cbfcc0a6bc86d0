import { expect } from 'vitest'
import { parseDecimal } from '../../shared/ledger/money.ts'
import type { StoreLocation } from '../../shared/store/open.ts'
import { chainFaults } from './entry-chain.ts'
import { readRows, type Row } from './read-rows.ts'

/** An account as its row says it, money as integers. */
export interface BookedAccount {
  readonly id: string
  readonly account_type: string
  readonly currency: string
  readonly min_available: bigint | null
  readonly posted_debits: bigint
  readonly posted_credits: bigint
  readonly held_debits: bigint
  readonly held_credits: bigint
  readonly version: number
}

/** An entry as its row says it. */
export interface BookedEntry {
  readonly account_id: string
  readonly account_version: number
  readonly transaction_id: string
  readonly direction: string
  readonly amount: bigint
  readonly balance_after: bigint
  readonly debits_after: bigint
}

/** An amount that an open hold sets aside on one side of an account, as what it asked for and what is resolved say. */
export interface BookedHold {
  readonly account_id: string
  readonly direction: string
  readonly remaining: bigint
}

/** All that is written in a ledger, read past the service. */
export interface Books {
  readonly accounts: readonly BookedAccount[]
  readonly entries: readonly BookedEntry[]
  /** The ids of the transactions that say they are posted. */
  readonly posted: readonly string[]
  /** What open holds set aside. */
  readonly holds: readonly BookedHold[]
}

const statements = {
  accounts: `select id, account_type, currency, min_available, posted_debits, posted_credits,
                    held_debits, held_credits, exponent, version from accounts`,
  entries: `select account_id, account_version, transaction_id, direction, amount, balance_after, debits_after
              from entries order by account_id, account_version`,
  posted: `select id from transactions where status = 'posted'`,
  holds: `select cast(requested_entries as text) as entries, cast(resolved_entries as text) as resolved
            from transactions where status = 'held'`,
}

/** Reads the whole ledger from its database with SQL of our own. */
export async function readBooks(location: StoreLocation): Promise<Books> {
  const [accounts, entries, posted, holds] = await readRows(location, Object.values(statements))
  return {
    accounts: (accounts ?? []).map((row) => ({
      id: String(row['id']),
      account_type: String(row['account_type']),
      currency: String(row['currency']),
      min_available: row['min_available'] === null ? null : units(row['min_available']),
      posted_debits: units(row['posted_debits']),
      posted_credits: units(row['posted_credits']),
      held_debits: units(row['held_debits']),
      held_credits: units(row['held_credits']),
      version: Number(row['version']),
    })),
    entries: (entries ?? []).map((row) => ({
      account_id: String(row['account_id']),
      account_version: Number(row['account_version']),
      transaction_id: String(row['transaction_id']),
      direction: String(row['direction']),
      amount: units(row['amount']),
      balance_after: units(row['balance_after']),
      debits_after: units(row['debits_after']),
    })),
    posted: (posted ?? []).map((row) => String(row['id'])),
    holds: bookedHolds(holds ?? [], accounts ?? []),
  }
}

function bookedHolds(holds: readonly Row[], accounts: readonly Row[]): BookedHold[] {
  const exponents = new Map(accounts.map((row) => [String(row['id']), Number(row['exponent'])]))
  return holds.flatMap((row) => {
    const entries = JSON.parse(String(row['entries'])) as {
      accountId: string
      direction: string
      amount: string
    }[]
    const resolved = JSON.parse(String(row['resolved'] ?? '[]')) as string[]
    return entries.map(({ accountId, direction, amount }, position) => ({
      account_id: accountId,
      direction,
      remaining:
        parseDecimal(amount, exponents.get(accountId) ?? 0) - BigInt(resolved[position] ?? 0),
    }))
  })
}

/**
 * Recomputes promises P1 and P2 from nothing but the entries and says every difference: transactions that do not
 * balance, entries without a posted transaction and the reverse, currencies whose sum is not zero, versions with
 * gaps, running balances and stored totals that are not the sum of the entries, and held totals that are not what open holds
 * set aside. Empty when the books are right.
 */
export function faultsOf({ accounts, entries, posted, holds }: Books): string[] {
  const faults: string[] = []
  const currencies = new Map(accounts.map((account) => [account.id, account.currency]))
  const isPosted = new Set(posted)
  const ofTransactions = new Map<string, bigint>()
  const withEntries = new Set<string>()
  const ofCurrencies = new Map<string, bigint>()
  for (const entry of entries) {
    const { transaction_id: transaction, account_id: account } = entry
    const signed = entry.direction === 'debit' ? entry.amount : -entry.amount
    const currency = currencies.get(account)
    if (entry.amount <= 0n) faults.push(`${transaction} has an entry that is not positive`)
    if (currency === undefined) faults.push(`${transaction} names the unknown account ${account}`)
    if (!isPosted.has(transaction)) faults.push(`${transaction} has entries and is not posted`)
    // Each currency of a transaction balances by itself.
    const sides = `${transaction} in ${currency ?? '?'}`
    ofTransactions.set(sides, (ofTransactions.get(sides) ?? 0n) + signed)
    withEntries.add(transaction)
    ofCurrencies.set(currency ?? '?', (ofCurrencies.get(currency ?? '?') ?? 0n) + signed)
  }
  for (const [sides, sum] of ofTransactions) {
    if (sum !== 0n) faults.push(`${sides} is out of balance by ${sum}`)
  }
  for (const id of posted) if (!withEntries.has(id)) faults.push(`${id} is posted without entries`)
  for (const [currency, sum] of ofCurrencies) {
    if (sum !== 0n) faults.push(`${currency} is out of balance by ${sum}`)
  }
  const byAccount = new Map<string, BookedEntry[]>(accounts.map(({ id }) => [id, []]))
  for (const entry of entries) byAccount.get(entry.account_id)?.push(entry)
  for (const account of accounts) {
    faults.push(...faultsOfAccount(account, byAccount.get(account.id) ?? []))
    for (const [direction, held] of [
      ['debit', account.held_debits],
      ['credit', account.held_credits],
    ] as const) {
      const own = holds.filter((hold) => hold.account_id === account.id)
      const sum = own.reduce(
        (all, one) => all + (one.direction === direction ? one.remaining : 0n),
        0n,
      )
      if (held !== sum) faults.push(`${account.id} should have ${sum} held as ${direction}`)
    }
  }
  return faults
}

/** Fails the test when the books of a ledger are wrong, or an entry is not chained to the one before it. */
export async function expectRightBooks(location: StoreLocation): Promise<void> {
  expect(faultsOf(await readBooks(location))).toEqual([])
  expect(await chainFaults(location)).toEqual([])
}

function faultsOfAccount(account: BookedAccount, entries: readonly BookedEntry[]): string[] {
  const faults: string[] = []
  const growsByDebits = account.account_type === 'asset' || account.account_type === 'expense'
  let debits = 0n
  let credits = 0n
  let version = 0
  for (const entry of entries) {
    version += 1
    if (entry.direction === 'debit') debits += entry.amount
    else credits += entry.amount
    const balance = growsByDebits ? debits - credits : credits - debits
    const place = `${account.id} at version ${entry.account_version}`
    if (entry.account_version !== version) faults.push(`${place} should be at ${version}`)
    if (entry.balance_after !== balance) faults.push(`${place} should have the balance ${balance}`)
    if (entry.debits_after !== debits) faults.push(`${place} should have the debits ${debits}`)
  }
  if (account.posted_debits !== debits) faults.push(`${account.id} should have debits of ${debits}`)
  if (account.posted_credits !== credits) {
    faults.push(`${account.id} should have credits of ${credits}`)
  }
  if (account.version !== version) faults.push(`${account.id} should be at version ${version}`)
  return faults
}

function units(value: string | number | null | undefined): bigint {
  if (value === null || value === undefined)
    throw new Error('a total that every row has is missing')
  return BigInt(value)
}
