/**
 * The states of a transaction. `queued` ends in `posted`, `held`, `failed` or `canceled`; a synchronous transaction is born
 * `posted` or `held`, or `failed` when it is refused and has an idempotency key. A hold is `held` until it is
 * `captured`, `voided` or `expired`.
 */
export const transactionStatuses = [
  'queued',
  'held',
  'posted',
  'failed',
  'canceled',
  'captured',
  'voided',
  'expired',
] as const
export type TransactionStatus = (typeof transactionStatuses)[number]

/** The states of a hold that was placed: money set aside, or how that ended. */
export const holdStatuses = ['held', 'captured', 'voided', 'expired'] as const
export type HoldStatus = (typeof holdStatuses)[number]

/** Whether a transaction in this state is a hold that was placed, whatever has become of it. */
export function isHoldStatus(status: TransactionStatus): status is HoldStatus {
  return (holdStatuses as readonly TransactionStatus[]).includes(status)
}
