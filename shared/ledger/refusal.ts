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
  'account_not_found',
  'account_not_active',
  'currency_mismatch',
  'insufficient_funds',
  'refused_by_operator',
] as const
export type RefusalCode = (typeof refusalCodes)[number]

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
