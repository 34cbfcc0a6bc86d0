import { z } from 'zod'
import type { AccountRecord } from '../engine/account-record.ts'
import type { StatementLine } from '../engine/statement.ts'
import { directions, normalSides } from '../ledger/account.ts'
import { axes, type Axis } from '../ledger/axis.ts'
import { formatMinorUnits, type MinorUnits } from '../ledger/money.ts'
import { axis, time, timeJson } from './fields.ts'
import { pageParameters } from './paging.ts'

const exampleId = '0198c0de-7a11-7000-8000-00000000a11c'
const exampleTime = '2026-01-31T12:00:00.000Z'

/** The query of a statement. */
export const statementQuery = z.strictObject({
  from: time.optional().meta({ description: 'From this time on. Default: from the beginning.' }),
  to: time.optional().meta({
    description:
      'Up to this time, exclusive. Default: all that is posted; on the effective axis, up to now.',
  }),
  axis,
  format: z
    .enum(['json', 'csv'])
    .default('json')
    .meta({ description: 'A page of JSON, or all of it as CSV.' }),
  limit: pageParameters.limit.removeDefault().optional().meta({
    description: 'Lines of a page, 1 to 200; 50 by default. Of JSON only.',
    example: '50',
  }),
  cursor: pageParameters.cursor.meta({
    description: '`next_cursor` of the page before. Of JSON only.',
  }),
})
export type StatementQuery = z.output<typeof statementQuery>

const decimal = z.string().meta({ example: '125.00' })

const lineSchema = z
  .strictObject({
    account_version: z.int(),
    transaction_id: z.uuid(),
    position: z.int(),
    reference: z.string().nullable(),
    description: z.string().nullable(),
    direction: z.enum(directions),
    amount: decimal,
    balance_after: decimal.meta({ description: 'After this line, in the order of the axis.' }),
    posted_at: z.iso.datetime(),
    effective_at: z.iso.datetime(),
  })
  .meta({ id: 'StatementLine' })
export type StatementLineJson = z.input<typeof lineSchema>

/** A page of a statement as the API shows it. */
export const statementJsonSchema = z
  .strictObject({
    account_id: z.uuid(),
    currency: z.string(),
    normal_side: z.enum(directions),
    axis: z.enum(axes),
    from: z.iso.datetime().nullable(),
    to: z.iso.datetime().nullable(),
    version: z.int().meta({ description: 'Entries posted after this version are not in it.' }),
    opening_balance: decimal,
    closing_balance: decimal,
    lines: z.array(lineSchema),
    next_cursor: z.string().nullable(),
  })
  .meta({
    id: 'Statement',
    description:
      'Oldest first. The opening and the closing balance are those of the whole statement on each of its pages: opening ' +
      'balance and all lines together make the closing balance.',
    examples: [
      {
        account_id: exampleId,
        currency: 'USD',
        normal_side: 'credit',
        axis: 'posted',
        from: '2026-01-01T00:00:00.000Z',
        to: '2026-02-01T00:00:00.000Z',
        version: 7,
        opening_balance: '100.00',
        closing_balance: '225.00',
        lines: [
          {
            account_version: 7,
            transaction_id: '0198c0de-7a11-7000-8000-0000000075ac',
            position: 1,
            reference: 'order-4711',
            description: null,
            direction: 'credit',
            amount: '125.00',
            balance_after: '225.00',
            posted_at: exampleTime,
            effective_at: exampleTime,
          },
        ],
        next_cursor: null,
      },
    ],
  })
export type StatementJson = z.input<typeof statementJsonSchema>

/** What a statement says besides its lines. */
export interface StatementHead {
  readonly axis: Axis
  readonly from: number | null
  readonly to: number | null
  readonly opening: MinorUnits
  readonly closing: MinorUnits
}

/** Writes one page of a statement. */
export function statementJson(
  account: AccountRecord,
  head: StatementHead,
  page: { readonly lines: readonly StatementLineJson[]; readonly nextCursor: string | null },
): StatementJson {
  return {
    account_id: account.id,
    currency: account.currency,
    normal_side: normalSides[account.accountType],
    axis: head.axis,
    from: head.from === null ? null : timeJson(head.from),
    to: head.to === null ? null : timeJson(head.to),
    version: account.version,
    opening_balance: formatMinorUnits(head.opening, account.exponent),
    closing_balance: formatMinorUnits(head.closing, account.exponent),
    lines: [...page.lines],
    next_cursor: page.nextCursor,
  }
}

/** Writes one line, in a currency with `exponent` decimals. */
export function statementLineJson(
  line: Omit<StatementLine, 'place'>,
  exponent: number,
): StatementLineJson {
  const { entry } = line
  return {
    account_version: entry.accountVersion,
    transaction_id: entry.transactionId,
    position: entry.position,
    reference: line.reference,
    description: line.description,
    direction: entry.direction,
    amount: formatMinorUnits(entry.amount, exponent),
    balance_after: formatMinorUnits(line.balance, exponent),
    posted_at: timeJson(entry.postedAt),
    effective_at: timeJson(entry.effectiveAt),
  }
}
