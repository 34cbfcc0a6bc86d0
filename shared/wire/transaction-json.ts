import { z } from 'zod'
import { newId } from '../engine/new-id.ts'
import type { PostCommand } from '../engine/post-command.ts'
import type { QueueStanding } from '../engine/queue-store.ts'
import type { QueuePlace, TransactionRecord } from '../engine/transaction-record.ts'
import { directions } from '../ledger/account.ts'
import {
  canonicalEntries,
  entriesMax,
  entriesMin,
  price,
  type RequestedEntry,
} from '../ledger/command.ts'
import type { Currencies, Currency } from '../ledger/currency.ts'
import { formatMinorUnits } from '../ledger/money.ts'
import type { Refusal } from '../ledger/refusal.ts'
import { overrideOf, type SpecialWish } from '../ledger/special-wish.ts'
import { isHoldStatus, transactionStatuses } from '../ledger/transaction.ts'
import {
  amount,
  currencyCode,
  idempotencyKey,
  line,
  metadata,
  metadataFilter,
  time,
  timeJson,
  uuid,
} from './fields.ts'
import { fingerprintOf, type TransactionContent } from './fingerprint.ts'
import { holdBlock, holdBlockSchema, resolvedOfEntry, reversedAmount } from './hold-json.ts'
import { pageParameters } from './paging.ts'
import { problems } from './problems.ts'
import { conditions, hold, holdTerms, override, require } from './wish-fields.ts'

const exampleTime = '2026-01-31T12:00:00.000Z'
const exampleEntries = [
  { account_id: '0198c0de-7a11-7000-8000-00000000ca54', direction: 'debit', amount: '125.00' },
  { account_id: '0198c0de-7a11-7000-8000-00000000a11c', direction: 'credit', amount: '125.00' },
]

/** A payment as the documentation shows it. */
export const exampleRequest = {
  reference: 'order-4711',
  idempotency_key: '7f1c6c0e-order-4711',
  currency: 'USD',
  entries: exampleEntries,
}

/** The same once it is posted. */
export const exampleTransaction = {
  id: '0198c0de-7a11-7000-8000-0000000075ac',
  status: 'posted',
  reference: 'order-4711',
  idempotency_key: '7f1c6c0e-order-4711',
  description: null,
  currency: 'USD',
  entries: exampleEntries.map((entry) => ({
    ...entry,
    currency: 'USD',
    account_version: 1,
    balance_after: '125.00',
  })),
  metadata: {},
  effective_at: exampleTime,
  ordering_key: null,
  created_at: exampleTime,
  posted_at: exampleTime,
  status_history: [{ status: 'posted', at: exampleTime }],
}

const reference = line(255).meta({
  description: "The caller's own name for the payment; need not be unique.",
  example: 'order-4711',
})

/** One entry as a client writes it. */
const entryRequest = z.strictObject({
  account_id: uuid,
  direction: z.enum(directions),
  amount: amount.meta({ example: '125.00' }),
  currency: currencyCode.nullish().meta({ description: "Default: the transaction's." }),
})

/** The entries of a transaction as a client writes them. */
export const entriesRequest = z
  .array(entryRequest)
  .min(entriesMin, `must have at least ${entriesMin} entries`)
  .max(entriesMax, `must have at most ${entriesMax} entries`)

/** What a client may say of a transaction besides its money. */
export const notesRequest = {
  reference: reference.nullish(),
  idempotency_key: idempotencyKey.nullish().meta({
    description: 'May come as the header `Idempotency-Key` instead.',
    example: '7f1c6c0e-order-4711',
  }),
  description: line(1000).nullish(),
  metadata: metadata.nullish(),
  effective_at: time.nullish().meta({ description: 'RFC 3339; default: the time of posting.' }),
}

/** The body that posts a transaction, or holds one. */
export const transactionRequest = z
  .strictObject({
    ...notesRequest,
    currency: currencyCode.nullish().meta({
      description:
        'Of the entries that do not say their own. Debits equal credits in each currency. May be left out when every entry ' +
        'says its own.',
      example: 'USD',
    }),
    entries: entriesRequest,
    ordering_key: line(255).nullish().meta({
      description: "What orders asynchronous work; default: the first entry's account.",
    }),
    hold: hold.nullish(),
    require: require.nullish(),
    override: override.nullish(),
  })
  .refine(
    ({ currency, entries }) => currency != null || entries.every((entry) => entry.currency != null),
    { error: 'is required, unless every entry has one', path: ['currency'] },
  )
  .meta({
    id: 'TransactionRequest',
    examples: [exampleRequest],
  })
export type TransactionRequest = z.output<typeof transactionRequest>

const amountBound = amount.max(60, 'must have at most 60 characters')

/** The query of the transaction list. */
export const transactionQuery = z.strictObject({
  status: z.enum(transactionStatuses).optional(),
  account_id: uuid.optional(),
  reference: reference.optional(),
  metadata: metadataFilter.optional(),
  currency: currencyCode.optional(),
  amount_gte: amountBound.optional().meta({
    description: 'What the transaction debits in `currency`, all entries together: at least this.',
    example: '100.00',
  }),
  amount_lte: amountBound.optional().meta({
    description: 'The same, at most this.',
    example: '125.00',
  }),
  posted_from: time.optional().meta({ description: 'Posted at this time or later.' }),
  posted_to: time.optional().meta({ description: 'Posted before this time.' }),
  effective_from: time.optional().meta({
    description: 'Posted, and taking effect at this time or later.',
  }),
  effective_to: time.optional().meta({
    description: 'Posted, and taking effect before this time.',
  }),
  expires_before: time.optional().meta({ description: 'Holds that end by themselves before.' }),
  expires_after: time
    .optional()
    .meta({ description: 'Holds that end by themselves then or later.' }),
  ...pageParameters,
})

/** Every currency that a request names. */
export function currencyCodesOf({ currency, entries }: TransactionRequest): string[] {
  const own = entries.flatMap((entry) => entry.currency ?? [])
  return currency == null ? own : [currency, ...own]
}

/** The entries of a request as the ledger reads them. */
export function requestedEntriesOf(
  entries: z.output<typeof entriesRequest>,
): readonly RequestedEntry[] {
  return entries.map(({ account_id: accountId, direction, amount: text, currency }) =>
    currency == null
      ? { accountId, direction, amount: text }
      : { accountId, direction, amount: text, currency },
  )
}

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
  const currency = request.currency ?? request.entries[0]?.currency ?? ''
  const asked = { currency, entries: requestedEntriesOf(request.entries) }
  const wish = wishOf(request)
  const content = {
    reference: request.reference ?? null,
    description: request.description ?? null,
    currency,
    requestedEntries: canonicalEntries(asked, currencies),
    metadata: request.metadata ?? {},
    effectiveAt: request.effective_at ?? null,
    orderingKey: request.ordering_key ?? null,
    wish,
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
    wish,
    transactionId: newId(),
    ledgerId,
    idempotencyKey: key,
    fingerprint: key === null ? null : fingerprintOf(content),
    exponent: currencies.get(currency)?.exponent ?? null,
    pricing: price(asked, currencies),
    otherAccountIds: wish === null ? [] : wish.require.map(({ accountId }) => accountId),
  }
}

function wishOf(request: TransactionRequest): Extract<SpecialWish, { require: unknown }> | null {
  const asked = conditions(request.require)
  const reason = request.override?.reason
  const beyond = reason === undefined ? {} : { override: { reason } }
  if (request.hold != null) {
    return { kind: 'hold', terms: holdTerms(request.hold), require: asked, ...beyond }
  }
  return asked.length > 0 || reason !== undefined
    ? { kind: 'post', require: asked, ...beyond }
    : null
}

/** The content of a stored transaction, as it was asked for: what another request's content is compared with. */
export function contentOf(transaction: TransactionRecord): TransactionContent {
  return {
    reference: transaction.reference,
    description: transaction.description,
    currency: transaction.currency,
    requestedEntries:
      transaction.status === 'posted'
        ? transaction.entries.map(({ accountId, direction, amount: units }, position) => {
            const { code, exponent } = currencyAt(transaction, position)
            const entry = { accountId, direction, amount: formatMinorUnits(units, exponent) }
            return code === transaction.currency ? entry : { ...entry, currency: code }
          })
        : transaction.requestedEntries,
    metadata: transaction.metadata,
    effectiveAt: transaction.effectiveAt,
    orderingKey: transaction.orderingKey,
    wish: transaction.wish,
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
        currency: z.string().meta({ example: 'USD' }),
        account_version: z.int().optional(),
        balance_after: decimal.optional(),
        captured_amount: decimal.optional(),
        reversed_amount: decimal.optional(),
      }),
    ),
    metadata: z.record(z.string(), z.string()),
    effective_at: z.iso.datetime().nullable(),
    ordering_key: z.string().nullable(),
    created_at: z.iso.datetime(),
    posted_at: z.iso.datetime().nullable(),
    hold: holdBlockSchema.optional(),
    hold_id: z.uuid().optional().meta({ description: 'The hold that this transaction captures.' }),
    reversal_of: z
      .uuid()
      .optional()
      .meta({ description: 'The transaction that this one reverses.' }),
    reason: z.string().optional().meta({ description: 'Why it reverses.' }),
    reversed_amount: decimal.optional(),
    override: z
      .strictObject({ limits: z.literal(true), reason: z.string() })
      .optional()
      .meta({ description: 'That it was posted or held beyond limits, and why.' }),
    failure: failureJsonSchema.optional(),
    queue: queueBlockSchema.optional(),
    status_history: z.array(
      z.strictObject({ status: z.enum(transactionStatuses), at: z.iso.datetime() }),
    ),
  })
  .meta({
    id: 'Transaction',
    description:
      'Entries of a posted transaction carry `account_version` and `balance_after`, and `reversed_amount` once something of it ' +
      'is reversed; those of a hold carry `captured_amount`. `reversed_amount` of the whole is the sum of one side; over several ' +
      'currencies the entries alone have it.',
    examples: [exampleTransaction],
  })
export type TransactionJson = z.input<typeof transactionJsonSchema>

/** Writes a transaction. */
export function transactionJson(
  transaction: TransactionRecord,
  standing?: QueueStanding,
): TransactionJson {
  const { failure, place, wish } = transaction
  // What only some have is added afterwards: spread into the literal it makes every answer slow to make.
  const json: TransactionJson = {
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
    status_history: historyJson(transaction),
  }
  if (wish !== null || transaction.resolved !== null) Object.assign(json, specialJson(transaction))
  if (failure !== null) {
    const { title } = problems[failure.code]
    json.failure = { code: failure.code, detail: title, ...failure.details }
  }
  if (standing !== undefined && place !== null) json.queue = queueBlock(place, standing)
  return json
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

/** What only holds, captures, reversals and what is reversed have to say. */
function specialJson(transaction: TransactionRecord): Partial<TransactionJson> {
  const block = holdBlock(transaction)
  const reversed = reversedAmount(transaction)
  const { holdId, reversalOf, wish } = transaction
  const beyond = overrideOf(wish)
  return {
    ...(block === undefined ? {} : { hold: block }),
    ...(holdId === null ? {} : { hold_id: holdId }),
    ...(reversalOf === null ? {} : { reversal_of: reversalOf }),
    ...(wish?.kind === 'reversal' ? { reason: wish.reason } : {}),
    ...(reversed === undefined ? {} : { reversed_amount: reversed }),
    ...(beyond === undefined ? {} : { override: { limits: true, reason: beyond.reason } }),
  }
}

/** The place in a body that a refusal speaks of, where it speaks of one of several. */
export function refusalPointer({ code, details }: Refusal): string | undefined {
  const { position } = details
  if (position === undefined) return undefined
  if (code === 'condition_failed') return `require/${position}`
  return `entries/${position}/${code === 'currency_unknown' ? 'currency' : 'amount'}`
}

function entriesJson(transaction: TransactionRecord): TransactionJson['entries'] {
  if (transaction.status !== 'posted') {
    return transaction.requestedEntries.map((entry, position) => ({
      account_id: entry.accountId,
      direction: entry.direction,
      amount: entry.amount,
      currency: entry.currency ?? transaction.currency,
      ...(isHoldStatus(transaction.status)
        ? resolvedOfEntry(transaction, position, currencyAt(transaction, position).exponent)
        : {}),
    }))
  }
  return transaction.entries.map((entry, position) => {
    const { code, exponent } = currencyAt(transaction, position)
    const written = {
      account_id: entry.accountId,
      direction: entry.direction,
      amount: formatMinorUnits(entry.amount, exponent),
      currency: code,
      account_version: entry.accountVersion,
      balance_after: formatMinorUnits(entry.balanceAfter, exponent),
    }
    return transaction.resolved === null
      ? written
      : { ...written, ...resolvedOfEntry(transaction, position, exponent) }
  })
}

/** The states a transaction has been in, with their times; it moves forward only, so its own times tell. */
function historyJson(transaction: TransactionRecord): TransactionJson['status_history'] {
  const { status: now, resolvedAt } = transaction
  const times = {
    queued: transaction.place === null ? null : transaction.createdAt,
    held: transaction.heldAt,
    posted: transaction.postedAt,
    failed: transaction.failedAt,
    canceled: transaction.canceledAt,
    captured: now === 'captured' ? resolvedAt : null,
    voided: now === 'voided' ? resolvedAt : null,
    expired: now === 'expired' ? resolvedAt : null,
  }
  const history: TransactionJson['status_history'] = []
  for (const status of transactionStatuses) {
    const at = times[status]
    if (at !== null) history.push({ status, at: timeJson(at) })
  }
  return history
}

/** The currency of an entry of a transaction whose currencies are known. */
function currencyAt(transaction: TransactionRecord, position: number): Currency {
  const { currencies, currency: code, exponent } = transaction
  const own = currencies?.[position]
  if (own !== undefined) return own
  if (exponent === null) throw new Error('a transaction that was let through has no exponent')
  return { code, exponent }
}

function timeOrNull(ms: number | null): string | null {
  return ms === null ? null : timeJson(ms)
}
