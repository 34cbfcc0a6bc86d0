import type { RequestedEntry } from '../ledger/command.ts'
import type { Currency } from '../ledger/currency.ts'
import type { PostedEntry } from '../ledger/decide.ts'
import type { MinorUnits } from '../ledger/money.ts'
import type { Refusal } from '../ledger/refusal.ts'
import type { SpecialWish } from '../ledger/special-wish.ts'
import type { TransactionStatus } from '../ledger/transaction.ts'
import type { Traced } from './traced.ts'

/** The caller's own names and values on an object; flat. */
export type Metadata = Readonly<Record<string, string>>

/** What the client says of a transaction besides its money; the ledger stores it and judges none of it. */
export interface TransactionNotes {
  readonly reference: string | null
  readonly description: string | null
  readonly metadata: Metadata
  /** Milliseconds since 1970; null when the client left it to the time of posting. */
  readonly effectiveAt: number | null
  readonly orderingKey: string | null
}

/** A transaction as it is stored: one row for life and, once posted, its entries. Times are ms since 1970. */
export interface TransactionRecord extends TransactionNotes, Traced {
  readonly id: string
  readonly ledgerId: number
  readonly status: TransactionStatus
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
  readonly currency: string
  /** The currency's decimals; null when the currency is not known to the ledger. */
  readonly exponent: number | null
  /** The currency of each entry by position; null when all are in the transaction's. */
  readonly currencies: readonly Currency[] | null
  /** What was asked for beyond posting its entries at once; null for a plain post. */
  readonly wish: SpecialWish | null
  /** The transaction that this one reverses, and the hold that it captures. */
  readonly reversalOf: string | null
  readonly holdId: string | null
  readonly createdAt: number
  readonly postedAt: number | null
  readonly failedAt: number | null
  readonly canceledAt: number | null
  /** When the money of a hold was set aside, when the hold ends by itself, and when it has ended. */
  readonly heldAt: number | null
  readonly expiresAt: number | null
  readonly resolvedAt: number | null
  /** How much of each entry, by position, has been captured (of a hold) or reversed; null when nothing has. */
  readonly resolved: readonly MinorUnits[] | null
  readonly failure: Refusal | null
  /** The place in the queue that an asynchronous transaction got when it was accepted, for life. */
  readonly place: QueuePlace | null
  /**
   * What was asked for; empty once posted, when `entries` has it. A hold keeps them for life: it has no others. Of a capture or
   * reversal that named no entries it is what it would have moved as things stood when it was asked for.
   */
  readonly requestedEntries: readonly RequestedEntry[]
  /** The entries, in the order given; empty until posted. */
  readonly entries: readonly PostedEntry[]
}

/** A slot of the queue and the position within it. */
export interface QueuePlace {
  readonly slot: number
  readonly sequence: number
}
