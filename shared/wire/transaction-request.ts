import { z } from 'zod'
import { newId } from '../engine/new-id.ts'
import type { PostCommand } from '../engine/post-command.ts'
import { directions } from '../ledger/account.ts'
import {
  canonicalEntries,
  entriesMax,
  entriesMin,
  price,
  type RequestedEntry,
} from '../ledger/command.ts'
import type { Currencies } from '../ledger/currency.ts'
import type { SpecialWish } from '../ledger/special-wish.ts'
import { transactionStatuses } from '../ledger/transaction.ts'
import {
  amount,
  currencyCode,
  idempotencyKey,
  line,
  metadata,
  metadataFilter,
  time,
  uuid,
} from './fields.ts'
import { fingerprintOf } from './fingerprint.ts'
import { pageParameters } from './paging.ts'
import { conditions, hold, holdTerms, override, require } from './wish-fields.ts'

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
