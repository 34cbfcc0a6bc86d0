import type { ProblemCode } from '../../../shared/wire/problems.ts'

/** What a client does about an error, and what the answer says besides the members that every problem has. */
export interface ProblemAdvice {
  readonly advice: string
  /** Names of typed details; a question mark marks one that is not always there. */
  readonly details: readonly string[]
}

const refusedAmount = ['errors?', 'position?', 'transaction_id?']
const refusedAccount = ['account_id', 'transaction_id?']

/** Advice for every code. Written for the person who reads the client's log. */
export const problemAdvice = {
  invalid_request: say('Correct the places that `errors` names.', ['errors?']),
  malformed_json: say(
    'Send one JSON object in UTF-8, each member once; `detail` says what is wrong.',
  ),
  unauthenticated: say(
    'Send `Authorization: Bearer …` with a key (`npm run keys`) or a token that is still good.',
  ),
  forbidden: say('Use a credential whose role opens it; `needed` says which.', [
    'role?',
    'needed?',
  ]),
  not_found: say('Check the id: it is none, or nothing of this ledger has it.'),
  route_not_found: say('Check the address against `/openapi.json`.'),
  method_not_allowed: say('Use a method that the header `Allow` names.'),
  request_timeout: say('Send the whole request at once; repeat it.'),
  code_taken: say('Choose another `code`, or find the account that has it with `?code=`.'),
  currency_taken: say('A currency never changes its exponent: register another code.'),
  account_closed: say('Open another account: closed is for good.'),
  account_not_empty: say(
    'Resolve what `blockers` names (`balance`, `holds`, `queued`), then close.',
    ['blockers', 'balance', 'available'],
  ),
  books_stay_closed: say('Close the books until a later time, or leave them as they are.', [
    'books_closed_until',
  ]),
  already_posted: say('Post a transaction that reverses it.'),
  already_failed: say('Nothing moved and nothing will; to try again, post with a new key.'),
  already_canceled: say('Nothing moved and nothing will; to try again, post with a new key.'),
  already_held: say('Void the hold instead.'),
  not_a_hold: say('Check the id; a hold that is still queued must be placed first.', [
    'target_status',
    'transaction_id?',
  ]),
  not_reversible: say('Check the id. A reversal is undone by posting the payment again.', [
    'target_status',
    'transaction_id?',
  ]),
  hold_already_captured: say('Nothing remains of it. Place another hold.', ['transaction_id?']),
  hold_already_voided: say('Nothing remains of it. Place another hold.', ['transaction_id?']),
  hold_expired: say('The money is free again. Place another hold.', ['transaction_id?']),
  already_reversed: say('There is nothing left to reverse.', ['transaction_id?']),
  in_atomic_batch: say('Cancel the batch: `POST /api/v1/batches/{batch_id}/cancel`.', ['batch_id']),
  batch_ended: say('Read the batch: each of its members says how it has ended.'),
  not_parked: say('Read the transaction again: somebody else has resolved it.'),
  events_gone: say(
    'Begin with `after=now`, and read anew what you keep of accounts and transactions.',
    ['reason'],
  ),
  webhook_limit: say('Remove endpoints that nobody needs.'),
  body_too_large: say('Send at most 1 MiB, or 4 MiB of a batch: fewer entries, less metadata.'),
  uri_too_long: say('Send at most 8,192 characters of address; ids are UUIDs.'),
  unsupported_media_type: say('Send `Content-Type: application/json`, and no `Content-Encoding`.'),
  rate_limited: say('Wait for `Retry-After`, then repeat with the same key, and more slowly.'),
  headers_too_large: say('Send at most 16 KiB of headers.'),
  idempotency_key_reused: say('A retry must repeat its body. For a new payment, use a new key.', [
    'differing_fields',
    'transaction_id?',
  ]),
  batch_failed: say(
    'Nothing was done. Correct the member of `items` that has a problem of its own, then send the batch again.',
    ['mode', 'posted', 'failed', 'items'],
  ),
  currency_unknown: say('Use a code of ISO 4217, in capitals, or register the currency first.', [
    'errors?',
    'position?',
    'transaction_id?',
  ]),
  amount_not_positive: say(
    'Send an amount above zero; swap the directions instead of a sign.',
    refusedAmount,
  ),
  amount_scale: say(
    "Round to the currency's decimals before sending: we never round.",
    refusedAmount,
  ),
  amount_too_large: say('Keep amounts, sums and running totals within 38 digits.', [
    'errors?',
    'position?',
    'account_id?',
    'transaction_id?',
  ]),
  unbalanced: say('Make debits and credits equal, in each currency.', [
    'currency',
    'debits',
    'credits',
    'transaction_id?',
  ]),
  single_account: say('Name at least two accounts.', refusedAccount),
  books_closed: say('Post with a later `effective_at`, or without one.', [
    'effective_at',
    'books_closed_until',
    'transaction_id?',
  ]),
  expiry_out_of_range: say('Choose an end that is in the future when the hold is placed.', [
    'transaction_id?',
  ]),
  account_not_found: say('Open the account first, or correct the id.', refusedAccount),
  account_not_active: say('Make a frozen account active, or use another.', [
    'account_id',
    'account_status',
    'transaction_id?',
  ]),
  currency_mismatch: say("Post in the account's currency, or use another account.", [
    'account_id',
    'currency',
    'transaction_id?',
  ]),
  condition_failed: say('Read the account again; `condition` says which one failed.', [
    'account_id',
    'condition',
    'actual',
    'position',
    'errors',
    'transaction_id?',
  ]),
  insufficient_funds: say(
    '`shortfall` is what is missing above the floor. Bring money in, then post with a new key.',
    ['account_id', 'available', 'required', 'shortfall', 'version', 'transaction_id?'],
  ),
  amount_ambiguous: say('Give `entries` instead of `amount`.', ['transaction_id?']),
  hold_exceeded: say('Capture at most `remaining`.', [
    'requested',
    'remaining',
    'position?',
    'errors?',
    'transaction_id?',
  ]),
  reversal_exceeds_remaining: say('Reverse at most `remaining`.', [
    'requested',
    'remaining',
    'position?',
    'errors?',
    'transaction_id?',
  ]),
  batch_aborted: say(
    'Nothing is wrong with it: `culprit` is the index of the one that was refused. If it has a `transaction_id`, it was queued: use a new key.',
    ['culprit', 'batch_id?', 'transaction_id?'],
  ),
  refused_by_operator: say('Ask the operator; to try again, post with a new key.', [
    'reason',
    'transaction_id?',
  ]),
  webhook_target_refused: say(
    'Use a public address; an operator allows others with `WEBHOOK_ALLOW_PRIVATE`. `reason` says what is wrong with it.',
    ['reason'],
  ),
  internal_error: say('A defect of ours. Tell the operator the `x-request-id` of the answer.'),
  store_unavailable: say('Wait for `Retry-After`, then repeat with the same key.'),
  outcome_unknown: say(
    'Repeat with the same key until there is an answer: it cannot happen twice. An account has no key: give it a `code`, and `code_taken` says that it is there.',
  ),
  queue_full: say('Wait for `Retry-After`, then repeat with the same key, and more slowly.'),
  token_keys_unavailable: say(
    'Wait for `Retry-After`, then repeat. A key of this service is not affected.',
  ),
  queue_board_unavailable: say(
    'Wait for Redis. `/api/v1/queue` tells what waits: it is in the database.',
  ),
  overloaded: say('Wait for `Retry-After`, then repeat with the same key, and more slowly.'),
} as const satisfies Record<ProblemCode, ProblemAdvice>

function say(advice: string, details: readonly string[] = []): ProblemAdvice {
  return { advice, details }
}
