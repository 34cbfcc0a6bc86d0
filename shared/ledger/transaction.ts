/**
 * The states of a transaction. `queued` ends in `posted`, `failed` or `canceled`; a synchronous transaction is born
 * `posted`, or `failed` when it is refused and has an idempotency key.
 */
export const transactionStatuses = ['queued', 'posted', 'failed', 'canceled'] as const
export type TransactionStatus = (typeof transactionStatuses)[number]
