import type { AccountType } from '../../ledger/account.ts'
import { creditsAfter } from '../../ledger/decide.ts'
import { minorUnits } from '../../ledger/money.ts'
import { lastEntryAt } from '../read-accounts.ts'
import type { Statement } from '../reader.ts'
import { time, type Row } from '../rows.ts'
import type { Differences } from './differences.ts'
import type { Pace } from './pace.ts'
import type { VerifyingReader } from './verifying-reader.ts'
import { wholeNumber } from './whole-number.ts'

/** What all accounts of a currency hold together, at one instant. Minor units. */
export interface CurrencyTotals {
  readonly ledgerId: number
  readonly currency: string
  readonly accounts: number
  readonly debits: bigint
  readonly credits: bigint
}

/** How one instant is found at which all accounts are added up. */
export interface Cut {
  /** Up to so many accounts one statement adds them up as they are now. */
  readonly accountsAtOnceMax: number
  /** Beyond it they are added up page by page as they stood so long ago: nothing can be committed that late any more. */
  readonly trailMs: number
}

/** A million accounts took Postgres one to two seconds in one statement, which is ended after five. A batch lasts seconds at the most. */
export const usualCut: Cut = { accountsAtOnceMax: 500_000, trailMs: 60_000 }

/** Rows of one short read. */
const accountsPerRead = 500

/** The first account beyond a number of them, through `accounts_pkey`. No lock. */
const accountBeyond: Statement = {
  name: 'verify_account_beyond',
  text: `select id from accounts where ledger_id = $1 order by id limit 1 offset $2`,
}

/** The sums over all accounts by currency, in one statement and so at one instant; reads every account. No lock. */
function currencyTotals(reader: VerifyingReader): Statement {
  return {
    name: 'verify_currency_totals',
    text: `select currency, count(*) as accounts,
                  ${reader.exactSum('posted_debits')} as debits,
                  ${reader.exactSum('posted_credits')} as credits
             from accounts where ledger_id = $1 group by currency order by currency`,
  }
}

/** One page of accounts with their totals, through `accounts_pkey`. No lock. */
function totalsPage(after: string | undefined): Statement {
  return {
    name: after === undefined ? 'verify_first_totals' : 'verify_totals',
    text: `select id, account_type, currency, version, posted_debits, posted_credits, last_posted_at
             from accounts where ledger_id = $1 ${after === undefined ? '' : 'and id > $3'}
            order by id limit $2`,
  }
}

/**
 * Checks that debits equal credits over all accounts of each currency of a ledger, at one instant; gives the sums. Two
 * round trips, or in a large ledger one for each page of accounts and one for each account that has moved of late.
 */
export async function verifyTotals(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  { pace, cut }: { readonly pace: Pace; readonly cut: Cut },
): Promise<CurrencyTotals[]> {
  const [beyond] = await reader.rows(accountBeyond, [ledgerId, cut.accountsAtOnceMax])
  const sums =
    beyond === undefined
      ? (await reader.rows(currencyTotals(reader), [ledgerId])).map(sumOf)
      : await addUpPages(reader, ledgerId, pace, Date.now() - cut.trailMs)
  return sums.map(({ currency, accounts, debits, credits }) => {
    if (debits === undefined || debits !== credits) {
      const detail = `all accounts together have debits ${debits ?? '?'} and credits ${credits ?? '?'}`
      differences.add(ledgerId, `currency ${currency}`, detail)
    }
    return { ledgerId, currency, accounts, debits: debits ?? 0n, credits: credits ?? 0n }
  })
}

/** A sum by currency; undefined when one of its figures is no number. */
interface Sum {
  readonly currency: string
  accounts: number
  debits: bigint | undefined
  credits: bigint | undefined
}

function sumOf(row: Row): Sum {
  return {
    currency: row['currency'] as string,
    accounts: Number(row['accounts']),
    debits: wholeNumber(row['debits']),
    credits: wholeNumber(row['credits']),
  }
}

/** Adds up all accounts as they stood at a time. Entries never change, so it does not matter how long that takes. */
async function addUpPages(
  reader: VerifyingReader,
  ledgerId: number,
  pace: Pace,
  at: number,
): Promise<readonly Sum[]> {
  const sums = new Map<string, Sum>()
  for (let after: string | undefined; ;) {
    const start = after
    const parameters = [ledgerId, accountsPerRead, ...(start === undefined ? [] : [start])]
    const rows = await pace(() => reader.rows(totalsPage(start), parameters))
    for (const row of rows) {
      const currency = row['currency'] as string
      const sum = sums.get(currency) ?? { currency, accounts: 0, debits: 0n, credits: 0n }
      const { debits, credits } = await totalsAt(reader, ledgerId, row, at)
      sum.accounts += 1
      sum.debits = plus(sum.debits, debits)
      sum.credits = plus(sum.credits, credits)
      sums.set(currency, sum)
    }
    after = rows.at(-1)?.['id'] as string | undefined
    if (rows.length < accountsPerRead) break
  }
  return [...sums.values()].toSorted((a, b) => (a.currency < b.currency ? -1 : 1))
}

/** An account's totals as they stood at a time: its own, unless it has moved since. */
async function totalsAt(
  reader: VerifyingReader,
  ledgerId: number,
  row: Row,
  at: number,
): Promise<Pick<Sum, 'debits' | 'credits'>> {
  if ((time(row['last_posted_at']) ?? at) <= at) {
    return {
      debits: wholeNumber(row['posted_debits']),
      credits: wholeNumber(row['posted_credits']),
    }
  }
  const account = { ledgerId, id: row['id'] as string, version: Number(row['version']) }
  const entry = await lastEntryAt(reader, account, at)
  if (entry === undefined) return { debits: 0n, credits: 0n }
  const balance = wholeNumber(entry['balance_after'])
  const debits = wholeNumber(entry['debits_after'])
  if (balance === undefined || debits === undefined) return { debits, credits: undefined }
  const accountType = row['account_type'] as AccountType
  return { debits, credits: creditsAfter(accountType, minorUnits(balance), minorUnits(debits)) }
}

function plus(a: bigint | undefined, b: bigint | undefined): bigint | undefined {
  return a === undefined || b === undefined ? undefined : a + b
}
