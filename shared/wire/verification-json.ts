import { z } from 'zod'
import { uuid } from './fields.ts'

/** The body that asks for a verification. */
export const verificationRequest = z
  .strictObject({
    account_id: uuid
      .optional()
      .meta({ description: 'The one account that is meant. Default: all.' }),
    cursor: z
      .string()
      .max(200, 'is not a cursor of this verification')
      .optional()
      .meta({ description: '`next_cursor` of the answer before, to go on from there.' }),
  })
  .prefault({})
  .meta({ id: 'VerificationRequest', examples: [{}] })

const count = z.int().min(0)

/** What a verification found. */
export const verificationJsonSchema = z
  .strictObject({
    clean: z.boolean().meta({ description: 'Whether all is right that was looked at.' }),
    complete: z.boolean().meta({ description: 'Whether everything was looked at that is meant.' }),
    accounts: count.meta({ description: 'Accounts that were looked at to their end.' }),
    entries: count,
    entries_without_hash: count.meta({
      description: 'Of these, entries that were posted before there was a chain.',
    }),
    difference_count: count,
    differences: z
      .array(z.strictObject({ account_id: z.string(), detail: z.string() }))
      .meta({ description: 'The first hundred, of each account the first of a kind.' }),
    next_cursor: z.string().nullable(),
  })
  .meta({
    id: 'Verification',
    examples: [
      {
        clean: false,
        complete: true,
        accounts: 2,
        entries: 10,
        entries_without_hash: 0,
        difference_count: 1,
        differences: [
          {
            account_id: '0198c0de-7a11-7000-8000-00000000a11c',
            detail: 'entry 3 was changed: position was 1, not 0',
          },
        ],
        next_cursor: null,
      },
    ],
  })

/** The JSON of what a verification found. `differences` name their accounts as `account …`. */
export function verificationJson(
  found: {
    readonly accounts: number
    readonly entries: number
    readonly unchained: number
    readonly differenceCount: number
    readonly differences: readonly { readonly subject: string; readonly detail: string }[]
  },
  nextCursor: string | null,
): z.output<typeof verificationJsonSchema> {
  return {
    clean: found.differenceCount === 0,
    complete: nextCursor === null,
    accounts: found.accounts,
    entries: found.entries,
    entries_without_hash: found.unchained,
    difference_count: found.differenceCount,
    differences: found.differences.map(({ subject, detail }) => ({
      account_id: subject.replace('account ', ''),
      detail,
    })),
    next_cursor: nextCursor,
  }
}
