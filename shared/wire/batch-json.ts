import { z } from 'zod'
import type { BatchRecord } from '../engine/batch-record.ts'
import { batchModes, type CommandBatch } from '../engine/command-batch.ts'
import type { Currencies } from '../ledger/currency.ts'
import { transactionStatuses, type TransactionStatus } from '../ledger/transaction.ts'
import { timeJson } from './fields.ts'
import { invalidParts } from './invalid-request.ts'
import { problemJsonSchema } from './problem-json.ts'
import type { Problem } from './problems.ts'
import { exampleTransaction, transactionJsonSchema } from './transaction-json.ts'
import {
  currencyCodesOf,
  exampleRequest,
  postCommand,
  transactionRequest,
} from './transaction-request.ts'

/** The most members of a batch, and the most entries of all of them: they are locked and written together. */
const batchMembersMax = 1000
const batchEntriesMax = 10_000

/** The longest key that leaves room for `/999` behind it. */
const batchKeyLengthMax = 251

/** The body that posts several transactions together. */
export const batchRequest = z
  .strictObject({
    mode: z.enum(batchModes).meta({
      description:
        '`atomic`: all or nothing. `independent`: each by itself. In either, later ones see the effect of earlier ones.',
    }),
    transactions: z
      .array(transactionRequest)
      .min(1, 'must have at least one transaction')
      .max(batchMembersMax, `must have at most ${batchMembersMax} transactions`),
  })
  .refine(({ transactions }) => entryCountOf(transactions) <= batchEntriesMax, {
    error: `must have at most ${batchEntriesMax} entries together`,
    path: ['transactions'],
  })
  .meta({
    id: 'BatchRequest',
    examples: [{ mode: 'atomic', transactions: [exampleRequest] }],
  })
export type BatchRequest = z.output<typeof batchRequest>

/** How a member of a batch stands: as its transaction does, or not done for another's sake. */
const memberStatuses = [...transactionStatuses, 'aborted'] as const
export type MemberStatus = (typeof memberStatuses)[number]

const memberJsonSchema = z
  .strictObject({
    index: z.int(),
    status: z.enum(memberStatuses),
    replayed: z
      .literal(true)
      .optional()
      .meta({ description: 'Its key was known: this is how it had ended before.' }),
    transaction: transactionJsonSchema.optional(),
    problem: problemJsonSchema.optional(),
  })
  .meta({
    id: 'BatchMember',
    description:
      'A member with its transaction, or with the problem that it would be answered with by itself.',
  })
export type MemberJson = z.input<typeof memberJsonSchema>

/** The answer to a batch that was posted. */
export const batchJsonSchema = z
  .strictObject({
    mode: z.enum(batchModes),
    posted: z.int().meta({ description: 'How many are posted, or held.' }),
    failed: z.int().meta({ description: 'How many are not: all others.' }),
    items: z.array(memberJsonSchema).meta({ description: 'All members, in the order given.' }),
  })
  .meta({
    id: 'Batch',
    examples: [
      {
        mode: 'atomic',
        posted: 1,
        failed: 0,
        items: [{ index: 0, status: 'posted', transaction: exampleTransaction }],
      },
    ],
  })
export type BatchJson = z.input<typeof batchJsonSchema>

const counts = z.strictObject(
  Object.fromEntries(transactionStatuses.map((status) => [status, z.int()])) as Record<
    (typeof transactionStatuses)[number],
    z.ZodInt
  >,
)

/** A batch that was accepted for later. */
export const acceptedBatchJsonSchema = z
  .strictObject({
    id: z.uuid(),
    mode: z.enum(batchModes),
    created_at: z.iso.datetime(),
    counts: counts.meta({ description: 'Members by status.' }),
    items: z.array(memberJsonSchema).meta({ description: 'All members, in the order given.' }),
  })
  .meta({
    id: 'AcceptedBatch',
    description:
      'A batch that was accepted for later, as it stands. All of an atomic one ends at once, with one place in the queue.',
    examples: [
      {
        id: '0198c0de-7a11-7000-8000-00000000ba7c',
        mode: 'atomic',
        created_at: '2026-01-31T12:00:00.000Z',
        counts: { ...noCounts(), posted: 1 },
        items: [{ index: 0, status: 'posted', transaction: exampleTransaction }],
      },
    ],
  })
export type AcceptedBatchJson = z.input<typeof acceptedBatchJsonSchema>

/** Writes a batch that was accepted, with its members as they stand. */
export function acceptedBatchJson(batch: BatchRecord, items: MemberJson[]): AcceptedBatchJson {
  const counted = noCounts()
  // Only a member that has never been queued has no transaction: it was refused at once.
  for (const { status } of items) counted[status === 'aborted' ? 'failed' : status] += 1
  return {
    id: batch.id,
    mode: batch.mode,
    created_at: timeJson(batch.createdAt),
    counts: counted,
    items,
  }
}

function noCounts(): Record<TransactionStatus, number> {
  return {
    queued: 0,
    held: 0,
    posted: 0,
    failed: 0,
    canceled: 0,
    captured: 0,
    voided: 0,
    expired: 0,
  }
}

/** Every currency that a batch names. */
export function currencyCodesOfBatch({ transactions }: BatchRequest): string[] {
  const codes = new Set<string>()
  for (const member of transactions) for (const code of currencyCodesOf(member)) codes.add(code)
  return [...codes]
}

/**
 * Turns a parsed body into a batch of commands. With a key of its own for the whole, each member that has none gets the key
 * `<key>/<index>`, so that the batch may be repeated.
 */
export function commandBatch(
  { mode, transactions }: BatchRequest,
  key: string | null,
  ledgerId: number,
  currencies: Currencies,
): CommandBatch {
  const commands = transactions.map((member, index) => {
    const own = member.idempotency_key ?? (key === null ? null : `${key}/${index}`)
    return postCommand(member, own, ledgerId, currencies)
  })
  return { ledgerId, mode, commands }
}

/** The problem of a key that leaves no room for the index of a member; undefined when it does. */
export function batchKeyFault(key: string | null): Problem | undefined {
  if (key === null || key.length <= batchKeyLengthMax) return undefined
  const detail = `must have at most ${batchKeyLengthMax} characters for a batch`
  return invalidParts([{ pointer: 'headers/idempotency-key', detail }])
}

/** The place of a member's fault in the body of its batch. */
export function memberPointer(index: number, pointer: string): string {
  return `transactions/${index}/${pointer}`
}

function entryCountOf(transactions: readonly { readonly entries: readonly unknown[] }[]): number {
  return transactions.reduce((sum, { entries }) => sum + entries.length, 0)
}
