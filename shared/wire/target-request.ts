import { z } from 'zod'
import { newId } from '../engine/new-id.ts'
import { expiryCommand, type HoldCommand, type PostCommand } from '../engine/post-command.ts'
import { targetOf } from '../engine/target-of.ts'
import type { TransactionRecord } from '../engine/transaction-record.ts'
import {
  canonicalAmount,
  canonicalEntries,
  type Priced,
  type RequestedEntry,
} from '../ledger/command.ts'
import type { Currencies } from '../ledger/currency.ts'
import { formatMinorUnits, parseDecimal } from '../ledger/money.ts'
import { mirrored, movedBy, sharedOut } from '../ledger/part-of-target.ts'
import { pricePart } from '../ledger/price-part.ts'
import type {
  CaptureWish,
  HoldChangeWish,
  ReversalWish,
  WishedPart,
} from '../ledger/special-wish.ts'
import { remainingOf } from '../ledger/target.ts'
import { amount, idempotencyKey, line } from './fields.ts'
import { contentOfChange, fingerprintOf } from './fingerprint.ts'
import { entriesRequest, notesRequest, requestedEntriesOf } from './transaction-request.ts'
import { holdTerms, withExpiry } from './wish-fields.ts'

const partFields = {
  amount: amount.nullish().meta({
    description:
      'The sum of one side. Over more than two entries it is shared in proportion to what remains of each, by largest remainder.',
    example: '7.00',
  }),
  entries: entriesRequest.nullish(),
}

const notBoth = { error: 'must not come together with amount', path: ['entries'] }

function partNotBoth(body: { amount?: unknown; entries?: unknown }): boolean {
  return body.amount == null || body.entries == null
}

/** The body that captures a hold; without `amount` and `entries`, all that remains. */
export const captureRequest = z
  .strictObject({
    ...partFields,
    final: z.boolean().default(true).meta({
      description: 'Whether what is left is released. With false the hold stays open for more.',
    }),
    ...notesRequest,
  })
  .refine(partNotBoth, notBoth)
  .prefault({})
  .meta({ id: 'CaptureRequest', examples: [{ amount: '7.00', final: false }] })
export type CaptureRequest = z.output<typeof captureRequest>

/** The body that reverses a transaction; without `amount` and `entries`, all that remains. */
export const reversalRequest = z
  .strictObject({
    ...partFields,
    reason: line(500).meta({ description: 'Kept with the reversal.', example: 'Goods returned.' }),
    ...notesRequest,
  })
  .refine(partNotBoth, notBoth)
  .meta({ id: 'ReversalRequest', examples: [{ amount: '7.00', reason: 'Goods returned.' }] })
export type ReversalRequest = z.output<typeof reversalRequest>

/** The body that voids a hold. */
export const voidRequest = z
  .strictObject({ idempotency_key: idempotencyKey.nullish() })
  .prefault({})
  .meta({ id: 'VoidRequest', examples: [{ idempotency_key: 'void-order-4711' }] })
export type VoidRequest = z.output<typeof voidRequest>

/** The body that gives a hold another end. */
export const extendRequest = withExpiry({ idempotency_key: idempotencyKey.nullish() }).meta({
  id: 'ExtendRequest',
  examples: [{ expires_in: 604_800 }],
})
export type ExtendRequest = z.output<typeof extendRequest>

/** Turns a body into the command to capture a hold, which was read before: what it is made of never changes. */
export function captureCommand(
  hold: TransactionRecord,
  request: CaptureRequest,
  key: string | null,
  known: Currencies,
): PostCommand {
  const wish = {
    kind: 'capture',
    target: hold.id,
    part: wishedPart(hold, request, known),
    final: request.final,
  } as const
  return partCommand(hold, wish, request, key, known)
}

/** Turns a body into the command to reverse a transaction, which was read before: what it moved never changes. */
export function reversalCommand(
  original: TransactionRecord,
  request: ReversalRequest,
  key: string | null,
  known: Currencies,
): PostCommand {
  const wish = {
    kind: 'reversal',
    target: original.id,
    part: wishedPart(original, request, known),
    reason: request.reason,
  } as const
  return partCommand(original, wish, request, key, known)
}

/** The command to void a hold. */
export function voidCommand(hold: TransactionRecord, key: string | null): HoldCommand {
  return changeCommand(hold, { kind: 'void', target: hold.id }, key)
}

/** The command to give a hold another end. */
export function extendCommand(
  hold: TransactionRecord,
  request: ExtendRequest,
  key: string | null,
): HoldCommand {
  return changeCommand(hold, { kind: 'extend', target: hold.id, terms: holdTerms(request) }, key)
}

function changeCommand(
  hold: TransactionRecord,
  wish: HoldChangeWish,
  idempotencyKey: string | null,
): HoldCommand {
  const fingerprint = idempotencyKey === null ? null : fingerprintOf(contentOfChange(wish))
  return { ...expiryCommand(hold), wish, idempotencyKey, fingerprint }
}

/** Every currency that the entries of such a request name besides the target's own. */
export function partCurrencyCodesOf(
  target: TransactionRecord,
  { entries }: Pick<CaptureRequest, 'entries'>,
): string[] {
  return [target.currency, ...(entries ?? []).flatMap((entry) => entry.currency ?? [])]
}

function wishedPart(
  target: TransactionRecord,
  request: Pick<CaptureRequest, 'amount' | 'entries'>,
  known: Currencies,
): WishedPart {
  if (request.entries != null) return { of: 'entries' }
  if (request.amount == null) return { of: 'rest' }
  const currency = known.get(target.currency)
  const text = request.amount
  return { of: 'amount', amount: currency === undefined ? text : canonicalAmount(text, currency) }
}

/**
 * It comes behind its target in the queue: with the target's ordering key, or with the account that the target is ordered by.
 */
function partCommand(
  target: TransactionRecord,
  wish: CaptureWish | ReversalWish,
  request: CaptureRequest | ReversalRequest,
  key: string | null,
  known: Currencies,
): PostCommand {
  const own = targetOf(target)
  const given = requestedEntriesOf(request.entries ?? [])
  const pricing = pricePart(wish.part, own, given, known)
  const foreseen = foreseenPart(target, wish.part, pricing.ok)
  const isGiven = wish.part.of === 'entries'
  const firstEntry = target.requestedEntries[0] ?? target.entries[0]
  const content = {
    reference: request.reference ?? null,
    description: request.description ?? null,
    currency: target.currency,
    requestedEntries: isGiven
      ? canonicalEntries({ currency: target.currency, entries: given }, known)
      : requestedOf(foreseen, wish.kind === 'reversal'),
    metadata: request.metadata ?? {},
    effectiveAt: request.effective_at ?? null,
    orderingKey: target.orderingKey ?? firstEntry?.accountId ?? null,
    wish,
  }
  return {
    ...content,
    transactionId: newId(),
    ledgerId: target.ledgerId,
    idempotencyKey: key,
    fingerprint: key === null ? null : fingerprintOf(content),
    exponent: target.exponent,
    pricing: pricing.ok && !isGiven ? { ...pricing, currencies: foreseen.currencies } : pricing,
    otherAccountIds: [...new Set(own.entries.map(({ accountId }) => accountId))],
  }
}

/**
 * What would be moved as things stand: all that remains, or the amount in proportion to the whole. It is what is shown while the
 * command is queued or when it was refused; what is moved is decided under the lock.
 */
function foreseenPart(target: TransactionRecord, part: WishedPart, isSound: boolean): Priced {
  const own = targetOf(target)
  const whole = own.entries.map((entry) => entry.amount)
  if (part.of === 'amount' && isSound && whole.length > 0) {
    return movedBy(own, sharedOut(own, parseDecimal(part.amount, own.currency.exponent), whole))
  }
  const remaining = remainingOf(own)
  return movedBy(own, remaining.some((left) => left > 0n) ? remaining : whole)
}

function requestedOf(foreseen: Priced, isMirrored: boolean): readonly RequestedEntry[] {
  const { currency, currencies } = foreseen
  const entries = isMirrored ? mirrored(foreseen.entries) : foreseen.entries
  return entries.map(({ accountId, direction, amount: units }, position) => {
    const { code, exponent } = currencies?.[position] ?? currency
    const entry = { accountId, direction, amount: formatMinorUnits(units, exponent) }
    return code === currency.code ? entry : { ...entry, currency: code }
  })
}
