import type { Statement } from '../reader.ts'
import type { Differences } from './differences.ts'
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

/** Checks that debits equal credits over all accounts of each currency of a ledger; gives the sums. One round trip. */
export async function verifyTotals(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
): Promise<CurrencyTotals[]> {
  const rows = await reader.rows(currencyTotals(reader), [ledgerId])
  return rows.map((row) => {
    const currency = row['currency'] as string
    const debits = wholeNumber(row['debits'])
    const credits = wholeNumber(row['credits'])
    if (debits === undefined || debits !== credits) {
      const detail = `all accounts together have debits ${debits ?? '?'} and credits ${credits ?? '?'}`
      differences.add(ledgerId, `currency ${currency}`, detail)
    }
    return {
      ledgerId,
      currency,
      accounts: Number(row['accounts']),
      debits: debits ?? 0n,
      credits: credits ?? 0n,
    }
  })
}
