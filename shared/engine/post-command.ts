import type { Pricing, RequestedEntry } from '../ledger/command.ts'
import type { TransactionNotes, TransactionRecord } from './transaction-record.ts'

/** The wish to post one transaction, parsed and judged by itself. */
export interface PostCommand extends TransactionNotes {
  /** Given before the first try and kept through all of them, so that a second try can find the first. */
  readonly transactionId: string
  readonly ledgerId: number
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
  readonly currency: string
  readonly exponent: number | null
  readonly requestedEntries: readonly RequestedEntry[]
  readonly pricing: Pricing
}

/** The answer to a command, after it is durable. */
export type PostOutcome =
  /** New, as it was just written: `posted`, or `failed` when it was refused and has a key. */
  | { readonly kind: 'written'; readonly transaction: TransactionRecord }
  /** Refused on merits without a key: nothing was stored. */
  | { readonly kind: 'refused'; readonly refusal: NonNullable<TransactionRecord['failure']> }
  /** Stands already: the same key and content came before, or an earlier try of ours got through. */
  | { readonly kind: 'standing'; readonly transactionId: string; readonly replayed: boolean }
  /** The key names a transaction of other content. */
  | { readonly kind: 'key_reused'; readonly transactionId: string }
