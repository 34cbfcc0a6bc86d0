import { z } from 'zod'
import { conditionsMax, holdSMax, type Condition, type HoldTerms } from '../ledger/special-wish.ts'
import { line, signedAmount, time, uuid } from './fields.ts'

/** A limit on the text of a condition's amount: 38 digits, 18 decimals, a sign and a point fit. */
const leastLengthMax = 60

const expiryFields = {
  expires_in: z
    .int('must be a whole number of seconds')
    .min(1, 'must be at least 1 second')
    .max(holdSMax, `must be at most ${holdSMax} seconds`)
    .nullish()
    .meta({ description: 'Seconds from the time at which it takes effect.', example: 604_800 }),
  expires_at: time.nullish().meta({
    description: 'RFC 3339; in the future when it takes effect, and not more than 366 days.',
  }),
}

type ExpiryFields = {
  readonly expires_in?: number | null | undefined
  readonly expires_at?: number | null | undefined
}

function hasOne({ expires_in, expires_at }: ExpiryFields): boolean {
  return (expires_in == null) !== (expires_at == null)
}

const oneExpiry = { error: 'must have one of expires_in and expires_at', path: ['expires_in'] }

/** When a hold ends by itself, in a body that has other fields too. */
export function withExpiry<Shape extends z.ZodRawShape>(shape: Shape) {
  return z
    .strictObject({ ...expiryFields, ...shape })
    .refine((body) => hasOne(body as ExpiryFields), oneExpiry)
}

/** The terms that such fields mean. */
export function holdTerms({ expires_in, expires_at }: ExpiryFields): HoldTerms {
  if (expires_in != null) return { expiresInS: expires_in }
  if (expires_at != null) return { expiresAt: expires_at }
  throw new Error('the schema lets nothing through that has neither')
}

/** The terms of a hold: exactly one of the two. */
export const hold = withExpiry({}).meta({
  description:
    'Sets the money aside instead of moving it, until it is captured, voided or expired.',
  example: { expires_in: 604_800 },
})

const condition = z
  .strictObject({
    account_id: uuid,
    available: z
      .strictObject({
        gte: signedAmount
          .max(leastLengthMax, `must have at most ${leastLengthMax} characters`)
          .meta({ example: '125.00' }),
      })
      .nullish(),
    version: z.int().min(0, 'must be at least 0').nullish(),
  })
  .refine(({ available, version }) => available != null || version != null, {
    error: 'must have available or version',
    path: ['available'],
  })

/** What accounts must be like for the transaction to go through. */
export const require = z
  .array(condition)
  .min(1, 'must have at least one condition')
  .max(conditionsMax, `must have at most ${conditionsMax} conditions`)
  .meta({
    description:
      'Conditions that accounts must meet at the instant of posting; they need not be accounts of the entries.',
  })

/** An operator's word that limits do not count. */
export const override = z
  .strictObject({
    limits: z.literal(true, 'must be true'),
    reason: line(500).meta({ description: 'Kept with the transaction.' }),
  })
  .meta({
    id: 'LimitsOverride',
    description:
      'Posts or holds beyond the limits of accounts, and breaks no other rule. For operators; recorded in the audit log.',
    examples: [{ limits: true, reason: 'Fee of a chargeback, agreed with the customer.' }],
  })

/** The conditions that the field means. */
export function conditions(given: z.output<typeof require> | null | undefined): Condition[] {
  return (given ?? []).map(({ account_id, available, version }) => ({
    accountId: account_id,
    availableGte: available?.gte ?? null,
    version: version ?? null,
  }))
}
