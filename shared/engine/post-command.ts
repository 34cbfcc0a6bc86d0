import type { Pricing, RequestedEntry } from '../ledger/command.ts'
import type { HoldChangeWish, SpecialWish } from '../ledger/special-wish.ts'
import type { Witness } from './audit-record.ts'
import type { HoldChangeRecord } from './hold-change-record.ts'
import { newId } from './new-id.ts'
import type { Traced } from './traced.ts'
import type { TransactionNotes, TransactionRecord } from './transaction-record.ts'

/** What is asked by somebody, and is to be recorded with what it does. */
interface Asked {
  witness?: Witness
}

/** The wish to make one transaction, parsed and judged by itself: to post, hold, capture or reverse. */
export interface PostCommand extends TransactionNotes, Asked, Traced {
  /** Given before the first try and kept through all of them, so that a second try can find the first. */
  readonly transactionId: string
  readonly ledgerId: number
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
  readonly currency: string
  readonly exponent: number | null
  readonly requestedEntries: readonly RequestedEntry[]
  readonly pricing: Pricing
  /** What is asked for beyond posting the entries at once; null for a plain post. */
  readonly wish: SpecialWish | null
  /** Accounts to lock besides those of the priced entries: of conditions, and of the transaction that it is about. */
  readonly otherAccountIds: readonly string[]
}

/** The wish to void, extend or end a hold, which makes no transaction of its own. */
export interface HoldCommand extends Asked, Traced {
  readonly wish: HoldChangeWish | { readonly kind: 'expire'; readonly target: string }
  /** The id of the record of the change, kept through all tries. */
  readonly changeId: string
  readonly ledgerId: number
  readonly idempotencyKey: string | null
  readonly fingerprint: string | null
  /** The accounts of the hold. */
  readonly accountIds: readonly string[]
}

/** The same command, with who is to record it. Not a copy: that would cost a payment 5 µs. */
export function witnessed<Wished extends Command>(
  command: Wished,
  witness: Witness | undefined,
): Wished {
  if (witness !== undefined) command.witness = witness
  return command
}

/** The command to end a hold whose time is over. */
export function expiryCommand(hold: TransactionRecord): HoldCommand {
  return {
    wish: { kind: 'expire', target: hold.id },
    changeId: newId(),
    ledgerId: hold.ledgerId,
    idempotencyKey: null,
    fingerprint: null,
    accountIds: [...new Set(hold.requestedEntries.map(({ accountId }) => accountId))],
  }
}

/** Everything that may move money or set it aside. */
export type Command = PostCommand | HoldCommand

/** Whether a command is about a hold and makes no transaction of its own. */
export function isHoldCommand(command: Command): command is HoldCommand {
  return 'changeId' in command
}

/** The answer to a command, after it is durable. */
export type PostOutcome =
  /** New, as it was just written: `posted` or `held`, or `failed` when it was refused and has a key. */
  | { readonly kind: 'written'; readonly transaction: TransactionRecord }
  /** Refused on merits. Without a key nothing was stored; with one only a change of a hold has no transaction to show. */
  | { readonly kind: 'refused'; readonly refusal: NonNullable<TransactionRecord['failure']> }
  /** Stands already: the same key and content came before, or an earlier try of ours got through. */
  | { readonly kind: 'standing'; readonly transactionId: string; readonly replayed: boolean }
  /** The key names a transaction, or a change of a hold, of other content. */
  | { readonly kind: 'key_reused'; readonly transactionId: string }
  | { readonly kind: 'key_reused_by_change'; readonly change: HoldChangeRecord }
  /** A hold was changed: this is how it stands now. `expire` gives it also when there was nothing to do. */
  | { readonly kind: 'hold_changed'; readonly hold: TransactionRecord }
  /** The change of a hold stands already, as `standing`: it was done, or refused. */
  | {
      readonly kind: 'change_standing'
      readonly change: HoldChangeRecord
      readonly replayed: boolean
    }
