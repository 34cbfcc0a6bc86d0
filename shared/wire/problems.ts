import type { UnavailableCode } from '../engine/store-failure.ts'
import type { RefusalCode } from '../ledger/refusal.ts'

/** What is fixed about an error: its HTTP status, its title, and whether the same request may succeed later. */
interface ProblemKind {
  readonly status: number
  readonly title: string
  readonly retryable: boolean
}

/** Codes that are neither refusals of the ledger nor failures of the engine. */
type BorderCode =
  | 'invalid_request'
  | 'malformed_json'
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found'
  | 'route_not_found'
  | 'method_not_allowed'
  | 'request_timeout'
  | 'code_taken'
  | 'currency_taken'
  | 'account_closed'
  | 'account_not_empty'
  | 'books_stay_closed'
  | 'already_posted'
  | 'already_failed'
  | 'already_canceled'
  | 'already_held'
  | 'not_parked'
  | 'webhook_limit'
  | 'webhook_target_refused'
  | 'queue_full'
  | 'rate_limited'
  | 'token_keys_unavailable'
  | 'queue_board_unavailable'
  | 'body_too_large'
  | 'uri_too_long'
  | 'headers_too_large'
  | 'unsupported_media_type'
  | 'idempotency_key_reused'
  | 'batch_failed'
  | 'in_atomic_batch'
  | 'batch_ended'
  | 'events_gone'
  | 'internal_error'

/** Every error code of the API. Stable and public: clients branch on it. */
export type ProblemCode = BorderCode | RefusalCode | UnavailableCode

/** All error codes in one total table: a new code does not compile until someone decides its status. */
export const problems = {
  invalid_request: final(400, 'The request does not have the required form'),
  malformed_json: final(400, 'The body is not the JSON that this service accepts'),
  unauthenticated: final(401, 'The request shows no valid credential'),
  forbidden: final(403, 'The credential does not open this'),
  not_found: final(404, 'There is nothing at this address'),
  route_not_found: final(404, 'There is no such route'),
  method_not_allowed: final(405, 'The route does not take this method'),
  request_timeout: retryable(408, 'The request took too long to arrive'),
  code_taken: final(409, 'Another account of the ledger has this code'),
  currency_taken: final(409, 'The currency is known already, with another exponent'),
  account_closed: final(409, 'The account is closed and cannot be changed'),
  account_not_empty: final(
    409,
    'Only an account without balance and holds, and for which nothing is queued, can be closed',
  ),
  books_stay_closed: final(409, 'Books that are closed stay closed: the time only moves forward'),
  already_posted: final(409, 'The transaction is posted and can no longer be changed'),
  already_failed: final(409, 'The transaction has failed and can no longer be changed'),
  already_canceled: final(409, 'The transaction is canceled and can no longer be changed'),
  already_held: final(
    409,
    'The money is set aside: the transaction is a hold and no longer queued',
  ),
  not_a_hold: final(409, 'The transaction is not a hold that money was set aside for'),
  not_reversible: final(
    409,
    'Only a posted transaction that is no reversal itself can be reversed',
  ),
  hold_already_captured: final(409, 'The hold is captured'),
  hold_already_voided: final(409, 'The hold is voided'),
  hold_expired: final(409, 'The time of the hold is over'),
  already_reversed: final(409, 'All of the transaction has been reversed'),
  in_atomic_batch: final(409, 'The transaction is part of an atomic batch, which ends as a whole'),
  batch_ended: final(409, 'Nothing of the batch is queued any more'),
  not_parked: final(409, 'The transaction is not parked'),
  events_gone: final(410, 'The place of this cursor among the events is gone'),
  webhook_limit: final(409, 'The ledger has as many webhook endpoints as it may have'),
  body_too_large: final(413, 'The body is larger than the service accepts'),
  uri_too_long: final(414, 'The address is longer than the service accepts'),
  unsupported_media_type: final(415, 'The body must be application/json in UTF-8, not encoded'),
  rate_limited: retryable(429, 'There were too many requests in this minute; nothing was done'),
  headers_too_large: final(431, 'The headers are larger than the service accepts'),
  idempotency_key_reused: final(422, 'The idempotency key was used with another body'),
  batch_failed: final(422, 'A transaction of the atomic batch was refused, so none of it was done'),

  currency_unknown: final(422, 'The ledger does not know the currency'),
  amount_not_positive: final(422, 'An amount must be greater than zero'),
  amount_scale: final(422, 'An amount has more decimals than its currency'),
  amount_too_large: final(422, 'An amount or total has more than 38 digits'),
  unbalanced: final(422, 'Debits and credits are not equal'),
  single_account: final(422, 'All entries are on one account'),
  books_closed: final(422, 'The transaction would take effect in books that are closed'),
  expiry_out_of_range: final(422, 'A hold must end in the future, within 366 days'),
  account_not_found: final(422, 'An entry names an account that does not exist'),
  account_not_active: final(422, 'An entry names an account that is frozen or closed'),
  currency_mismatch: final(422, 'An entry names an account in another currency'),
  condition_failed: final(422, 'An account does not meet a condition of the request'),
  insufficient_funds: final(422, 'The transaction would take an account below its limit'),
  amount_ambiguous: final(422, 'One amount cannot say what is meant in several currencies'),
  hold_exceeded: final(422, 'More would be captured than remains of the hold'),
  reversal_exceeds_remaining: final(422, 'More would be reversed than remains of the transaction'),
  batch_aborted: final(422, 'Another transaction of the atomic batch was refused'),
  refused_by_operator: final(422, 'An operator has refused the transaction'),

  webhook_target_refused: final(422, 'Webhooks may not be sent to this address'),

  internal_error: final(500, 'The service failed'),
  store_unavailable: retryable(503, 'The database cannot be reached; nothing was done'),
  outcome_unknown: retryable(
    503,
    'It is not known whether this was done; repeat it with the same key',
  ),
  queue_full: retryable(503, 'The queue is as long as it may be; nothing was done'),
  token_keys_unavailable: retryable(503, 'The keys that tokens are signed with cannot be fetched'),
  queue_board_unavailable: retryable(503, 'Redis is away; nothing is lost, only the board is dark'),
  overloaded: retryable(503, 'The service has more work than it can take; nothing was done'),
} as const satisfies Record<ProblemCode, ProblemKind>

/** All codes, for the documentation and the tests that hold it to them. */
export const problemCodes = Object.keys(problems) as ProblemCode[]

/** One thing that is wrong with a request, and where. */
export interface ProblemPart {
  /** The place in the body as names and positions joined by `/`; `query/…`, `headers/…` for the other parts. */
  readonly pointer: string
  readonly detail: string
}

/** What a problem says besides its code. */
export interface ProblemContent {
  readonly detail?: string
  /** The address of this occurrence. */
  readonly instance?: string
  readonly errors?: readonly ProblemPart[]
  /** Typed details: named by the code's documentation. */
  readonly details?: Readonly<Record<string, unknown>>
  readonly retryAfterS?: number
  /** The methods that the route does take. */
  readonly allow?: string
}

/** An answer that is an error, thrown to the one place that writes it. */
export class Problem extends Error {
  readonly code: ProblemCode
  readonly content: ProblemContent

  constructor(code: ProblemCode, content: ProblemContent = {}, cause?: unknown) {
    super(problems[code].title, cause === undefined ? undefined : { cause })
    this.name = 'Problem'
    this.code = code
    this.content = content
  }

  get status(): number {
    return problems[this.code].status
  }
}

/** The body of an error answer. Source: RFC 9457. */
export function problemJson(problem: Problem, instance: string): Record<string, unknown> {
  const kind = problems[problem.code]
  const { content } = problem
  return {
    type: `/errors#${problem.code}`,
    title: kind.title,
    status: kind.status,
    detail: content.detail ?? kind.title,
    instance: content.instance ?? instance,
    code: problem.code,
    retryable: kind.retryable,
    ...(content.errors === undefined ? {} : { errors: content.errors }),
    ...content.details,
  }
}

function final(status: number, title: string): ProblemKind {
  return { status, title, retryable: false }
}

function retryable(status: number, title: string): ProblemKind {
  return { status, title, retryable: true }
}
