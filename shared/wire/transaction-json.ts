import { z } from 'zod'
import { newId } from '../engine/new-id.ts'
import type { PostCommand } from '../engine/post-command.ts'
import type { QueueStanding } from '../engine/queue-store.ts'
import type { QueuePlace, TransactionRecord } from '../engine/transaction-record.ts'
import { directions } from '../ledger/account.ts'
import { canonicalEntries, entriesMax, entriesMin, price } from '../ledger/command.ts'
import type { Currencies } from '../ledger/currency.ts'
import { formatMinorUnits, type MinorUnits } from '../ledger/money.ts'
import type { Refusal } from '../ledger/refusal.ts'
import { transactionStatuses } from '../ledger/transaction.ts'
import {
  amount,
  currencyCode,
  idempotencyKey,
  line,
  metadata,
  time,
  timeJson,
  uuid,
} from './fields.ts'
import { fingerprintOf, type TransactionContent } from './fingerprint.ts'
import { pageParameters } from './paging.ts'
import { problems } from './problems.ts'

const exampleTime = '2026-01-31T12:00:00.000Z'
const exampleEntries = [
  { account_id: '0198c0de-7a11-7000-8000-00000000ca54', direction: 'debit', amount: '125.00' },
  { account_id: '0198c0de-7a11-7000-8000-00000000a11c', direction: 'credit', amount: '125.00' },
]

const reference = line(255).meta({
  description: "The caller's own name for the payment; need not be unique.",
  example: 'order-4711',
})

/** The body that posts a transaction. */
export const transactionRequest = z
  .strictObject({
    reference: reference.nullish(),
    idempotency_key: idempotencyKey.nullish().meta({
      description: 'May come as the header `Idempotency-Key` instead.',
      example: '7f1c6c0e-order-4711',
    }),
    description: line(1000).nullish(),
    currency: currencyCode.meta({ example: 'USD' }),
    entries: z
      .array(
        z.strictObject({
          account_id: uuid,
          direction: z.enum(directions),
          amount: amount.meta({ example: '125.00' }),
        }),
      )
      .min(entriesMin, `must have at least ${entriesMin} entries`)
      .max(entriesMax, `must have at most ${entriesMax} entries`),
    metadata: metadata.nullish(),
    effective_at: time.nullish().meta({ description: 'RFC 3339; default: the time of posting.' }),
    ordering_key: line(255).nullish().meta({
      description: "What orders asynchronous work; default: the first entry's account.",
    }),
  })
  .meta({
    id: 'TransactionRequest',
    examples: [
      {
        reference: 'order-4711',
        idempotency_key: '7f1c6c0e-order-4711',
        currency: 'USD',
        entries: exampleEntries,
      },
    ],
  })
export type TransactionRequest = z.output<typeof transactionRequest>

/** The query of the transaction list. */
export const transactionQuery = z.strictObject({
  status: z.enum(transactionStatuses).optional(),
  account_id: uuid.optional(),
  reference: reference.optional(),
  ...pageParameters,
})

/**
 * Turns a parsed body into a command: its id is made here and stays for life, its amounts are priced, its content is
 * hashed when there is a key to compare it under.
 */
export function postCommand(
  request: TransactionRequest,
  key: string | null,
  ledgerId: number,
  currencies: Currencies,
): PostCommand {
  const wish = {
    currency: request.currency,
    entries: request.entries.map((entry) => ({
      accountId: entry.account_id,
      direction: entry.direction,
      amount: entry.amount,
    })),
  }
  const currency = currencies.get(request.currency)
  const content = {
    reference: request.reference ?? null,
    description: request.description ?? null,
    currency: request.currency,
    requestedEntries: canonicalEntries(wish, currency),
    metadata: request.metadata ?? {},
    effectiveAt: request.effective_at ?? null,
    orderingKey: request.ordering_key ?? null,
  }
  // Written out: a spread with further fields beside it took 5 µs, half of what a payment costs here.
  return {
    reference: content.reference,
    description: content.description,
    currency: content.currency,
    requestedEntries: content.requestedEntries,
    metadata: content.metadata,
    effectiveAt: content.effectiveAt,
    orderingKey: content.orderingKey,
    transactionId: newId(),
    ledgerId,
    idempotencyKey: key,
    fingerprint: key === null ? null : fingerprintOf(content),
    exponent: currency?.exponent ?? null,
    pricing: price(wish, currencies),
  }
}

/** The content of a stored transaction, as it was asked for: what another request's content is compared with. */
export function contentOf(transaction: TransactionRecord): TransactionContent {
  return {
    reference: transaction.reference,
    description: transaction.description,
    currency: transaction.currency,
    requestedEntries:
      transaction.status === 'posted'
        ? transaction.entries.map((entry) => ({
            accountId: entry.accountId,
            direction: entry.direction,
            amount: decimalOf(entry.amount, transaction),
          }))
        : transaction.requestedEntries,
    metadata: transaction.metadata,
    effectiveAt: transaction.effectiveAt,
    orderingKey: transaction.orderingKey,
  }
}

const decimal = z.string().meta({ example: '125.00' })

/** Why a transaction failed: the refusal, in the words of the problem that the client got. */
const failureJsonSchema = z
  .looseObject({ code: z.string(), detail: z.string() })
  .meta({ id: 'Failure' })

/** Where a queued transaction is; `parked` says that it waits for an operator, and why. */
const queueBlockSchema = z
  .strictObject({
    slot: z.int(),
    sequence: z.int(),
    ahead: z.int().meta({
      description:
        'Queued before it in its slot. Right after acceptance: what was counted about a second ago, and what this process ' +
        'has accepted since.',
    }),
    enqueued_at: z.iso.datetime(),
    attempts: z.int(),
    last_error: z.string().optional(),
    parked: z.strictObject({ at: z.iso.datetime(), reason: z.string() }).optional(),
  })
  .meta({ id: 'QueuePlace' })

/** A transaction as the API shows it. */
export const transactionJsonSchema = z
  .strictObject({
    id: z.uuid(),
    status: z.enum(transactionStatuses),
    reference: z.string().nullable(),
    idempotency_key: z.string().nullable(),
    description: z.string().nullable(),
    currency: z.string(),
    entries: z.array(
      z.strictObject({
        account_id: z.uuid(),
        direction: z.enum(directions),
        amount: decimal,
        account_version: z.int().optional(),
        balance_after: decimal.optional(),
      }),
    ),
    metadata: z.record(z.string(), z.string()),
    effective_at: z.iso.datetime().nullable(),
    ordering_key: z.string().nullable(),
    created_at: z.iso.datetime(),
    posted_at: z.iso.datetime().nullable(),
    failure: failureJsonSchema.optional(),
    queue: queueBlockSchema.optional(),
    status_history: z.array(
      z.strictObject({ status: z.enum(transactionStatuses), at: z.iso.datetime() }),
    ),
  })
  .meta({
    id: 'Transaction',
    description: 'Entries of a posted transaction carry `account_version` and `balance_after`.',
    examples: [
      {
        id: '0198c0de-7a11-7000-8000-0000000075ac',
        status: 'posted',
        reference: 'order-4711',
        idempotency_key: '7f1c6c0e-order-4711',
        description: null,
        currency: 'USD',
        entries: exampleEntries.map((entry) => ({
          ...entry,
          account_version: 1,
          balance_after: '125.00',
        })),
        metadata: {},
        effective_at: exampleTime,
        ordering_key: null,
        created_at: exampleTime,
        posted_at: exampleTime,
        status_history: [{ status: 'posted', at: exampleTime }],
      },
    ],
  })
export type TransactionJson = z.input<typeof transactionJsonSchema>

/** Writes a transaction. */
export function transactionJson(
  transaction: TransactionRecord,
  standing?: QueueStanding,
): TransactionJson {
  const { failure, place } = transaction
  return {
    id: transaction.id,
    status: transaction.status,
    reference: transaction.reference,
    idempotency_key: transaction.idempotencyKey,
    description: transaction.description,
    currency: transaction.currency,
    entries: entriesJson(transaction),
    metadata: transaction.metadata,
    effective_at: timeOrNull(transaction.effectiveAt ?? transaction.postedAt),
    ordering_key: transaction.orderingKey,
    created_at: timeJson(transaction.createdAt),
    posted_at: timeOrNull(transaction.postedAt),
    ...(failure === null
      ? {}
      : {
          failure: { code: failure.code, detail: problems[failure.code].title, ...failure.details },
        }),
    ...(standing === undefined || place === null ? {} : { queue: queueBlock(place, standing) }),
    status_history: historyJson(transaction),
  }
}

function queueBlock(place: QueuePlace, standing: QueueStanding): z.input<typeof queueBlockSchema> {
  return {
    slot: place.slot,
    sequence: place.sequence,
    ahead: standing.ahead,
    enqueued_at: timeJson(standing.enqueuedAt),
    attempts: standing.attempts,
    ...(standing.lastError === null ? {} : { last_error: standing.lastError }),
    ...(standing.parkedAt === null
      ? {}
      : { parked: { at: timeJson(standing.parkedAt), reason: standing.parkedReason ?? '' } }),
  }
}

/** The place in a body that a refusal speaks of, where it speaks of one entry. */
export function refusalPointer(refusal: Refusal): string | undefined {
  const position = refusal.details['position']
  return position === undefined ? undefined : `entries/${position}/amount`
}

function entriesJson(transaction: TransactionRecord): TransactionJson['entries'] {
  if (transaction.status !== 'posted') {
    return transaction.requestedEntries.map((entry) => ({
      account_id: entry.accountId,
      direction: entry.direction,
      amount: entry.amount,
    }))
  }
  return transaction.entries.map((entry) => ({
    account_id: entry.accountId,
    direction: entry.direction,
    amount: decimalOf(entry.amount, transaction),
    account_version: entry.accountVersion,
    balance_after: decimalOf(entry.balanceAfter, transaction),
  }))
}

/** The states a transaction has been in, with their times; it moves forward only, so its own times tell. */
function historyJson(transaction: TransactionRecord): TransactionJson['status_history'] {
  const queuedAt = transaction.place === null ? null : transaction.createdAt
  const times = {
    queued: queuedAt,
    posted: transaction.postedAt,
    failed: transaction.failedAt,
    canceled: transaction.canceledAt,
  }
  return transactionStatuses.flatMap((status) => {
    const at = times[status]
    return at === null ? [] : [{ status, at: timeJson(at) }]
  })
}

function decimalOf(units: MinorUnits, transaction: TransactionRecord): string {
  if (transaction.exponent === null) throw new Error('a posted transaction has no exponent')
  return formatMinorUnits(units, transaction.exponent)
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeJson(ms)
}
