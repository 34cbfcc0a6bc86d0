import { z } from 'zod'
import {
  accountStatuses,
  accountTypes,
  availableOf,
  balanceOf,
  directions,
  normalSides,
  type AccountTotals,
  type LockedAccount,
} from '../ledger/account.ts'
import { axes, type Axis } from '../ledger/axis.ts'
import type { Currencies, Currency } from '../ledger/currency.ts'
import { creditsAfter } from '../ledger/decide.ts'
import {
  decimalsOf,
  digitsMax,
  digitsOf,
  formatMinorUnits,
  parseDecimal,
  type MinorUnits,
} from '../ledger/money.ts'
import type { RefusalCode } from '../ledger/refusal.ts'
import type { AccountRecord, BalanceAt, ListedEntry } from '../engine/account-record.ts'
import { currencyCode, line, metadata, metadataFilter, signedAmount, timeJson } from './fields.ts'
import { pageParameters } from './paging.ts'

const exampleId = '0198c0de-7a11-7000-8000-00000000a11c'
const exampleTime = '2026-01-31T12:00:00.000Z'

const name = line(200).meta({ description: 'For people.', example: 'Alice, wallet' })
const code = line(100).meta({
  description: "The caller's own name for the account; unique in the ledger.",
  example: 'wallet:alice',
})
const minAvailable = signedAmount.meta({
  description: 'The floor that `available` may not pass. `"0.00"`: no overdraft. null: no floor.',
  example: '0.00',
})

/** The body that opens an account. */
export const accountRequest = z
  .strictObject({
    name,
    account_type: z.enum(accountTypes),
    currency: currencyCode,
    code: code.nullish(),
    min_available: minAvailable.nullish(),
    metadata: metadata.nullish(),
  })
  .meta({
    id: 'AccountRequest',
    examples: [
      {
        name: 'Alice, wallet',
        account_type: 'liability',
        currency: 'USD',
        code: 'wallet:alice',
        min_available: '0.00',
      },
    ],
  })
export type AccountRequest = z.output<typeof accountRequest>

/** The body that changes an account: what is left out stays. */
export const accountChangeRequest = z
  .strictObject({
    name: name.optional(),
    status: z.enum(accountStatuses).optional(),
    min_available: minAvailable.nullable().optional(),
    metadata: metadata.nullable().optional(),
  })
  .meta({ id: 'AccountChangeRequest', examples: [{ status: 'frozen' }] })
export type AccountChangeRequest = z.output<typeof accountChangeRequest>

/** The query of the account list. */
export const accountQuery = z.strictObject({
  currency: currencyCode.optional(),
  account_type: z.enum(accountTypes).optional(),
  status: z.enum(accountStatuses).optional(),
  code: code.optional(),
  metadata: metadataFilter.optional(),
  ...pageParameters,
})

const decimal = z.string().meta({ example: '125.00' })

/** An account as the API shows it. */
export const accountJsonSchema = z
  .strictObject({
    id: z.uuid().meta({ example: exampleId }),
    code: z.string().nullable(),
    name: z.string(),
    account_type: z.enum(accountTypes),
    normal_side: z.enum(directions),
    currency: z.string(),
    status: z.enum(accountStatuses),
    min_available: decimal.nullable(),
    balance: decimal,
    available: decimal,
    metadata: z.record(z.string(), z.string()),
    version: z.int(),
    created_at: z.iso.datetime(),
  })
  .meta({
    id: 'Account',
    description: '`balance` is positive on the normal side; `available` is less outgoing holds.',
    examples: [
      {
        id: exampleId,
        code: 'wallet:alice',
        name: 'Alice, wallet',
        account_type: 'liability',
        normal_side: 'credit',
        currency: 'USD',
        status: 'active',
        min_available: '0.00',
        balance: '125.00',
        available: '125.00',
        metadata: {},
        version: 1,
        created_at: exampleTime,
      },
    ],
  })
export type AccountJson = z.input<typeof accountJsonSchema>

/** Writes an account. */
export function accountJson(account: AccountRecord): AccountJson {
  const decimalOf = (units: MinorUnits) => formatMinorUnits(units, account.exponent)
  return {
    id: account.id,
    code: account.code,
    name: account.name,
    account_type: account.accountType,
    normal_side: normalSides[account.accountType],
    currency: account.currency,
    status: account.status,
    min_available: account.minAvailable === null ? null : decimalOf(account.minAvailable),
    balance: decimalOf(balanceOf(account.accountType, account)),
    available: decimalOf(availableOf(account.accountType, account)),
    metadata: account.metadata,
    version: account.version,
    created_at: timeJson(account.createdAt),
  }
}

/** A balance as the documentation shows it. */
export const exampleBalance = {
  account_id: exampleId,
  currency: 'USD',
  normal_side: 'credit',
  axis: 'posted',
  balance: '125.00',
  debits: '0.00',
  credits: '125.00',
  held_debits: '0.00',
  held_credits: '0.00',
  available: '125.00',
  version: 1,
  as_of: exampleTime,
}

/** An account's balance as the API shows it. */
export const balanceJsonSchema = z
  .strictObject({
    account_id: z.uuid().meta({ example: exampleId }),
    currency: z.string(),
    normal_side: z.enum(directions),
    axis: z.enum(axes),
    balance: decimal,
    debits: decimal,
    credits: decimal,
    held_debits: decimal,
    held_credits: decimal,
    available: decimal,
    version: z.int(),
    as_of: z.iso.datetime(),
  })
  .meta({
    id: 'Balance',
    description:
      '`version` counts the entries in it; on the effective axis, those that the account had when it was read.',
    examples: [exampleBalance],
  })
export type BalanceJson = z.input<typeof balanceJsonSchema>

/** Writes an account's balance as it stands. */
export function balanceJson(account: LockedAccount, asOf: number): BalanceJson {
  return writeBalance(account, account, { axis: 'posted', asOf })
}

/** Writes an account's balance as it stood on an axis; holds have no history of their own and count as none. */
export function balanceJsonAt(
  account: AccountRecord,
  then: BalanceAt,
  when: { axis: Axis; asOf: number },
): BalanceJson {
  const totals = {
    postedDebits: then.debits,
    postedCredits: creditsAfter(account.accountType, then.balance, then.debits),
    heldDebits: 0n as MinorUnits,
    heldCredits: 0n as MinorUnits,
    version: then.version,
  }
  return writeBalance(account, totals, when)
}

function writeBalance(
  account: LockedAccount,
  totals: AccountTotals,
  { axis, asOf }: { axis: Axis; asOf: number },
): BalanceJson {
  const decimalOf = (units: MinorUnits) => formatMinorUnits(units, account.exponent)
  return {
    account_id: account.id,
    currency: account.currency,
    normal_side: normalSides[account.accountType],
    axis,
    balance: decimalOf(balanceOf(account.accountType, totals)),
    debits: decimalOf(totals.postedDebits),
    credits: decimalOf(totals.postedCredits),
    held_debits: decimalOf(totals.heldDebits),
    held_credits: decimalOf(totals.heldCredits),
    available: decimalOf(availableOf(account.accountType, totals)),
    version: totals.version,
    as_of: timeJson(asOf),
  }
}

/** An entry as an account's list shows it. */
export const accountEntryJsonSchema = z
  .strictObject({
    account_id: z.uuid().meta({ example: exampleId }),
    account_version: z.int().meta({ description: '1, 2, 3 … within the account, without gaps.' }),
    transaction_id: z.uuid(),
    position: z.int(),
    direction: z.enum(directions),
    amount: decimal,
    balance_after: decimal,
    posted_at: z.iso.datetime(),
    effective_at: z.iso.datetime(),
  })
  .meta({
    id: 'AccountEntry',
    examples: [
      {
        account_id: exampleId,
        account_version: 1,
        transaction_id: '0198c0de-7a11-7000-8000-0000000075ac',
        position: 1,
        direction: 'credit',
        amount: '125.00',
        balance_after: '125.00',
        posted_at: exampleTime,
        effective_at: exampleTime,
      },
    ],
  })

/** Writes an entry of an account whose currency has `exponent` decimals. */
export function accountEntryJson(
  entry: ListedEntry,
  exponent: number,
): z.input<typeof accountEntryJsonSchema> {
  return {
    account_id: entry.accountId,
    account_version: entry.accountVersion,
    transaction_id: entry.transactionId,
    position: entry.position,
    direction: entry.direction,
    amount: formatMinorUnits(entry.amount, exponent),
    balance_after: formatMinorUnits(entry.balanceAfter, exponent),
    posted_at: timeJson(entry.postedAt),
    effective_at: timeJson(entry.effectiveAt),
  }
}

/** An account's currency, found, or the code of the refusal. */
export function currencyOf(
  code: string,
  currencies: Currencies,
): { readonly currency: Currency } | { readonly refused: RefusalCode } {
  const currency = currencies.get(code)
  return currency === undefined ? { refused: 'currency_unknown' } : { currency }
}

/** A floor in minor units, or the code of the refusal: its scale and size are those of an amount. */
export function minAvailableOf(
  text: string,
  exponent: number,
): { readonly units: MinorUnits } | { readonly refused: RefusalCode } {
  if (decimalsOf(text) > exponent) return { refused: 'amount_scale' }
  if (digitsOf(text, exponent) > digitsMax) return { refused: 'amount_too_large' }
  return { units: parseDecimal(text, exponent) }
}
