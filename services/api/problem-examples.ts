import {
  Problem,
  problemJson,
  problems,
  type ProblemCode,
  type ProblemContent,
} from '../../shared/wire/problems.ts'

const accountId = '0198c0de-7a11-7000-8000-00000000a11c'
const transactionId = '0198c0de-7a11-7000-8000-0000000075ac'

function partAt(pointer: string, detail: string): ProblemContent {
  return { detail: `${pointer} ${detail}`, errors: [{ pointer, detail }] }
}

function amountFault(code: 'amount_not_positive' | 'amount_scale' | 'amount_too_large') {
  const errors = [{ pointer: 'entries/0/amount', detail: problems[code].title }]
  return { errors, details: { position: 0 } }
}

function member(index: number, status: string, problem: Problem): object {
  return { index, status, problem: problemJson(problem, '/api/v1/transactions/batch') }
}

/** What the codes that say more than their title say, as the documentation shows it. */
const contents: Partial<Record<ProblemCode, ProblemContent>> = {
  invalid_request: partAt('entries/0/amount', 'must be a plain decimal, such as "125.00"'),
  malformed_json: { detail: 'The body is not valid JSON: it ends too early.' },
  unauthenticated: { detail: 'The credential is not valid, or no longer.' },
  forbidden: { details: { role: 'viewer', needed: 'poster' } },
  account_not_empty: {
    details: { blockers: ['balance', 'queued'], balance: '125.00', available: '125.00' },
  },
  books_stay_closed: { details: { books_closed_until: '2026-01-31T23:59:59.999Z' } },
  idempotency_key_reused: {
    detail: 'The key belongs to a transaction with another body. Use a new key for a new payment.',
    details: { differing_fields: ['entries'], transaction_id: transactionId },
  },
  batch_failed: {
    details: {
      mode: 'atomic',
      posted: 0,
      failed: 2,
      items: [
        member(0, 'aborted', new Problem('batch_aborted', { details: { culprit: 1 } })),
        member(
          1,
          'failed',
          new Problem('account_not_found', { details: { account_id: accountId } }),
        ),
      ],
    },
  },
  in_atomic_batch: { details: { batch_id: '0198c0de-7a11-7000-8000-00000000ba7c' } },
  events_gone: {
    detail: 'Events behind this cursor are older than is kept, and are forgotten.',
    details: { reason: 'forgotten' },
  },
  batch_aborted: { details: { culprit: 1 } },
  amount_not_positive: amountFault('amount_not_positive'),
  amount_scale: amountFault('amount_scale'),
  amount_too_large: amountFault('amount_too_large'),
  unbalanced: { details: { currency: 'USD', debits: '125.00', credits: '124.99' } },
  single_account: { details: { account_id: accountId } },
  books_closed: {
    details: {
      effective_at: '2026-01-31T12:00:00.000Z',
      books_closed_until: '2026-01-31T23:59:59.999Z',
    },
  },
  account_not_found: { details: { account_id: accountId } },
  account_not_active: { details: { account_id: accountId, account_status: 'frozen' } },
  currency_mismatch: { details: { account_id: accountId, currency: 'EUR' } },
  condition_failed: {
    errors: [{ pointer: 'require/0', detail: problems.condition_failed.title }],
    details: { position: 0, account_id: accountId, condition: 'available', actual: '100.00' },
  },
  not_a_hold: { details: { target_status: 'posted' } },
  not_reversible: { details: { target_status: 'failed' } },
  hold_exceeded: { details: { requested: '7.00', remaining: '2.00' } },
  reversal_exceeds_remaining: { details: { requested: '7.00', remaining: '2.00' } },
  webhook_target_refused: { details: { reason: 'private_address' } },
  insufficient_funds: {
    details: {
      account_id: accountId,
      available: '100.00',
      required: '125.00',
      shortfall: '25.00',
      version: 7,
    },
  },
}

/** The body of an error as the documentation shows it. */
export function problemExample(code: ProblemCode): Record<string, unknown> {
  return problemJson(new Problem(code, contents[code] ?? {}), '/')
}
