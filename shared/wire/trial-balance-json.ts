import { z } from 'zod'
import type { TrialBalance, TrialBalanceRow } from '../engine/trial-balance.ts'
import { accountTypes, normalSides } from '../ledger/account.ts'
import { axes, type Axis } from '../ledger/axis.ts'
import { formatMinorUnits, minorUnits } from '../ledger/money.ts'
import { axis, time, timeJson } from './fields.ts'

/** The query of a trial balance. */
export const trialBalanceQuery = z.strictObject({
  at: time.optional().meta({ description: 'As the books stood then. Default: now.' }),
  axis,
})
export type TrialBalanceQuery = z.output<typeof trialBalanceQuery>

const decimal = z.string().meta({ example: '125.00' })

/** A trial balance as the API shows it. */
export const trialBalanceJsonSchema = z
  .strictObject({
    axis: z.enum(axes),
    as_of: z.iso.datetime(),
    rows: z.array(
      z.strictObject({
        currency: z.string(),
        account_type: z.enum(accountTypes),
        debits: decimal,
        credits: decimal,
        balance: decimal.meta({ description: "Positive on the type's normal side." }),
      }),
    ),
    totals: z
      .array(z.strictObject({ currency: z.string(), debits: decimal, credits: decimal }))
      .meta({ description: 'Of each currency; debits equal credits.' }),
  })
  .meta({
    id: 'TrialBalance',
    examples: [
      {
        axis: 'posted',
        as_of: '2026-01-31T23:59:59.999Z',
        rows: [
          {
            currency: 'USD',
            account_type: 'asset',
            debits: '125.00',
            credits: '25.00',
            balance: '100.00',
          },
          {
            currency: 'USD',
            account_type: 'liability',
            debits: '25.00',
            credits: '125.00',
            balance: '100.00',
          },
        ],
        totals: [{ currency: 'USD', debits: '150.00', credits: '150.00' }],
      },
    ],
  })
export type TrialBalanceJson = z.input<typeof trialBalanceJsonSchema>

/** Writes a trial balance: by currency, then by type in the order of the account types. */
export function trialBalanceJson(axis: Axis, { asOf, rows }: TrialBalance): TrialBalanceJson {
  const currencies = [...new Set(rows.map(({ currency }) => currency))].toSorted()
  const groups = currencies.map((currency) => rows.filter((row) => row.currency === currency))
  return {
    axis,
    as_of: timeJson(asOf),
    rows: groups.flatMap((group) =>
      group
        .toSorted(
          (a, b) => accountTypes.indexOf(a.accountType) - accountTypes.indexOf(b.accountType),
        )
        .map(rowJson),
    ),
    totals: groups.map((group, index) => {
      const exponent = group[0]?.exponent ?? 0
      const sum = (side: 'debits' | 'credits') =>
        formatMinorUnits(minorUnits(group.reduce((all, row) => all + row[side], 0n)), exponent)
      return { currency: currencies[index] ?? '', debits: sum('debits'), credits: sum('credits') }
    }),
  }
}

function rowJson(row: TrialBalanceRow): TrialBalanceJson['rows'][number] {
  const { debits, credits, exponent } = row
  const balance = normalSides[row.accountType] === 'debit' ? debits - credits : credits - debits
  return {
    currency: row.currency,
    account_type: row.accountType,
    debits: formatMinorUnits(debits, exponent),
    credits: formatMinorUnits(credits, exponent),
    balance: formatMinorUnits(minorUnits(balance), exponent),
  }
}
