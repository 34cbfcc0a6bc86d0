/**
 * Everything a transaction can be refused for on its merits, in the public order of judgement: a request with
 * several faults always reports the first one of this list, so clients, both stores and both modes agree.
 */
export const refusalCodes = [
  'currency_unknown',
  'amount_not_positive',
  'amount_scale',
  'amount_too_large',
  'unbalanced',
  'single_account',
  'books_closed',
  'expiry_out_of_range',
  'account_not_found',
  'account_not_active',
  'currency_mismatch',
  'condition_failed',
  'insufficient_funds',
  'batch_aborted',
  'refused_by_operator',
] as const

/**
 * What a capture, a reversal or a change of a hold can be refused for besides, in the public order: the first before the amounts
 * are looked at together, the others after all that is wrong by itself and before the accounts are judged.
 */
export const targetRefusalCodes = [
  'amount_ambiguous',
  'not_a_hold',
  'not_reversible',
  'hold_already_captured',
  'hold_already_voided',
  'hold_expired',
  'already_reversed',
  'hold_exceeded',
  'reversal_exceeds_remaining',
] as const
export type RefusalCode = (typeof refusalCodes)[number] | (typeof targetRefusalCodes)[number]

/**
 * A no on merits: a value, final, stored under the idempotency key. `details` is what the client is told besides
 * the code, in the words and decimal strings of the API, so that a replay years later says the same.
 */
export interface Refusal {
  readonly code: RefusalCode
  readonly details: Readonly<Record<string, string | number>>
}

/** Makes a refusal. */
export function refuse(code: RefusalCode, details: Refusal['details'] = {}): Refusal {
  return { code, details }
}
